package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// mutation is something that an agent asks for: prepare makes what it needs for an agent, and returns it as a call.
type mutation struct {
	name    string
	prepare func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) call
}

type call func(s *store.Store, command postroom.Command) (answer any, err error)

// mutations are all that take a Command of an agent.
func mutations() []mutation {
	offered := func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) postroom.OfferID {
		return c.Claim(t, c.Arrive(t, string(agent)+"@customer.example", "Hello"), agent)
	}
	owned := func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) postroom.OfferID {
		return c.Own(t, c.Arrive(t, string(agent)+"@customer.example", "Hello"), agent)
	}
	choose := func(to postroom.AgentState, after bool) func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) call {
		return func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) call {
			offered(t, c, agent)
			now, err := c.AgentStatus(t.Context(), agent)
			must(t, err)
			choice := store.AgentChange{Agent: agent, To: to, Code: "lunch", Seen: now.Version, AfterContact: after}
			return func(s *store.Store, command postroom.Command) (any, error) {
				got, _, err := s.SetAgentState(t.Context(), command, choice)
				got.Now = time.Time{}
				return got, err
			}
		}
	}
	onOffer := func(begin func(*testing.T, *testkit.Centre, postroom.AgentID) postroom.OfferID,
		do func(t *testing.T, s *store.Store, command postroom.Command, offer postroom.OfferID) (postroom.ContactSnapshot, error)) func(*testing.T,
		*testkit.Centre, postroom.AgentID) call {
		return func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) call {
			offer := begin(t, c, agent)
			return func(s *store.Store, command postroom.Command) (any, error) {
				got, err := do(t, s, command, offer)
				got.Remaining = 0
				for i := range got.Sends {
					got.Sends[i].DueIn = 0
				}
				return got, err
			}
		}
	}
	return []mutation{
		{"accept", onOffer(offered, func(t *testing.T, s *store.Store, c postroom.Command, o postroom.OfferID) (postroom.ContactSnapshot, error) {
			return s.AcceptOffer(t.Context(), c, o)
		})},
		{"decline", onOffer(offered, func(t *testing.T, s *store.Store, c postroom.Command, o postroom.OfferID) (postroom.ContactSnapshot, error) {
			return s.DeclineOffer(t.Context(), c, o)
		})},
		{"close", onOffer(owned, func(t *testing.T, s *store.Store, c postroom.Command, o postroom.OfferID) (postroom.ContactSnapshot, error) {
			return s.CloseWithoutReply(t.Context(), c, o)
		})},
		{"reply", func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) call {
			offer := owned(t, c, agent)
			reply := c.Render(t, offer, agent)
			return onOffer(func(*testing.T, *testkit.Centre, postroom.AgentID) postroom.OfferID { return offer },
				func(t *testing.T, s *store.Store, c postroom.Command, o postroom.OfferID) (postroom.ContactSnapshot, error) {
					again := reply // every attempt renders the reply anew
					again.Message, again.Outbox = postroom.MessageID(testkit.NewID()), postroom.OutboxID(testkit.NewID())
					again.MessageID, again.BlobKey = testkit.NewID()+"@shop.example", testkit.NewID()
					return s.QueueReply(t.Context(), c, o, again)
				})(t, c, agent)
		}},
		{"wrap up", func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) call {
			offer := owned(t, c, agent)
			_, err := c.CloseWithoutReply(t.Context(), testkit.Command(agent), offer)
			must(t, err)
			return onOffer(func(*testing.T, *testkit.Centre, postroom.AgentID) postroom.OfferID { return offer },
				func(t *testing.T, s *store.Store, c postroom.Command, o postroom.OfferID) (postroom.ContactSnapshot, error) {
					return s.CompleteWrapUp(t.Context(), c, o, postroom.WrapUp{Code: "solved"})
				})(t, c, agent)
		}},
		{"draft", func(t *testing.T, c *testkit.Centre, agent postroom.AgentID) call {
			offer := owned(t, c, agent)
			return func(s *store.Store, command postroom.Command) (any, error) {
				return s.SaveDraft(t.Context(), command, store.DraftSave{Offer: offer, Body: postroom.SealText("Dear customer")})
			}
		}},
		{"choose Idle", choose(postroom.AgentIdle, false)},
		{"choose Idle after contact", choose(postroom.AgentIdle, true)},
		{"choose Available", choose(postroom.AgentAvailable, false)},
	}
}

