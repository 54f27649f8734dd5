package api

import (
	"context"
	"slices"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/postroom/postroom"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/store"
)

// eventsAtOnce bounds how many events are read in one go.
const eventsAtOnce = 100

// Watch streams what happens to the agent. It subscribes first and reads then, so that nothing falls between; it reads again when it is
// woken and with every keep-alive, as a notification may be lost.
func (s agentService) Watch(ctx context.Context, r *agentv1.WatchRequest, out *connect.ServerStream[agentv1.WatchResponse]) error {
	p := principalOf(ctx)
	events, unsubscribe := s.Hub.Subscribe(store.NotifyEvents, store.AgentStream(p.Agent))
	defer unsubscribe()
	sessions, unsubscribe := s.Hub.Subscribe(store.NotifySession, string(p.Agent))
	defer unsubscribe()

	w := &watch{server: s.Server, agent: p.Agent, out: out}
	if err := w.begin(ctx, r.After); err != nil {
		return err
	}
	alive, check := time.NewTicker(keepAlive), time.NewTicker(sessionCheck)
	defer alive.Stop()
	defer check.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-events.C:
			events.Take()
			err = w.catchUp(ctx)
		case <-alive.C:
			if err = w.catchUp(ctx); err == nil {
				err = w.send(&agentv1.WatchResponse{Event: &agentv1.WatchResponse_KeepAlive{KeepAlive: &agentv1.KeepAlive{}}})
			}
		case <-sessions.C:
			sessions.Take()
			err = w.stillAllowed(ctx, p)
		case <-check.C:
			err = w.stillAllowed(ctx, p)
		}
		if err != nil {
			return err
		}
	}
}

// watch is one stream: how far its reader has come.
type watch struct {
	server *Server
	agent  postroom.AgentID
	out    *connect.ServerStream[agentv1.WatchResponse]
	at     store.Head
}

// begin resumes after a token, or sends a snapshot: without a token, for one of another life of the database, or for one that lies
// ahead of the stream.
func (w *watch) begin(ctx context.Context, after *agentv1.StreamToken) error {
	if after == nil {
		return w.snapshot(ctx)
	}
	head, err := w.server.Store.StreamHead(ctx, store.AgentStream(w.agent))
	if err != nil {
		return err
	}
	if after.Epoch != head.Epoch || after.Seq > head.Seq || after.Seq < 0 {
		return w.snapshot(ctx)
	}
	w.at = store.Head{Epoch: head.Epoch, Seq: after.Seq}
	if err := w.catchUp(ctx); err != nil {
		return err
	}
	return w.send(&agentv1.WatchResponse{Event: &agentv1.WatchResponse_KeepAlive{KeepAlive: &agentv1.KeepAlive{}}})
}

func (w *watch) snapshot(ctx context.Context) error {
	snap, err := w.server.Store.AgentSnapshot(ctx, w.agent)
	if err != nil {
		return err
	}
	w.at = snap.Head
	return w.send(&agentv1.WatchResponse{Event: &agentv1.WatchResponse_Snapshot{
		Snapshot: &agentv1.Snapshot{State: stateToProto(snap.Status), Contacts: cardsToProto(snap.Cards),
			FiredReminderIds: snap.Reminders}}})
}

// catchUp sends what came after the reader's place. Events that were swept meanwhile are replaced by a snapshot.
func (w *watch) catchUp(ctx context.Context) error {
	for {
		events, resume, err := w.server.Store.EventsAfter(ctx, store.AgentStream(w.agent), w.at.Seq, eventsAtOnce)
		if err != nil {
			return err
		}
		if !resume {
			return w.snapshot(ctx)
		}
		for _, e := range events {
			if err := w.event(ctx, e); err != nil {
				return err
			}
		}
		if len(events) < eventsAtOnce {
			return nil
		}
	}
}

// event sends what an event is about, as it is now.
func (w *watch) event(ctx context.Context, e store.Event) error {
	w.at.Seq = e.Seq
	if e.Kind == store.EventAgent {
		status, err := w.server.Store.AgentStatus(ctx, w.agent)
		if err != nil {
			return err
		}
		return w.send(&agentv1.WatchResponse{Event: &agentv1.WatchResponse_StateChanged{StateChanged: stateToProto(status)}})
	}
	if e.Kind == store.EventReminder {
		return w.reminder(ctx, e.Reminder)
	}
	card, listed, err := w.server.Store.ActiveContact(ctx, w.agent, e.Contact)
	if err != nil {
		return err
	}
	changed := &agentv1.ContactChanged{ContactId: string(e.Contact), OfferId: string(e.Offer), OfferState: offerStates[e.State]}
	if listed {
		changed.Card = cardToProto(card)
	}
	return w.send(&agentv1.WatchResponse{Event: &agentv1.WatchResponse_ContactChanged{ContactChanged: changed}})
}

// reminder sends that a reminder has changed, and whether it is the agent's now.
func (w *watch) reminder(ctx context.Context, id postroom.ReminderID) error {
	r, err := w.server.Store.Reminder(ctx, id)
	if err != nil {
		return err
	}
	return w.send(&agentv1.WatchResponse{Event: &agentv1.WatchResponse_ReminderChanged{ReminderChanged: &agentv1.ReminderChanged{
		ReminderId: string(id), Listed: r.Concerns(w.agent), Fired: r.State == postroom.ReminderFired && slices.Contains(r.FiredTo, w.agent)}}})
}

func (w *watch) send(r *agentv1.WatchResponse) error {
	r.Token = &agentv1.StreamToken{Epoch: w.at.Epoch, Seq: w.at.Seq}
	r.ServerNow = timestamppb.Now()
	return w.out.Send(r)
}

// stillAllowed ends the stream when its session has ended or locked (R40).
func (w *watch) stillAllowed(ctx context.Context, p Principal) error {
	now, found, err := w.server.Store.Session(ctx, p.token.Hash())
	if err != nil || (found && !now.Locked) {
		return err
	}
	ended := postroom.Unauthenticated(postroom.ReasonSessionEnded, "the session has ended: sign in again")
	if found {
		ended = postroom.Unauthenticated("session_locked", "the session is locked: give your password again")
	}
	if err := w.send(&agentv1.WatchResponse{Event: &agentv1.WatchResponse_SessionEnded{
		SessionEnded: &agentv1.SessionEnded{Reason: string(ended.Reason)}}}); err != nil {
		return err
	}
	return ended
}
