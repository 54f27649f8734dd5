package workflows_test

import (
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

func (s *stage) transfer(queue postroom.QueueID, agent postroom.AgentID) *answer {
	return s.ask(workflows.TransferUpdate, workflows.TransferCommand{OfferCommand: s.on(), Queue: queue, Agent: agent})
}

func (s *stage) park(until time.Time) *answer {
	return s.ask(workflows.ParkUpdate, workflows.ParkCommand{OfferCommand: s.on(), Until: until})
}

func (s *stage) goBack() *answer { return s.ask(workflows.ReturnUpdate, s.on()) }

// R23: passed on, the contact is offered elsewhere at once, and its workflow lives until the segment is wrapped up, also when the contact is
// done before.
func TestTransferredContactIsOfferedAtOnceAndLivesUntilEverySegmentIsWrappedUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina", "tom"}
	var passed workflows.OfferCommand
	var transferred, completed *answer
	s.at(10*time.Second, func() { s.accept() })
	s.at(20*time.Second, func() { passed = s.on(); transferred = s.transfer("returns", "") })
	s.at(21*time.Second, func() {
		s.carriedOut(transferred, postroom.ContactWaiting)
		s.believes("Offered to tom until 09:01:50 (queue returns).")
	})
	s.handleAt(30 * time.Second)
	s.at(time.Hour, func() {
		s.believes("Completed; 0 replies on their way.")
		passed.RequestID = id('b', 900)
		completed = s.ask(workflows.CompleteUpdate, workflows.WrapUpCommand{OfferCommand: passed, Code: "solved"})
	})
	s.done()
	s.carriedOut(completed, postroom.ContactDone)
	if ended := s.env.Now().Sub(s.began); ended != time.Hour {
		t.Errorf("it ended after %v", ended)
	}
	s.made("LoadContact", "RouteContact", "OfferContact", "AcceptOffer", "TransferContact", "OfferContact", "AcceptOffer", "CloseContact", "CompleteWrapUp", "CompleteWrapUp")
}

// R24: the segment that was passed on completes itself while the contact is somebody else's.
func TestTransferredSegmentCompletesItselfWhileTheContactIsElsewhere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.auto = []postroom.AgentID{"mina", "tom"}, 30*time.Second
	s.at(10*time.Second, func() { s.accept() })
	s.at(20*time.Second, func() { s.transfer("returns", "") })
	s.at(40*time.Second, func() { s.accept() })
	s.at(51*time.Second, func() {
		if s.row.automatic != 1 {
			t.Errorf("%d wrap-ups completed themselves", s.row.automatic)
		}
		s.believes("Owned by tom (queue returns).")
	})
	s.at(60*time.Second, func() { s.close() })
	s.done()
	if s.row.automatic != 2 {
		t.Errorf("%d wrap-ups completed themselves", s.row.automatic)
	}
}

// R45: parked until a time, the contact sleeps by one durable timer, and goes on when PostgreSQL says that the time has come.
func TestParkedContactSleepsUntilItsTime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	var parked *answer
	s.at(10*time.Second, func() { s.accept() })
	s.at(20*time.Second, func() { parked = s.park(s.began.Add(30 * 24 * time.Hour)) })
	s.at(21*time.Second, func() {
		s.carriedOut(parked, postroom.ContactParked)
		s.believes("Parked until " + s.began.Add(30*24*time.Hour).Format(time.DateTime) + " (queue general).")
	})
	s.at(29*24*time.Hour, func() { s.sync() }) // a look changes nothing
	s.at(30*24*time.Hour-time.Second, func() { s.row.change(func() { s.row.able = []postroom.AgentID{"tom"} }) })
	s.handleAt(30*24*time.Hour + 10*time.Second)
	s.done()
	s.made("LoadContact", "RouteContact", "OfferContact", "AcceptOffer", "ParkContact", "LoadContact", "ResumeContact", "OfferContact", "AcceptOffer", "CloseContact",
		"CompleteWrapUp")
	if want := []time.Duration{90 * time.Second, 30*24*time.Hour - 20*time.Second, 24 * time.Hour, 90 * time.Second}; !slices.Equal(s.timers, want) {
		t.Errorf("timers %v, want %v", s.timers, want)
	}
}

// trustsItsTimer is a parked contact that resumes when its own timer fires, whatever PostgreSQL says: it asks once, and then waits for ever.
func trustsItsTimer(ctx workflow.Context, state workflows.ContactState) (workflows.ContactResult, error) {
	if _, err := begun(ctx, state.Contact); err != nil {
		return workflows.ContactResult{}, err
	}
	if err := workflow.Sleep(ctx, time.Hour); err != nil {
		return workflows.ContactResult{}, err
	}
	if _, err := onRow(ctx, "ResumeContact", state.Contact); err != nil {
		return workflows.ContactResult{}, err
	}
	return workflows.ContactResult{}, workflow.Await(ctx, func() bool { return false })
}

