package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
)

// times are what decisions took: to choose, to claim what was chosen, and both.
type times struct{ choose, claim, whole []time.Duration }

func (t *times) add(began, chosen time.Time) {
	now := time.Now()
	t.choose, t.claim, t.whole = append(t.choose, chosen.Sub(began)), append(t.claim, now.Sub(chosen)), append(t.whole, now.Sub(began))
}

// forAgent has an agent who is able look once: read the heads of his lanes, choose, claim. The offer is taken back.
func (c *centre) forAgent(ctx context.Context, id postroom.AgentID, want postroom.QueueID, t *times) error {
	began := time.Now()
	waiting, now, err := c.Heads(ctx, id)
	if err != nil {
		return err
	}
	choice := routing.ChooseContact(waiting, now)
	chosen := time.Now()
	_, lost, err := c.ClaimOffer(ctx, store.Claim{Contact: choice.Contact, Version: choice.Version, Agent: id, Reason: choice.Reason,
		By: postroom.System("bench"), FromOutside: true})
	if err != nil || lost != store.LostNothing {
		return fmt.Errorf("%s: %s, %w", id, lost, err)
	}
	t.add(began, chosen)
	i := slices.IndexFunc(waiting, func(w postroom.WaitingContact) bool { return w.Contact == choice.Contact })
	if want != "" && waiting[i].Queue != want {
		return fmt.Errorf("%s was offered a contact of %s, not of %s", id, waiting[i].Queue, want)
	}
	return c.takeBack(ctx, id)
}

// forContact has a contact look once: where its wait stands, who could take it, choose, claim. The offer is taken back.
func (c *centre) forContact(ctx context.Context, id postroom.ContactID, t *times) error {
	began := time.Now()
	wait, now, _, err := c.Wait(ctx, id)
	if err != nil {
		return err
	}
	routing.Progress(wait, now)
	by, candidates, now, err := c.Candidates(ctx, id)
	if err != nil {
		return err
	}
	choice := routing.ChooseAgent(by, candidates, now)
	chosen := time.Now()
	_, lost, err := c.ClaimOffer(ctx, store.Claim{Contact: id, Version: wait.Version, Agent: choice.Agent, Reason: choice.Reason, By: postroom.System("bench")})
	if err != nil || lost != store.LostNothing {
		return fmt.Errorf("contact of %s: %s, %w", wait.Queue.ID, lost, err)
	}
	t.add(began, chosen)
	return c.takeBack(ctx, choice.Agent)
}

// takeBack has an agent choose Idle, which withdraws what he is offered, and Available again.
func (c *centre) takeBack(ctx context.Context, id postroom.AgentID) error {
	if err := c.choose(ctx, id, postroom.AgentIdle); err != nil {
		return err
	}
	if err := c.choose(ctx, id, postroom.AgentAvailable); err != nil {
		return err
	}
	want, _, err := c.WantOf(ctx, id)
	if err != nil {
		return err
	}
	return c.Looked(ctx, want)
}

func (c *centre) choose(ctx context.Context, id postroom.AgentID, to postroom.AgentState) error {
	now, err := c.AgentStatus(ctx, id)
	if err != nil {
		return err
	}
	change := store.AgentChange{Agent: id, To: to, Seen: now.Version}
	if to == postroom.AgentIdle {
		change.Code = "break"
	}
	command := postroom.Command{Actor: id, RequestID: uuid.NewString(), RPC: "bench", BodyHash: []byte("bench")}
	_, _, err = c.SetAgentState(ctx, command, change)
	return err
}

// some are n waiting contacts, of all queues.
func (c *centre) some(ctx context.Context, n int) ([]postroom.ContactID, error) {
	rows, err := c.Pool().Query(ctx, `SELECT id FROM contact WHERE phase = 'waiting' AND queue_id LIKE 'queue-%' ORDER BY md5(id::text) LIMIT $1`, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []postroom.ContactID
	for rows.Next() {
		var id postroom.ContactID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// measured is what was measured of one centre.
type measured struct {
	agents    map[kind]*times
	contacts  times
	triggered times // agents that match the head, with the triggers …
	bare      times // … and without, in turn
}

// round measures every kind of agent, and contacts, once each in every centre, in turn: what else the machine does is shared by all.
func round(ctx context.Context, centres []*centre, into map[*centre]*measured, n int) error {
	for i := range n {
		for _, c := range centres {
			for _, k := range kinds {
				want := postroom.QueueID("")
				if k != head {
					want = postroom.QueueID(k)
				}
				if err := c.forAgent(ctx, c.able[k][i%len(c.able[k])], want, into[c].agents[k]); err != nil {
					return err
				}
			}
		}
	}
	for _, c := range centres {
		ids, err := c.some(ctx, n)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := c.forContact(ctx, id, &into[c].contacts); err != nil {
				return err
			}
		}
	}
	return nil
}

// triggers measures claims with and without the trigger that keeps agents' room, in turn.
func triggers(ctx context.Context, c *centre, m *measured, n int) error {
	for i := range n {
		for _, way := range []struct {
			sql  string
			into *times
		}{{"ENABLE", &m.triggered}, {"DISABLE", &m.bare}} {
			if err := c.exec(ctx, "ALTER TABLE offer "+way.sql+" TRIGGER offer_room"); err != nil {
				return err
			}
			for j := range 5 {
				if err := c.forAgent(ctx, c.able[head][(i+j)%len(c.able[head])], "", way.into); err != nil {
					return err
				}
			}
		}
	}
	return c.exec(ctx, "ALTER TABLE offer ENABLE TRIGGER offer_room")
}
