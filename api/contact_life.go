package api

import (
	"context"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/workflows"
)

// TransferContact saves the note, and asks the contact's workflow to pass the contact on: text does not travel through workflows. A transfer
// that leads nowhere leaves no note behind.
func (s contactService) TransferContact(ctx context.Context, r *contactv1.TransferContactRequest) (*contactv1.TransferContactResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceTransferContactProcedure, r)
	if err != nil {
		return nil, err
	}
	to := store.Transfer{Queue: postroom.QueueID(r.Queue), Agent: postroom.AgentID(r.Agent)}
	if to == (store.Transfer{}) {
		return nil, postroom.Invalid(postroom.ReasonMalformed, "name a queue or an agent")
	}
	if err := s.Store.CheckTransfer(ctx, in.Actor, in.Offer, to); err != nil {
		if done, _ := s.Store.CarriedOut(ctx, in.Command); !done { // else it led somewhere, whoever has signed out since
			return nil, err
		}
	}
	var findings []postroom.Finding
	if !isBlank(r.Note) {
		if _, findings, err = s.addNote(ctx, part(in.Command, "note"), in.Contact, r.Note); err != nil {
			return nil, err
		}
	}
	now, err := s.Gateway.Transfer(ctx, workflows.TransferCommand{OfferCommand: in, Queue: to.Queue, Agent: to.Agent})
	return &contactv1.TransferContactResponse{Findings: findingsToProto(findings)}, s.settled(ctx, in, now, err)
}

// ParkContact asks the contact's workflow to put the contact aside.
func (s contactService) ParkContact(ctx context.Context, r *contactv1.ParkContactRequest) (*contactv1.ParkContactResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceParkContactProcedure, r)
	if err != nil {
		return nil, err
	}
	var until time.Time
	if r.Until != nil {
		if r.Until.CheckValid() != nil || r.Until.AsTime().IsZero() {
			return nil, postroom.Invalid(postroom.ReasonParkTime, "this is no time")
		}
		until = r.Until.AsTime()
	}
	now, err := s.Gateway.Park(ctx, workflows.ParkCommand{OfferCommand: in, Until: until})
	return &contactv1.ParkContactResponse{}, s.settled(ctx, in, now, err)
}

// ReturnToContact asks the contact's workflow to go from wrap-up back to work.
func (s contactService) ReturnToContact(ctx context.Context, r *contactv1.ReturnToContactRequest) (*contactv1.ReturnToContactResponse, error) {
	in, err := s.onOffer(ctx, contactv1connect.ContactServiceReturnToContactProcedure, r)
	if err != nil {
		return nil, err
	}
	now, err := s.Gateway.Return(ctx, in)
	if err := s.settled(ctx, in, now, err); err != nil {
		return nil, err
	}
	contact, err := s.contact(ctx, in.Contact)
	return &contactv1.ReturnToContactResponse{Contact: contact}, err
}

// ReopenContact begins a contact, and then its workflow. That is started by whoever notices first: us, or the reconciler.
func (s contactService) ReopenContact(ctx context.Context, r *contactv1.ReopenContactRequest) (*contactv1.ReopenContactResponse, error) {
	c, err := s.command(ctx, contactv1connect.ContactServiceReopenContactProcedure, r)
	if err != nil {
		return nil, err
	}
	begun, err := s.Store.ReopenContact(ctx, c, postroom.ContactID(r.ContactId))
	if err != nil {
		return nil, err
	}
	if err := s.Gateway.SyncContact(ctx, begun.Contact); err != nil {
		s.Log.WarnContext(ctx, "the workflow of a contact that was taken up again was not started; the reconciler will", "contact", begun.Contact, "error", err)
	} else {
		_ = s.Store.MarkTold(ctx, store.Untold{Contact: begun.Contact, Version: begun.Version}) // losing it costs one more signal
	}
	contact, err := s.contact(ctx, begun.Contact)
	return &contactv1.ReopenContactResponse{Contact: contact}, err
}

// AddNote scans and appends a note.
func (s contactService) AddNote(ctx context.Context, r *contactv1.AddNoteRequest) (*contactv1.AddNoteResponse, error) {
	c, err := s.command(ctx, contactv1connect.ContactServiceAddNoteProcedure, r)
	if err != nil {
		return nil, err
	}
	if isBlank(r.Text) {
		return nil, postroom.Invalid(postroom.ReasonMalformed, "the note is empty")
	}
	note, findings, err := s.addNote(ctx, c, postroom.ContactID(r.ContactId), r.Text)
	if err != nil {
		return nil, err
	}
	return &contactv1.AddNoteResponse{Note: noteToProto(note), Findings: findingsToProto(findings)}, nil
}

func (s contactService) addNote(ctx context.Context, c postroom.Command, id postroom.ContactID, text string) (store.Note, []postroom.Finding, error) {
	if utf8.RuneCountInString(text) > postroom.MaxInternalNote {
		return store.Note{}, nil, postroom.Invalid(postroom.ReasonTooLarge, "a note may have at most 4,000 characters")
	}
	body, findings := s.Scanner.Draft(pci.PlaceNote, text)
	note, err := s.Store.AddNote(ctx, c, id, body, findings)
	return note, findings, err
}

// ListNotes reads a contact's notes.
func (s contactService) ListNotes(ctx context.Context, r *contactv1.ListNotesRequest) (*contactv1.ListNotesResponse, error) {
	notes, err := s.Store.Notes(ctx, postroom.ContactID(r.ContactId))
	return &contactv1.ListNotesResponse{Notes: notesToProto(notes)}, err
}

// LookAtContact records the look, and then reads the contact.
func (s contactService) LookAtContact(ctx context.Context, r *contactv1.LookAtContactRequest) (*contactv1.LookAtContactResponse, error) {
	id := postroom.ContactID(r.ContactId)
	if err := s.Store.RecordLook(ctx, principalOf(ctx).Agent, id); err != nil {
		return nil, err
	}
	contact, err := s.contact(ctx, id)
	if err != nil {
		return nil, err
	}
	contact.Draft, contact.WrapUpNote = nil, ""
	notes, err := s.Store.Notes(ctx, id)
	return &contactv1.LookAtContactResponse{Contact: contact, Notes: notesToProto(notes)}, err
}

func notesToProto(notes []store.Note) []*contactv1.Note {
	var out []*contactv1.Note
	for _, n := range notes {
		out = append(out, noteToProto(n))
	}
	return out
}

func noteToProto(n store.Note) *contactv1.Note {
	return &contactv1.Note{NoteId: string(n.ID), Author: string(n.Author), AuthorName: n.Name, At: timestamppb.New(n.At), Text: n.Body}
}
