package workflows_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/workflows"
)

// shown is one upsert of search attributes.
type shown struct {
	state, queue, agent string // agent is empty if it was unset
}

func (s *stage) shown() []shown {
	var all []shown
	for _, u := range s.upserts {
		var one shown
		for key, to := range map[temporal.SearchAttributeKeyKeyword]*string{workflows.AttributeState: &one.state,
			workflows.AttributeQueue: &one.queue, workflows.AttributeAgent: &one.agent} {
			*to, _ = u.GetKeyword(key)
		}
		all = append(all, one)
	}
	return all
}

// An upsert costs as much as a step on the row, so there is one when the contact comes to a queue and one when it comes to an agent, however
// many offers, refusals and syncs there are between; and there is nothing in it but a state and keys of the configuration.
func TestSearchAttributesAreSetWhenAContactComesToAQueueOrToAnAgentAndNeverElse(t *testing.T) {
	t.Parallel()
	waiting, mina, tom := shown{"waiting", "general", ""}, shown{"owned", "general", "mina"}, shown{"owned", "general", "tom"}
	for name, c := range map[string]struct {
		able []postroom.AgentID
		act  func(*stage)
		want []shown
	}{
		"accepted and closed": {[]postroom.AgentID{"mina"}, func(s *stage) { s.handleAt(10 * time.Second) }, []shown{waiting, mina}},
		"answered with a reply": {[]postroom.AgentID{"mina"}, func(s *stage) {
			s.row.undo = time.Minute
			s.at(10*time.Second, func() { s.accept() })
			s.at(20*time.Second, func() { s.reply() })
			s.at(30*time.Second, func() { s.complete() })
		}, []shown{waiting, mina}},
		"expired, declined, withdrawn, and then accepted": {[]postroom.AgentID{"jiwoo", "sora", "mina", "tom"}, func(s *stage) {
			s.at(100*time.Second, func() { s.decline() })
			s.at(110*time.Second, func() { s.row.withdraw(); s.sync() })
			s.handleAt(120 * time.Second)
		}, []shown{waiting, tom}},
		"taken back, and accepted by another agent": {[]postroom.AgentID{"mina", "tom"}, func(s *stage) {
			s.at(10*time.Second, func() { s.accept() })
			s.at(20*time.Second, func() { s.row.release(); s.sync() })
			s.handleAt(30 * time.Second)
		}, []shown{waiting, mina, waiting, tom}},
		"with syncs that tell nothing": {[]postroom.AgentID{"mina"}, func(s *stage) {
			for n := range 20 {
				s.at(time.Duration(2*n+1)*time.Second, s.sync)
			}
			s.handleAt(40 * time.Second)
		}, []shown{waiting, mina}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.row.able = c.able
			c.act(s)
			s.done()
			got := s.shown()
			if len(got) != len(c.want) {
				t.Fatalf("%d upserts, want %d: %v", len(got), len(c.want), got)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("upsert %d is %v, want %v", i+1, got[i], c.want[i])
				}
			}
		})
	}
}

// The details are one sentence of ids, keys and times in every phase; a reply adds its number and nothing else.
func TestDetailsSayWhereTheContactIsInKeysAndTimes(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.row.look, s.row.undo, s.row.scheduled = 10*time.Second, time.Minute, true
	s.at(5*time.Second, func() {
		s.believes("Waiting in queue general.")
		s.row.change(func() { s.row.able = []postroom.AgentID{"mina"} })
	})
	s.at(11*time.Second, func() { s.believes("Offered to mina until 09:01:40 (queue general)."); s.accept() })
	s.at(12*time.Second, func() { s.believes("Owned by mina (queue general)."); s.reply() })
	s.at(13*time.Second, func() { s.believes("Wrap-up by mina (queue general)."); s.complete() })
	s.at(14*time.Second, func() { s.believes("Completed; 1 replies on their way.") })
	s.done()
	s.believes("Completed; 0 replies on their way.")
}
