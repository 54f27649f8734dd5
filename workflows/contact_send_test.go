package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

func (s *stage) undo() *answer { return s.ask(workflows.UndoUpdate, s.on()) }

// R20: in the undo window the reply is taken back, and the agent is at work again. Nothing was sent, and nothing waits any more.
func TestUndoneReplyIsNotSentAndTheAgentIsAtWorkAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo = []postroom.AgentID{"mina"}, 10*time.Second
	var undone *answer
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply() })
	s.at(5*time.Second, func() { undone = s.undo() })
	s.at(6*time.Second, func() {
		s.carriedOut(undone, postroom.ContactOwned)
		s.believes("Owned by mina (queue general).")
	})
	s.at(time.Minute, func() { s.close() })
	s.at(2*time.Minute, func() { s.complete() })
	s.done()
	if sent := s.row.attempts(); len(sent) > 0 {
		t.Errorf("sent %v", sent)
	}
	if s.cancelled == 0 {
		t.Error("the timer of the undo window was left running")
	}
}

// R20: too late, the agent is told so, and nothing changes.
func TestUndoAfterTheWindowIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo = []postroom.AgentID{"mina"}, 10*time.Second
	var late *answer
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply() })
	s.at(13*time.Second, func() { late = s.undo() })
	s.at(20*time.Second, func() { s.complete() })
	s.done()
	s.refused(late, postroom.KindConflict, postroom.ReasonReplyGone)
	if sent := s.row.attempts(); len(sent) != 1 {
		t.Errorf("sent %v", sent)
	}
}

// R20: who completes his wrap-up has no second thoughts: the reply goes at once.
func TestCompletedWrapUpEndsTheUndoWindow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo = []postroom.AgentID{"mina"}, time.Minute
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply() })
	s.at(5*time.Second, func() { s.complete() })
	s.done()
	if ended := s.env.Now().Sub(s.began); len(s.row.attempts()) != 1 || ended != 5*time.Second {
		t.Errorf("sent %v, ended after %v", s.row.attempts(), ended)
	}
}

// R20: a scheduled reply waits for its time though its contact is done, and is sent once.
func TestScheduledReplyWaitsForItsTime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo = []postroom.AgentID{"mina"}, 10*time.Second
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() {
		s.ask(workflows.ReplyUpdate, workflows.ReplyCommand{OfferCommand: s.on(), DraftVersion: 1, SendAt: s.began.Add(30 * 24 * time.Hour)})
	})
	s.at(5*time.Second, func() { s.complete() })
	s.at(29*24*time.Hour, func() {
		s.sync()
		if len(s.row.attempts()) > 0 {
			t.Error("sent before its time")
		}
		s.believes("Completed; 1 replies on their way.")
	})
	s.done()
	if ended := s.env.Now().Sub(s.began); len(s.row.attempts()) != 1 || ended != 30*24*time.Hour {
		t.Errorf("sent %v, ended after %v", s.row.attempts(), ended)
	}
}

// R22: the row names a reply no more that somebody holds: the contact ends without it, and a later run sends it when it is named again.
func TestHeldReplyIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo, s.row.scheduled = []postroom.AgentID{"mina"}, time.Hour, true
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply() })
	s.at(5*time.Second, func() { s.complete() })
	s.at(time.Minute, func() {
		s.row.change(func() { s.row.outbox[0].settled = true; s.row.now.Version++ })
		s.sync()
	})
	s.done()
	if ended := s.env.Now().Sub(s.began); len(s.row.attempts()) > 0 || ended != time.Minute {
		t.Errorf("sent %v, ended after %v", s.row.attempts(), ended)
	}
	s.row.change(func() { s.row.outbox[0].settled = false; s.row.outbox[0].due = s.row.time(); s.row.now.Version++ })
	again := newStageOver(t, s.row)
	again.done()
	if len(s.row.attempts()) != 1 {
		t.Errorf("sent %v", s.row.attempts())
	}
}

// R21: a reply whose final dot was not answered is looked for after its time, again and again, and is never sent a second time by itself.
func TestReplyWithoutAnAnswerIsLookedForAndNotSentAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.lost = []postroom.AgentID{"mina"}, 3
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.reply() })
	s.at(5*time.Second, func() { s.complete() })
	s.done()
	var looks []time.Duration
	for _, at := range s.row.probed {
		looks = append(looks, at.Sub(s.began))
	}
	if want := []time.Duration{92 * time.Second, 272 * time.Second, 452 * time.Second}; !slices.Equal(looks, want) || len(s.row.attempts()) != 1 {
		t.Errorf("looked after %v, want %v; sent %v", looks, want, s.row.attempts())
	}
}
