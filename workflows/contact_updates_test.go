package workflows_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// A refusal leaves the row, what the workflow believes, and its timer as they were, and the agent hears its kind and its reason.
func TestRefusedUpdateLeavesEverythingAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask    func(*stage) *answer
		kind   postroom.Kind
		reason postroom.Reason
	}{
		"another agent's offer": {func(s *stage) *answer {
			in := s.on()
			in.Actor = "tom"
			return s.ask(workflows.AcceptUpdate, in)
		}, postroom.KindForbidden, postroom.ReasonForbidden},
		"an offer that nobody knows": {func(s *stage) *answer {
			in := s.on()
			in.Offer = postroom.OfferID(id('0', 99))
			return s.ask(workflows.DeclineUpdate, in)
		}, postroom.KindNotFound, postroom.ReasonUnknownOffer},
		"closed before it was accepted":    {(*stage).close, postroom.KindConflict, postroom.ReasonOfferEnded},
		"answered before it was accepted":  {(*stage).reply, postroom.KindConflict, postroom.ReasonOfferEnded},
		"wrapped up before it was handled": {(*stage).complete, postroom.KindConflict, postroom.ReasonOfferEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"mina"}
			var refused *answer
			var before postroom.ContactSnapshot
			s.at(10*time.Second, func() { before = s.row.read(); refused = c.ask(s) })
			s.at(11*time.Second, func() {
				s.refused(refused, c.kind, c.reason)
				if after := s.row.read(); after.Version != before.Version || after.Offer != before.Offer {
					t.Errorf("the row was %+v and is %+v", before, after)
				}
				s.believes("Offered to mina until 09:01:30 (queue general).")
			})
			s.at(91*time.Second, func() { s.believes("Waiting in queue general."); s.row.claim("tom"); s.sync() })
			s.handleAt(100 * time.Second)
			s.done()
		})
	}
}

// The workflow has not heard yet that a contact was offered from outside, and its agent accepts: the row decides, not what the workflow knows.
func TestAcceptMayOvertakeTheNewsOfItsOffer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var accepted *answer
	s.at(10*time.Second, func() {
		s.believes("Waiting in queue general.")
		s.row.claim("mina")
		accepted = s.accept()
		s.sync() // the news
	})
	s.at(11*time.Second, func() {
		s.carriedOut(accepted, postroom.ContactOwned)
		s.believes("Owned by mina (queue general).")
		s.close()
	})
	s.at(12*time.Second, func() { s.complete() })
	s.done()
}

func TestRepeatedRequestIsAnsweredAlikeAndHasOneEffect(t *testing.T) {
	t.Parallel()
	for name, update := range map[string]func(n int) string{
		"under the same update id": func(int) string { return id('c', 1) }, // answered by Temporal
		"under another update id":  func(n int) string { return id('c', n) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = []postroom.AgentID{"mina"}
			var in workflows.OfferCommand
			var answers []*answer
			s.at(9*time.Second, func() { in = s.on() })
			for n := range 3 {
				s.at(time.Duration(10+n)*time.Second, func() { answers = append(answers, s.askAs(update(n), workflows.AcceptUpdate, in)) })
			}
			s.at(20*time.Second, func() {
				for _, a := range answers {
					s.carriedOut(a, postroom.ContactOwned)
					if a.now.Version != answers[0].now.Version {
						t.Errorf("versions %d and %d", answers[0].now.Version, a.now.Version)
					}
				}
				s.close()
			})
			s.at(21*time.Second, func() { s.complete() })
			s.done()
		})
	}
}

// The answer to a repeat tells nothing new, so it does not have the workflow look for an agent again.
func TestRepeatedRequestWakesNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	var in workflows.OfferCommand
	s.at(10*time.Second, func() { in = s.on(); s.ask(workflows.DeclineUpdate, in) })
	s.at(20*time.Second, func() { s.ask(workflows.DeclineUpdate, in) })
	s.at(30*time.Second, func() {
		s.made("LoadContact", "RouteContact", "OfferContact", "DeclineOffer", "OfferContact", "DeclineOffer")
		s.row.claim("tom")
		s.sync()
	})
	s.handleAt(40 * time.Second)
	s.done()
}