// effects describes everything that a mutation could have changed, the keys of requests aside.
const effects = `
	SELECT concat_ws(' ', (SELECT count(*) FROM contact_event), (SELECT sum(version) FROM contact), (SELECT count(*) FROM agent_log),
		(SELECT sum(version) FROM agent_state), (SELECT sum(wants_seq) FROM agent_state), (SELECT count(*) FROM offer), (SELECT count(*) FROM segment),
		(SELECT count(*) FROM wrapup), (SELECT count(*) FROM message), (SELECT count(*) FROM outbox), (SELECT sum(version) FROM draft),
		(SELECT sum(seq) FROM stream), (SELECT count(*) FROM finding))`

func TestTheSameRequestTwiceHasOneEffectAndOneAnswer(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	all := mutations()
	agents := c.Hire(t, len(all), 2)
	for i, m := range all {
		agent := agents[i]
		c.SignIn(t, agent)
		do, command := m.prepare(t, c, agent), testkit.Command(agent)
		if done, err := c.CarriedOut(t.Context(), command); err != nil || done {
			t.Fatalf("%s: carried out before it began: %v, %v", m.name, done, err)
		}
		first, err := do(c.Store, command)
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		before := c.Text(t, effects)
		second, err := do(c.Store, command)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%s: answered\n%+v, then\n%+v, %v", m.name, first, second, err)
		}
		if after := c.Text(t, effects); after != before {
			t.Errorf("%s: the repeat made %s of %s", m.name, after, before)
		}
		if done, err := c.CarriedOut(t.Context(), command); err != nil || !done {
			t.Errorf("%s: not known to be carried out: %v, %v", m.name, done, err)
		}
		for what, other := range map[string]postroom.Command{
			"another body": {Actor: command.Actor, RequestID: command.RequestID, RPC: command.RPC, BodyHash: []byte("other")},
			"another call": {Actor: command.Actor, RequestID: command.RequestID, RPC: "other", BodyHash: command.BodyHash},
		} {
			_, err = do(c.Store, other)
			wantReason(t, m.name+" with "+what, err, postroom.KindInvalid, postroom.ReasonRequestReused)
			_, err = c.CarriedOut(t.Context(), other)
			wantReason(t, m.name+" with "+what+", asked for", err, postroom.KindInvalid, postroom.ReasonRequestReused)
		}
	}
	c.MustHold(t)
}

// Two tabs, or a retry that overtakes: the same request many times at once.
func theSameRequestManyTimesHasOneEffectAndOneAnswer(t *testing.T, a arena) {
	c, crowd, all := a.Centre, a.crowd, mutations()
	agents := c.Hire(t, len(all), 2)
	for i, m := range all {
		agent := agents[i]
		c.SignIn(t, agent)
		do, command := m.prepare(t, c, agent), testkit.Command(agent)
		version := c.Count(t, "SELECT coalesce(sum(version), 0)::int FROM contact") + c.Count(t, "SELECT sum(version)::int FROM agent_state")
		answers := testkit.Together(testkit.CrowdSize, func(i int) string {
			answer, err := do(crowd.Store(i), command)
			return fmt.Sprintf("%+v %v", answer, err)
		})
		once, err := do(c.Store, command)
		want := fmt.Sprintf("%+v %v", once, err)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		for _, got := range answers {
			if got != want {
				t.Errorf("%s: answered\n%s, want\n%s", m.name, got, want)
				break
			}
		}
		after := c.Count(t, "SELECT coalesce(sum(version), 0)::int FROM contact") + c.Count(t, "SELECT sum(version)::int FROM agent_state")
		if most := version + 2; after > most { // a contact and an agent
			t.Errorf("%s: versions grew from %d to %d", m.name, version, after)
		}
	}
}

