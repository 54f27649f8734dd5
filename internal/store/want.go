package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Want is the note that work is wanted for an agent: the number of the note, to clear it by.
type Want struct {
	Agent postroom.AgentID
	Seq   int64
}

var readWants = statement(`
	SELECT agent_id, wants_seq FROM agent_state WHERE wants_work AND wants_since < postroom_now() - $1::interval ORDER BY wants_since LIMIT 200`)

// Wants lists the agents for whom work has been wanted for longer than age.
func (s *Store) Wants(ctx context.Context, age time.Duration) ([]Want, error) {
	wants, err := all[Want](ctx, s.pool, readWants, age)
	return wants, translate("read who wants work", err)
}

var readWant = statement(`SELECT agent_id, wants_seq FROM agent_state WHERE agent_id = $1 AND wants_work`)

// WantOf reads the note of one agent; found is false if nobody needs to look for him.
func (s *Store) WantOf(ctx context.Context, id postroom.AgentID) (want Want, found bool, err error) {
	want, found, err = one[Want](ctx, s.pool, readWant, id)
	return want, found, translate("read who wants work", err)
}

var clearWant = statement(`UPDATE agent_state SET wants_work = false WHERE agent_id = $1 AND wants_seq = $2 AND wants_work`)

// Looked clears a note after a look that found nothing more, unless it was set again since it was read.
func (s *Store) Looked(ctx context.Context, w Want) error {
	_, err := s.pool.Exec(ctx, clearWant, w.Agent, w.Seq)
	return translate("clear a note that work is wanted", err)
}