// R45: a timer that fires early by PostgreSQL's clock is armed again for what remains.
func TestParkingThatIsNotOverByPostgreSQLsClockIsWaitedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contact any
		phase   postroom.ContactPhase
	}{"the contact": {workflows.Contact, postroom.ContactWaiting}, "control: trusts its timer": {trustsItsTimer, postroom.ContactParked}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.change(func() {
				s.row.now.Phase, s.row.now.Queue, s.row.until = postroom.ContactParked, theQueue, s.began.Add(time.Hour)
			})
			s.at(time.Minute, func() { s.row.change(func() { s.row.skew = -5 * time.Second }) })
			s.at(time.Hour+10*time.Second, func() {
				if now := s.row.read(); now.Phase != c.phase {
					t.Errorf("the contact is %s, want %s", now.Phase, c.phase)
				}
				s.env.CancelWorkflow()
			})
			s.cut(c.contact)
		})
	}
}

// R45: without a time the contact has no timer, and the customer's mail has it go on.
func TestContactParkedUntilAReplyGoesOnWhenTheCustomerWrites(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	s.at(10*time.Second, func() { s.accept() })
	s.at(20*time.Second, func() { s.park(time.Time{}) })
	s.at(21*time.Second, func() { s.believes("Parked until the customer writes (queue general).") })
	s.at(100*24*time.Hour, func() {
		s.row.customerWrites()
		s.row.change(func() { s.row.able = []postroom.AgentID{"mina"} })
		s.sync()
	})
	s.handleAt(100*24*time.Hour + 10*time.Second)
	s.done()
	if !slices.Equal(s.timers, []time.Duration{90 * time.Second, 90 * time.Second}) || s.row.count("ResumeContact") != 0 {
		t.Errorf("timers %v; steps %v", s.timers, s.row.made())
	}
}

// R45: the customer's mail comes before the time: the timer is taken back.
func TestParkedContactDoesNotWaitForItsTimeWhenTheCustomerWrites(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	s.at(10*time.Second, func() { s.accept() })
	s.at(20*time.Second, func() { s.park(s.began.Add(24 * time.Hour)) })
	s.at(time.Hour, func() {
		s.row.customerWrites()
		s.row.change(func() { s.row.able = []postroom.AgentID{"tom"} })
		s.sync()
	})
	s.handleAt(time.Hour + 10*time.Second)
	s.done()
	if s.row.count("ResumeContact") != 0 || s.cancelled == 0 {
		t.Errorf("%d timers taken back; steps %v", s.cancelled, s.row.made())
	}
}

// R22: back from wrap-up to work, and forward again; the reply on its way is sent all the same.
func TestReturnedContactIsWorkAgainAndItsReplyIsSent(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo = []postroom.AgentID{"mina"}, time.Minute
	var back *answer
	s.at(10*time.Second, func() { s.accept() })
	s.at(20*time.Second, func() { s.reply() })
	s.at(30*time.Second, func() { back = s.goBack() })
	s.at(31*time.Second, func() {
		s.carriedOut(back, postroom.ContactOwned)
		s.believes("Owned by mina (queue general).")
	})
	s.at(2*time.Minute, func() { s.close() })
	s.at(3*time.Minute, func() { s.complete() })
	s.done()
	if sent := s.row.attempts(); len(sent) != 1 {
		t.Errorf("sent %v", sent)
	}
}

// R46: an agent has begun the contact: its workflow finds it owned, routes nothing and offers it to nobody.
func TestContactThatAnAgentBegunIsFollowedFromItsOwner(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.change(func() {
		s.row.move(postroom.ContactBegun)
		s.row.now.Queue, s.row.now.Offer, s.row.now.Agent = theQueue, postroom.OfferID(id('0', 1)), "mina"
		s.row.offers[s.row.now.Offer] = postroom.OfferAccepted
	})
	s.at(0, s.sync)
	s.at(10*time.Second, func() { s.reply() })
	s.at(20*time.Second, func() { s.complete() })
	s.done()
	if made := s.row.made(); slices.Contains(made, "RouteContact") || slices.Contains(made, "OfferContact") {
		t.Errorf("steps %v", made)
	}
}

func TestValidatorsOfTransferAndParkRefuseWhatIsMalformed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	var refused []*answer
	s.at(10*time.Second, func() { s.accept() })
	s.at(20*time.Second, func() {
		refused = append(refused, s.transfer("", ""))
		in := s.on()
		in.RequestID = "1"
		refused = append(refused, s.ask(workflows.ParkUpdate, workflows.ParkCommand{OfferCommand: in}), s.ask(workflows.ReturnUpdate, in),
			s.ask(workflows.TransferUpdate, workflows.TransferCommand{OfferCommand: in, Queue: "returns"}))
		in = s.on()
		in.Seen.Message = "the newest"
		refused = append(refused, s.ask(workflows.CloseUpdate, in))
	})
	s.at(30*time.Second, func() {
		for i, a := range refused {
			if a.rejected == nil {
				t.Errorf("number %d was not rejected: %+v", i, a)
			}
		}
		s.close()
	})
	s.at(40*time.Second, func() { s.complete() })
	s.done()
}