// R40: an id belongs to the person who chose it.
func TestAnotherPersonsRequestIDMeansNothing(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	c.SignIn(t, "jiwoo")
	minas, jiwoos := c.Claim(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina"), c.Claim(t, c.Arrive(t, "lee@customer.example", "Hello"), "jiwoo")
	command := testkit.Command("mina")
	if _, err := c.AcceptOffer(t.Context(), command, minas); err != nil {
		t.Fatal(err)
	}
	command.Actor = "jiwoo"
	_, err := c.AcceptOffer(t.Context(), command, minas)
	wantReason(t, "jiwoo accepts mina's offer with mina's id", err, postroom.KindForbidden, postroom.ReasonNotYourOffer)
	command.BodyHash = []byte("jiwoo's own")
	if got, err := c.AcceptOffer(t.Context(), command, jiwoos); err != nil || got.Agent != "jiwoo" {
		t.Errorf("jiwoo accepts his own offer with an id that mina has used: %+v, %v", got, err)
	}
	c.MustHold(t)
}

// A refusal is no effect: the same request may succeed when its reason is gone.
func TestARefusedRequestIsNotRemembered(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")
	_, err := c.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer)
	must(t, err)
	command, wrapUp := testkit.Command("mina"), postroom.WrapUp{Code: "other"}
	_, err = c.CompleteWrapUp(t.Context(), command, offer, wrapUp)
	wantReason(t, "without its note", err, postroom.KindRefused, postroom.ReasonNoteRequired)
	if done, err := c.CarriedOut(t.Context(), command); err != nil || done {
		t.Errorf("carried out: %v, %v", done, err)
	}
	must(t, c.SaveWrapUpNote(t.Context(), "mina", offer, postroom.SealText("sent a parcel"), nil))
	if _, err := c.CompleteWrapUp(t.Context(), command, offer, wrapUp); err != nil {
		t.Errorf("with its note: %v", err)
	}
}

// What the system itself does is repeated after crashes, without a request id.
func TestTheSystemsStepsMayBeRepeated(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	mail := c.Mail("kim@customer.example", "Hello")
	first, err := c.Ingest(t.Context(), mail)
	must(t, err)
	offer := postroom.OfferID("")
	token := ""
	var reply store.Reply
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"ingest", func() error {
			again, err := c.Ingest(t.Context(), mail)
			if again.Arrival != first.Arrival || again.Contact != first.Contact {
				t.Errorf("ingest: %+v, then %+v", first, again)
			}
			return err
		}},
		{"quarantine of what was ingested", func() error { _, err := c.Quarantine(t.Context(), mail.Source, "too_large"); return err }},
		{"route", func() error { _, err := c.RouteContact(t.Context(), first.Contact, "general", "test"); return err }},
		{"show", func() error {
			if offer == "" {
				offer = c.Claim(t, first.Contact, "mina")
			}
			return c.OfferShown(t.Context(), "mina", offer)
		}},
		{"note an accept that met an outage", func() error { return c.AcceptMetOutage(t.Context(), "mina", offer) }},
		{"note", func() error {
			if reply.Outbox == "" {
				_, err := c.AcceptOffer(t.Context(), testkit.Command("mina"), offer)
				must(t, err)
				reply = c.Render(t, offer, "mina")
				_, err = c.QueueReply(t.Context(), testkit.Command("mina"), offer, reply)
				must(t, err)
			}
			return c.SaveWrapUpNote(t.Context(), "mina", offer, postroom.SealText("note"), nil)
		}},
		{"end of sending", func() error {
			if token == "" {
				taken, err := c.TakeToSend(t.Context(), reply.Outbox)
				must(t, err)
				token = taken.Sending.Token
				must(t, c.BeforeDot(t.Context(), reply.Outbox, token))
			}
			return noted(c.EndAttempt(t.Context(), reply.Outbox, token, store.Attempted{Delivery: postroom.DeliverySent, Code: 250}))
		}},
	} {
		must(t, step.do())
		before := c.Text(t, effects)
		if err := step.do(); err != nil {
			t.Errorf("%s again: %v", step.name, err)
		}
		if after := c.Text(t, effects); after != before {
			t.Errorf("%s again made %s of %s", step.name, after, before)
		}
	}
	c.MustHold(t)
}
