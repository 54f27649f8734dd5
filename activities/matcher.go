package activities

import (
	"context"
	"log/slog"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/gateway"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
)

// Matcher brings contacts and agents together. It has two triggers, a contact that enters a queue and an agent who becomes able, and
// each works the same way: read without locks, let routing choose, claim; if the claim lost, somebody was first, so choose again. The third
// trigger, time, is a timer of the contact's workflow.
type Matcher struct {
	store   *store.Store
	gateway *gateway.Gateway
	log     *slog.Logger
}

// NewMatcher makes a matcher.
func NewMatcher(s *store.Store, g *gateway.Gateway, log *slog.Logger) *Matcher {
	return &Matcher{s, g, log}
}

// tries is how often a lost claim leads to another choice before it is left to the next trigger.
const tries = 8

// OfferContact looks for the best agent for a waiting contact. The contact's own workflow calls it, so nobody has to be told.
func (m *Matcher) OfferContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	for range tries {
		by, candidates, now, err := m.store.Candidates(ctx, id)
		if err != nil {
			return postroom.ContactSnapshot{}, err
		}
		choice := routing.ChooseAgent(by, candidates, now)
		if choice.Agent == "" {
			waiting, err := m.store.LoadContact(ctx, id)
			waiting.LookAgain = choice.LookAgain
			return waiting, err
		}
		claimed, lost, err := m.store.ClaimOffer(ctx, store.Claim{Contact: id, Agent: choice.Agent, Reason: choice.Reason, By: postroom.System("routing")})
		if err != nil || lost != store.LostAgent {
			return claimed, err
		}
	}
	waiting, err := m.store.LoadContact(ctx, id)
	waiting.LookAgain = soon
	return waiting, err
}

// soon is when a contact looks again after it lost every claim: all candidates were taken by others in between.
const soon = time.Second

// perQueue is how many contacts of each queue a look reads at a time; more are read if all of them were refused.
const perQueue = 20

// Look finds work for an agent until he is full or nothing is left for him, and then clears the note that work was wanted.
func (m *Matcher) Look(ctx context.Context, agent postroom.AgentID) error {
	want, wanted, err := m.store.WantOf(ctx, agent)
	if err != nil || !wanted {
		return err
	}
	for skip, lostClaims := 0, 0; lostClaims < tries; {
		waiting, now, err := m.store.Waiting(ctx, agent, perQueue, skip)
		if err != nil {
			return err
		}
		choice := routing.ChooseContact(waiting, now)
		if choice.Contact == "" {
			if len(waiting) >= perQueue { // a full page of contacts that he refused: look behind it
				skip += perQueue
				continue
			}
			return m.store.Looked(ctx, want)
		}
		claimed, lost, err := m.store.ClaimOffer(ctx, store.Claim{Contact: choice.Contact, Agent: agent, Reason: choice.Reason,
			By: postroom.System("routing"), FromOutside: true})
		if err != nil {
			return err
		}
		switch lost {
		case store.LostAgent: // full, or not Available any more
			return m.store.Looked(ctx, want)
		case store.LostContact:
			lostClaims++
			continue
		}
		m.tell(ctx, store.Untold{Contact: choice.Contact, Version: claimed.Version})
	}
	return nil // the note stays: the reconciler looks again
}

// tell lets a contact's workflow know that its row has changed from outside. What fails is told by the reconciler.
func (m *Matcher) tell(ctx context.Context, changed store.Untold) {
	if err := m.gateway.SyncContact(ctx, changed.Contact); err != nil {
		m.log.WarnContext(ctx, "a contact's workflow was not told; the reconciler will", "contact", changed.Contact, "error", err)
		return
	}
	if err := m.store.MarkTold(ctx, changed); err != nil {
		m.log.WarnContext(ctx, "a note about a workflow was not written; it is told again", "contact", changed.Contact, "error", err)
	}
}
