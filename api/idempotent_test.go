package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/postroom/postroom"
	adminv1 "github.com/postroom/postroom/internal/gen/postroom/admin/v1"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// mutations is one life of a contact, each step a mutation: as it is asked, as it may not be asked again under the same id, and a query that
// counts its effect.
func mutations(me desk, first, second postroom.OfferID) []mutation {
	return []mutation{
		{"AcceptOffer", `SELECT count(*) FROM contact_event WHERE event = 'accepted'`,
			try(me.contact.AcceptOffer, &contactv1.AcceptOfferRequest{OfferId: string(first)}),
			try(me.contact.AcceptOffer, &contactv1.AcceptOfferRequest{OfferId: string(second)})},
		{"DeclineOffer", `SELECT count(*) FROM offer WHERE state = 'declined'`,
			try(me.contact.DeclineOffer, &contactv1.DeclineOfferRequest{OfferId: string(second)}),
			try(me.contact.DeclineOffer, &contactv1.DeclineOfferRequest{OfferId: string(first)})},
		{"SaveDraft", `SELECT coalesce(max(version), 0) FROM draft`,
			try(me.contact.SaveDraft, &contactv1.SaveDraftRequest{OfferId: string(first), Text: "One"}),
			try(me.contact.SaveDraft, &contactv1.SaveDraftRequest{OfferId: string(first), Text: "Two"})},
		{"QuickReply", `SELECT count(*) FROM outbox`,
			try(me.contact.QuickReply, &contactv1.QuickReplyRequest{OfferId: string(first), Text: "It is on its way.", DraftVersion: 1}),
			try(me.contact.QuickReply, &contactv1.QuickReplyRequest{OfferId: string(first), Text: "It is lost.", DraftVersion: 1})},
		{"CompleteWrapUp", `SELECT count(*) FROM wrapup`,
			try(me.contact.CompleteWrapUp, &contactv1.CompleteWrapUpRequest{OfferId: string(first), Code: "other", Note: "Sent " + card}),
			try(me.contact.CompleteWrapUp, &contactv1.CompleteWrapUpRequest{OfferId: string(first), Code: "solved"})},
	}
}

type mutation struct {
	name, effects string
	ask, other    func(t *testing.T, requestID string) (proto.Message, error)
}

// try makes a call under an id of choice.
func try[Q, A proto.Message](call func(ctx context.Context, q Q) (A, error), q Q) func(t *testing.T, requestID string) (proto.Message, error) {
	return func(t *testing.T, requestID string) (proto.Message, error) {
		t.Helper()
		named := proto.Clone(q).(Q)
		field := named.ProtoReflect().Descriptor().Fields().ByName("request_id")
		named.ProtoReflect().Set(field, protoreflect.ValueOfString(requestID))
		answer, err := call(soon(t), named)
		if err != nil {
			return answer, err
		}
		// The server's clock goes on, and the second time a configuration has changed nothing.
		for _, differs := range []protoreflect.Name{"server_now", "changes"} {
			if f := answer.ProtoReflect().Descriptor().Fields().ByName(differs); f != nil {
				answer.ProtoReflect().Clear(f)
			}
		}
		if replied, ok := any(answer).(*contactv1.QuickReplyResponse); ok { // the reply is on its way
			for _, m := range replied.Contact.Messages {
				m.Delivery, m.ReplyCode, m.ServerText = 0, 0, ""
			}
		}
		return answer, nil
	}
}

// once makes a mutation twice under one id, and then another under it.
func (m mutation) once(t *testing.T, a *testkit.API) {
	t.Helper()
	for _, id := range []string{"", "1", strings.Repeat("x", 36), "urn:uuid:" + newID(), strings.ReplaceAll(newID(), "-", "")} {
		_, err := m.ask(t, id)
		mustRefuse(t, m.name+" with request_id "+id, err, connect.CodeInvalidArgument, postroom.ReasonMalformed)
	}
	before := a.Count(t, m.effects)
	id := newID()
	one, err := m.ask(t, id)
	if err != nil {
		t.Fatalf("%s: %v (%s)", m.name, err, refusalOf(err))
	}
	after := a.Count(t, m.effects)
	two, err := m.ask(t, id)
	if err != nil || !proto.Equal(one, two) {
		t.Errorf("%s: answered with\n%v\nand then with\n%v, %v", m.name, one, two, err)
	}
	if again := a.Count(t, m.effects); after != before+1 || again != after {
		t.Errorf("%s: %d effects before, %d after it, %d after its repeat", m.name, before, after, again)
	}
	_, err = m.other(t, id)
	mustRefuse(t, m.name+" of something else under the same id", err, connect.CodeInvalidArgument, postroom.ReasonRequestReused)
	if again := a.Count(t, m.effects); again != after {
		t.Errorf("%s of something else under the same id had an effect", m.name)
	}
}

func TestMutationOfAContactHasOneEffectHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	first := a.AwaitOffer(t, "mina", a.Begin(t, "kim@customer.example", "One"))
	second := a.AwaitOffer(t, "mina", a.Begin(t, "lee@customer.example", "Two"))
	for _, m := range mutations(as(t, a, "mina"), first, second) {
		m.once(t, a)
	}
	if n := a.Count(t, `SELECT count(*) FROM finding WHERE place = 'note'`); n != 1 {
		t.Errorf("the card number in the note was found %d times", n)
	}
	a.MustHold(t)
}

func TestClosingHasOneEffectHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	offers := []postroom.OfferID{a.AwaitOffer(t, "mina", a.Begin(t, "kim@customer.example", "One")),
		a.AwaitOffer(t, "mina", a.Begin(t, "lee@customer.example", "Two"))}
	for _, o := range offers {
		got(me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: string(o)}))(t)
	}
	mutation{"CloseContact", `SELECT count(*) FROM contact_event WHERE event = 'closed'`,
		try(me.contact.CloseContact, &contactv1.CloseContactRequest{OfferId: string(offers[0])}),
		try(me.contact.CloseContact, &contactv1.CloseContactRequest{OfferId: string(offers[1])})}.once(t, a)
	a.MustHold(t)
}

// Temporal remembers an update by its id, and would answer any other call under it with what the first was answered.
func TestIdOfOneCallDoesNotAnswerAnother(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	offer := a.AwaitOffer(t, "mina", a.Begin(t, "kim@customer.example", "One"))
	id := newID()
	got(me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: id, OfferId: string(offer)}))(t)
	_, err := me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: id, OfferId: string(offer)})
	mustRefuse(t, "a close under the id of the accept", err, connect.CodeInvalidArgument, postroom.ReasonRequestReused)
	_, err = me.contact.DeclineOffer(soon(t), &contactv1.DeclineOfferRequest{RequestId: id, OfferId: string(offer)})
	mustRefuse(t, "a decline under the id of the accept", err, connect.CodeInvalidArgument, postroom.ReasonRequestReused)
	if phase := a.Text(t, `SELECT phase FROM contact`); phase != "owned" {
		t.Errorf("the contact is %s", phase)
	}

	id = newID()
	_, err = me.contact.CompleteWrapUp(soon(t), &contactv1.CompleteWrapUpRequest{RequestId: id, OfferId: string(offer), Code: "solved"})
	mustRefuse(t, "a wrap-up before the reply", err, connect.CodeFailedPrecondition, "not_in_wrapup")
	got(me.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: id, OfferId: string(offer)}))(t)
}

func TestStateIsSetOnceHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	a := offline(t)
	me := as(t, a, "mina")
	mutation{"SetState", `SELECT count(*) FROM agent_log WHERE event = 'chooses Available'`,
		try(me.agent.SetState, &agentv1.SetStateRequest{State: agentv1.State_STATE_AVAILABLE, SeenVersion: 2}),
		try(me.agent.SetState, &agentv1.SetStateRequest{State: agentv1.State_STATE_IDLE, IdleCode: "lunch", SeenVersion: 2})}.once(t, a)

	_, err := me.agent.SetState(soon(t), &agentv1.SetStateRequest{RequestId: newID(), State: agentv1.State_STATE_IDLE, IdleCode: "lunch", SeenVersion: 2})
	mustRefuse(t, "a choice on an old state", err, connect.CodeAborted, postroom.ReasonStaleState)
	_, err = me.agent.SetState(soon(t), &agentv1.SetStateRequest{RequestId: newID(), State: agentv1.State_STATE_IDLE, IdleCode: "holiday", SeenVersion: 3})
	mustRefuse(t, "an idle code of nobody's", err, connect.CodeInvalidArgument, postroom.ReasonUnknownCode)
	for _, state := range []agentv1.State{agentv1.State_STATE_UNSPECIFIED, agentv1.State_STATE_RONA, agentv1.State_STATE_LOGGED_OUT, 99} {
		_, err = me.agent.SetState(soon(t), &agentv1.SetStateRequest{RequestId: newID(), State: state, SeenVersion: 3})
		mustRefuse(t, "to choose "+state.String(), err, connect.CodeInvalidArgument, postroom.ReasonMalformed)
	}
	now := got(me.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t).State
	if now.State != agentv1.State_STATE_AVAILABLE || now.Version != 3 {
		t.Errorf("the state is %v", now)
	}
	// Two people do not share ids.
	id := newID()
	for i, who := range []postroom.AgentID{"jiwoo", "tom"} {
		state := got(as(t, a, who).agent.SetState(soon(t), &agentv1.SetStateRequest{RequestId: id, State: agentv1.State_STATE_AVAILABLE, SeenVersion: 2}))(t)
		if state.State.Agent != string(who) || state.State.State != agentv1.State_STATE_AVAILABLE {
			t.Errorf("%d: %v", i, state)
		}
	}
}

func TestAdministrationHasOneEffectHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	document := got(boss.admin.ExportConfiguration(soon(t), &adminv1.ExportConfigurationRequest{}))(t).Document
	changed := strings.ReplaceAll(document, "Lunch", "Midday")
	for _, m := range []mutation{
		{"ApplyConfiguration", `SELECT count(*) FROM configuration`,
			try(boss.admin.ApplyConfiguration, &adminv1.ApplyConfigurationRequest{Document: changed, File: "a.yaml"}),
			try(boss.admin.ApplyConfiguration, &adminv1.ApplyConfigurationRequest{Document: document, File: "a.yaml"})},
		{"SetPassword", `SELECT count(*) FROM audit WHERE action = 'set password'`,
			try(boss.admin.SetPassword, &adminv1.SetPasswordRequest{Agent: "mina", Password: testkit.Password}),
			try(boss.admin.SetPassword, &adminv1.SetPasswordRequest{Agent: "mina", Password: testkit.Password + "!"})},
		{"RevokeSessions", `SELECT count(*) FROM audit WHERE action = 'revoke sessions'`,
			try(boss.admin.RevokeSessions, &adminv1.RevokeSessionsRequest{Agent: "mina"}),
			try(boss.admin.RevokeSessions, &adminv1.RevokeSessionsRequest{Agent: "tom"})},
	} {
		m.once(t, a)
	}
}

// R8: a double click, and two tabs, are one owner.
func TestAcceptInParallelIsOneOwner(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	same := newID()
	// A contact's workflow takes ten updates at once (decided by Temporal): more clicks than that are one click.
	for name, clicked := range map[string]struct {
		times int
		id    func() string
	}{"under one id": {20, func() string { return same }}, "under ids of their own": {8, newID}} {
		contact := a.Begin(t, "kim@customer.example", name)
		offer := a.AwaitOffer(t, "mina", contact)
		type outcome struct {
			answer *contactv1.AcceptOfferResponse
			err    error
		}
		clicks := testkit.Together(clicked.times, func(int) outcome {
			answer, err := me.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: clicked.id(), OfferId: string(offer)})
			return outcome{answer, err}
		})
		for _, c := range clicks {
			if c.err != nil || !proto.Equal(c.answer, clicks[0].answer) {
				t.Errorf("%s: %v, %v", name, c.answer, c.err)
			}
		}
		if now := clicks[0].answer.GetContact(); now.GetPhase() != contactv1.Phase_PHASE_OWNED || now.GetAgent() != "mina" {
			t.Errorf("%s: the contact is %v", name, now)
		}
		if n := a.Count(t, `SELECT count(*) FROM contact_event WHERE event = 'accepted' AND contact_id = $1`, contact); n != 1 {
			t.Errorf("%s: accepted %d times", name, n)
		}
	}
	a.MustHold(t)
}