// The validators refuse what no contact centre could mean, before anything is recorded, and nothing else.
func TestValidatorsRefuseWhatIsMalformed(t *testing.T) {
	t.Parallel()
	type bad struct {
		name   string
		update string
		in     any
	}
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	var cases []bad
	var answers []*answer
	s.at(10*time.Second, func() {
		for name, spoil := range map[string]func(*workflows.OfferCommand){
			"no actor":                   func(c *workflows.OfferCommand) { c.Actor = "" },
			"no rpc":                     func(c *workflows.OfferCommand) { c.RPC = "" },
			"no body hash":               func(c *workflows.OfferCommand) { c.BodyHash = nil },
			"no request id":              func(c *workflows.OfferCommand) { c.RequestID = "" },
			"a request id that is none":  func(c *workflows.OfferCommand) { c.RequestID = "1" },
			"a request id in braces":     func(c *workflows.OfferCommand) { c.RequestID = "{" + c.RequestID + "}" },
			"a request id as a URN":      func(c *workflows.OfferCommand) { c.RequestID = "urn:uuid:" + c.RequestID },
			"a request id without lines": func(c *workflows.OfferCommand) { c.RequestID = strings.ReplaceAll(c.RequestID, "-", "") },
			"no offer":                   func(c *workflows.OfferCommand) { c.Offer = "" },
			"an offer that is none":      func(c *workflows.OfferCommand) { c.Offer = "first" },
			"no contact":                 func(c *workflows.OfferCommand) { c.Contact = "" },
			"a contact that is none":     func(c *workflows.OfferCommand) { c.Contact = "contact/1" },
		} {
			in := s.on()
			spoil(&in)
			cases = append(cases, bad{name, workflows.AcceptUpdate, in}, bad{name, workflows.DeclineUpdate, in}, bad{name, workflows.CloseUpdate, in},
				bad{name, workflows.ReplyUpdate, workflows.ReplyCommand{OfferCommand: in, DraftVersion: 1}},
				bad{name, workflows.CompleteUpdate, workflows.WrapUpCommand{OfferCommand: in, Code: "solved"}})
		}
		cases = append(cases, bad{"no draft", workflows.ReplyUpdate, workflows.ReplyCommand{OfferCommand: s.on()}},
			bad{"a draft before the first", workflows.ReplyUpdate, workflows.ReplyCommand{OfferCommand: s.on(), DraftVersion: -1}},
			bad{"no code", workflows.CompleteUpdate, workflows.WrapUpCommand{OfferCommand: s.on()}})
		for _, c := range cases {
			answers = append(answers, s.ask(c.update, c.in))
		}
	})
	s.at(11*time.Second, func() {
		for i, a := range answers {
			var failure *temporal.ApplicationError
			if !errors.As(a.rejected, &failure) || failure.Type() != string(postroom.ReasonMalformed) || !failure.NonRetryable() {
				t.Errorf("%s, %s: %+v", cases[i].update, cases[i].name, a)
			}
		}
		s.made("LoadContact", "RouteContact", "OfferContact")
	})
	s.handleAt(20 * time.Second)
	s.done()
	if len(answers) != 63 {
		t.Errorf("%d cases", len(answers))
	}
}

// crowd has every step of an agent wait inside for another step to come in beside it. When none may, release ends the wait.
func crowd(s *stage) (release func()) {
	released, together := make(chan struct{}), make(chan struct{})
	s.row.before = func(step string) error {
		if step != "AcceptOffer" && step != "DeclineOffer" {
			return nil
		}
		s.row.mu.Lock()
		if s.row.inside == 2 {
			close(together)
		}
		s.row.mu.Unlock()
		select {
		case <-together:
		case <-released:
		}
		return nil
	}
	return func() { close(released) }
}

// Handlers and the main flow interleave at every step, so one mutex lets one step at a time to the row: the second request sees what the first
// has done. (Beside it, controls_test.go shows that without the mutex two do meet.)
func TestTwoRequestsAtOnceComeToTheRowOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	release := crowd(s)
	var accepted, declined *answer
	s.at(10*time.Second, func() {
		accepted, declined = s.accept(), s.decline()
		s.sync()
		s.at(50*time.Millisecond, release) // by the real clock, as a step is under way
	})
	s.at(30*time.Second, func() {
		s.carriedOut(accepted, postroom.ContactOwned)
		s.refused(declined, postroom.KindConflict, postroom.ReasonOfferEnded)
		s.believes("Owned by mina (queue general).")
		s.close()
	})
	s.at(31*time.Second, func() { s.complete() })
	s.done()
	if s.row.atOnce() != 1 || s.row.count("DeclineOffer") != 1 {
		t.Errorf("%d steps were on the row at once: %v", s.row.atOnce(), s.row.made())
	}
}

// An update that comes with the first task waits until the row is loaded: what it is answered with is never from before the load, and what the
// workflow knows comes from the row.
func TestUpdateThatComesWithTheFirstTaskWaitsForTheLoad(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.change(func() { s.row.now.Phase, s.row.now.Queue = postroom.ContactWaiting, theQueue; s.row.offer("mina") })
	var accepted *answer
	s.at(0, func() { accepted = s.accept() })
	s.at(time.Second, func() { s.carriedOut(accepted, postroom.ContactOwned); s.close() })
	s.at(2*time.Second, func() { s.complete() })
	s.done()
	s.made("LoadContact", "AcceptOffer", "CloseContact", "CompleteWrapUp")
}

// All that agents may ask can be asked from the first task on: no update is refused as unknown.
func TestEveryUpdateHasItsHandlerBeforeTheRowIsLoaded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.change(func() { s.row.now.Phase, s.row.now.Queue = postroom.ContactWaiting, theQueue; s.row.offer("mina") })
	s.row.before = func(step string) error {
		if step == "LoadContact" && s.env.Now().Before(s.began.Add(5*time.Second)) {
			return down()
		}
		return nil
	}
	var early []*answer
	s.at(0, func() { early = append(early, s.complete(), s.reply(), s.close(), s.decline(), s.accept()) })
	s.at(20*time.Second, func() {
		for i, a := range early {
			if !a.over || a.rejected != nil {
				t.Errorf("update %d: %+v", i, a)
			}
		}
		if made := s.row.made(); slices.Index(made, "CompleteWrapUp") < slices.Index(made, "LoadContact") {
			t.Errorf("steps %v", made)
		}
		s.env.CancelWorkflow()
	})
	s.cut(workflows.Contact)
}
