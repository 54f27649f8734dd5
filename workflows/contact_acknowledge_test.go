package workflows_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// AcknowledgeContact queues an acknowledgement, once.
func (r *row) AcknowledgeContact(context.Context, postroom.ContactID) (postroom.ContactSnapshot, error) {
	return r.step("AcknowledgeContact", func() error {
		if r.now.Acknowledge {
			r.now.Acknowledge = false
			r.now.Version++
			r.outbox = append(r.outbox, &letter{id: postroom.OutboxID(id('1', len(r.outbox)+1)), due: r.time()})
		}
		return nil
	})
}

// R34: the mail is acknowledged after the first look for an agent, without an undo window, once, also when the next run begins from its row.
func TestMailIsAcknowledgedOnceAndAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.undo, s.row.now.Acknowledge = []postroom.AgentID{"mina"}, 10*time.Second, true
	s.at(time.Second, func() {
		if sent := s.row.attempts(); len(sent) != 1 {
			t.Errorf("sent %v", sent)
		}
		s.accept()
	})
	s.at(2*time.Second, func() { s.reply() })
	s.at(time.Minute, func() { s.complete() })
	s.done()
	if made := s.row.made(); slices.Index(made, "AcknowledgeContact") < slices.Index(made, "OfferContact") || count(made, "AcknowledgeContact") != 1 {
		t.Errorf("steps %v", made)
	}
	if sent := s.row.attempts(); len(sent) != 2 {
		t.Errorf("sent %v", sent)
	}
}

// A mail that cannot be acknowledged holds nobody up: it is offered, accepted and answered meanwhile; and the contact ends when that is decided.
func TestNobodyWaitsForAnAcknowledgement(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able, s.row.now.Acknowledge = []postroom.AgentID{"mina"}, true
	broken := true
	s.row.before = func(step string) error {
		if step == "AcknowledgeContact" && broken {
			return errors.New("the blobs are gone")
		}
		return nil
	}
	var accepted, closed *answer
	s.at(time.Second, func() { accepted = s.accept() })
	s.at(2*time.Second, func() { closed = s.close() })
	s.at(3*time.Second, func() { s.complete() })
	s.at(20*time.Second, func() {
		s.carriedOut(accepted, postroom.ContactOwned)
		s.carriedOut(closed, postroom.ContactWrapUp)
		if s.env.IsWorkflowCompleted() {
			t.Error("it ended before that was decided")
		}
		broken = false
	})
	s.done()
	if sent := s.row.attempts(); len(sent) != 1 {
		t.Errorf("sent %v", sent)
	}
}

// A queue that acknowledges nothing costs no step.
func TestNothingIsAskedWhereNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.able = []postroom.AgentID{"mina"}
	s.at(time.Second, func() { s.accept() })
	s.at(2*time.Second, func() { s.close() })
	s.at(3*time.Second, func() { s.complete() })
	s.done()
	if n := count(s.row.made(), "AcknowledgeContact"); n != 0 {
		t.Errorf("%d times", n)
	}
}

func count(steps []string, of string) int {
	n := 0
	for _, s := range steps {
		if s == of {
			n++
		}
	}
	return n
}
