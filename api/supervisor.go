package api

import (
	"context"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	supervisorv1 "github.com/postroom/postroom/internal/gen/postroom/supervisor/v1"
	"github.com/postroom/postroom/internal/gen/postroom/supervisor/v1/supervisorv1connect"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

// supervisorService implements postroom.supervisor.v1.SupervisorService. Its changes are made in the store directly, so that they work when
// a contact's workflow is dead; the workflow is told afterwards.
type supervisorService struct{ *Server }

// supervision is what a supervisor's request asks of a contact.
type supervision interface {
	mutation
	GetContactId() string
	GetSeenVersion() int64
}

func (s *Server) supervision(ctx context.Context, rpc string, r supervision) (store.Supervision, error) {
	c, err := s.command(ctx, rpc, r)
	return store.Supervision{Command: c, By: principalOf(ctx).actor(), Contact: postroom.ContactID(r.GetContactId()), Seen: r.GetSeenVersion()}, err
}

// changed tells the workflow of a contact that was changed.
func (s *Server) changed(ctx context.Context, now postroom.ContactSnapshot) {
	s.sync(ctx, []store.Withdrawn{{Contact: now.Contact, Version: now.Version}})
}

// AssignContact makes an agent the owner.
func (s supervisorService) AssignContact(ctx context.Context, r *supervisorv1.AssignContactRequest) (*supervisorv1.AssignContactResponse, error) {
	v, err := s.supervision(ctx, supervisorv1connect.SupervisorServiceAssignContactProcedure, r)
	if err != nil {
		return nil, err
	}
	agent := postroom.AgentID(r.Agent)
	if err := inScope(ctx, s.Store, principalOf(ctx), agent); err != nil {
		return nil, err
	}
	now, err := s.Store.AssignContact(ctx, v, agent)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &supervisorv1.AssignContactResponse{Version: now.Version, Phase: phases[now.Phase], OfferId: string(now.Offer)}, nil
}

// MoveContact puts a contact into another queue.
func (s supervisorService) MoveContact(ctx context.Context, r *supervisorv1.MoveContactRequest) (*supervisorv1.MoveContactResponse, error) {
	v, err := s.supervision(ctx, supervisorv1connect.SupervisorServiceMoveContactProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Store.MoveContact(ctx, v, postroom.QueueID(r.Queue))
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &supervisorv1.MoveContactResponse{Version: now.Version, Phase: phases[now.Phase]}, nil
}

// ReprioritiseContact gives a contact a priority.
func (s supervisorService) ReprioritiseContact(ctx context.Context, r *supervisorv1.ReprioritiseContactRequest) (*supervisorv1.ReprioritiseContactResponse, error) {
	v, err := s.supervision(ctx, supervisorv1connect.SupervisorServiceReprioritiseContactProcedure, r)
	if err != nil {
		return nil, err
	}
	var priority *int
	if r.Priority != nil {
		n := int(r.GetPriority())
		priority = &n
	}
	now, err := s.Store.ReprioritiseContact(ctx, v, priority)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &supervisorv1.ReprioritiseContactResponse{Version: now.Version, Phase: phases[now.Phase]}, nil
}

// RequeueContact puts a contact back into its queue.
func (s supervisorService) RequeueContact(ctx context.Context, r *supervisorv1.RequeueContactRequest) (*supervisorv1.RequeueContactResponse, error) {
	v, err := s.supervision(ctx, supervisorv1connect.SupervisorServiceRequeueContactProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Store.RequeueContact(ctx, v)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &supervisorv1.RequeueContactResponse{Version: now.Version, Phase: phases[now.Phase]}, nil
}

// UnstickContact takes a contact back from wherever it is.
func (s supervisorService) UnstickContact(ctx context.Context, r *supervisorv1.UnstickContactRequest) (*supervisorv1.UnstickContactResponse, error) {
	v, err := s.supervision(ctx, supervisorv1connect.SupervisorServiceUnstickContactProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Store.UnstickContact(ctx, v, postroom.QueueID(r.Queue))
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	return &supervisorv1.UnstickContactResponse{Version: now.Version, Phase: phases[now.Phase]}, nil
}

// maxClosed is how many contacts one request may close.
const maxClosed = 100

// CloseContacts closes contacts one by one: what is refused for one says nothing of the others.
func (s supervisorService) CloseContacts(ctx context.Context, r *supervisorv1.CloseContactsRequest) (*supervisorv1.CloseContactsResponse, error) {
	c, err := s.command(ctx, supervisorv1connect.SupervisorServiceCloseContactsProcedure, r)
	switch {
	case err != nil:
		return nil, err
	case len(r.Contacts) == 0 || len(r.Contacts) > maxClosed:
		return nil, postroom.Invalid(postroom.ReasonMalformed, "1 to 100 contacts can be closed at once")
	case utf8.RuneCountInString(r.Note) > postroom.MaxNote:
		return nil, postroom.Invalid(postroom.ReasonTooLarge, "a note may have at most 1,000 characters")
	}
	note, findings := s.Scanner.Draft(pci.PlaceNote, r.Note)
	response := &supervisorv1.CloseContactsResponse{}
	for _, seen := range r.Contacts {
		err := s.closeWaiting(ctx, store.Closing{Agent: c.Actor, Code: postroom.WrapUpCode(r.Code), Note: note, Findings: findings,
			Supervision: store.Supervision{Command: part(c, seen.ContactId), By: principalOf(ctx).actor(), Contact: postroom.ContactID(seen.ContactId), Seen: seen.Version}})
		switch postroom.KindOf(err) {
		case "", postroom.KindInvalid, postroom.KindNotFound, postroom.KindConflict, postroom.KindRefused, postroom.KindForbidden:
			response.Contacts = append(response.Contacts, &supervisorv1.ClosedContact{ContactId: seen.ContactId, Reason: string(postroom.ReasonOf(err))})
		default: // the database is gone: a repeat of the request goes on where this one ended
			return nil, err
		}
	}
	return response, nil
}

func (s supervisorService) closeWaiting(ctx context.Context, c store.Closing) error {
	if err := related(ctx, s.Store, principalOf(ctx), c.Contact, maySupervise); err != nil {
		return err
	}
	now, err := s.Store.CloseWaiting(ctx, c)
	if err != nil {
		return err
	}
	s.changed(ctx, now)
	return nil
}

// ForceAgentState gives an agent a state.
func (s supervisorService) ForceAgentState(ctx context.Context, r *supervisorv1.ForceAgentStateRequest) (*supervisorv1.ForceAgentStateResponse, error) {
	c, err := s.command(ctx, supervisorv1connect.SupervisorServiceForceAgentStateProcedure, r)
	if err != nil {
		return nil, err
	}
	status, changed, err := s.Store.ForceAgentState(ctx, store.Forcing{Command: c, By: principalOf(ctx).actor(), Change: store.AgentChange{
		Agent: postroom.AgentID(r.Agent), To: statesFromProto[r.State], Code: postroom.IdleCode(r.IdleCode), Seen: r.SeenVersion}})
	if err != nil {
		return nil, err
	}
	s.sync(ctx, changed)
	return &supervisorv1.ForceAgentStateResponse{State: stateToProto(status), ServerNow: timestamppb.New(status.Now)}, nil
}

// PickContact makes the caller the owner of a contact that waits.
func (s contactService) PickContact(ctx context.Context, r *contactv1.PickContactRequest) (*contactv1.PickContactResponse, error) {
	v, err := s.supervision(ctx, contactv1connect.ContactServicePickContactProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Store.PickContact(ctx, v)
	if err != nil {
		return nil, err
	}
	s.changed(ctx, now)
	contact, err := s.contact(ctx, v.Contact)
	return &contactv1.PickContactResponse{Contact: contact}, err
}
