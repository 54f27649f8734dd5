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

// triesOfAgent is the same for an agent's look: each claim that he lost somebody else has won, and the next contact is a few probes away.
const triesOfAgent = 32

// soon is when a contact looks again after it lost every claim: all candidates were taken by others in between.
const soon = time.Second

// OfferContact moves a contact's wait on as time has, and looks for the best agent. The contact's own workflow calls it, so nobody has to
// be told. What makes a match possible is committed before the look that may find it.
func (m *Matcher) OfferContact(ctx context.Context, id postroom.ContactID) (postroom.ContactSnapshot, error) {
	for range tries {
		wait, now, waiting, err := m.store.Wait(ctx, id)
		if err != nil || !waiting {
			return m.asItIs(ctx, id, 0, err)
		}
		change := routing.Progress(wait, now)
		if change.Overflow != "" || change.DropTarget || change.Step != wait.Step {
			if _, err := m.store.Advance(ctx, wait, change); err != nil {
				return postroom.ContactSnapshot{}, err
			}
			continue // it waits in another way now, or somebody has changed it
		}
		by, candidates, now, err := m.store.Candidates(ctx, id)
		if err != nil {
			return postroom.ContactSnapshot{}, err
		}
		choice := routing.ChooseAgent(by, candidates, now)
		if choice.Agent == "" {
			return m.asItIs(ctx, id, sooner(choice.LookAgain, change.Next), nil)
		}
		claimed, lost, err := m.store.ClaimOffer(ctx, store.Claim{Contact: id, Version: wait.Version, Agent: choice.Agent,
			Reason: choice.Reason.Under(wait, now), By: postroom.System("routing")})
		if err != nil || lost == store.LostNothing || claimed.Phase != postroom.ContactWaiting {
			return claimed, err
		}
	}
	return m.asItIs(ctx, id, soon, nil)
}

// asItIs is a contact that is not offered now, and in how long it looks again if it waits.
func (m *Matcher) asItIs(ctx context.Context, id postroom.ContactID, again time.Duration, err error) (postroom.ContactSnapshot, error) {
	if err != nil {
		return postroom.ContactSnapshot{}, err
	}
	now, err := m.store.LoadContact(ctx, id)
	if now.Phase == postroom.ContactWaiting {
		now.LookAgain = again
	}
	return now, err
}

// sooner is the smaller of two durations of which zero means never.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// Look finds work for an agent until he is full or nothing is left for him, and then clears the note that work was wanted. A contact that
// another claim holds is left out of the next choice: many agents who want the same one do not wait for each other. That nothing is left
// counts only without such exceptions.
func (m *Matcher) Look(ctx context.Context, agent postroom.AgentID) error {
	want, wanted, err := m.store.WantOf(ctx, agent)
	if err != nil || !wanted {
		return err
	}
	var except []postroom.ContactID
	for lostClaims := 0; lostClaims < triesOfAgent; {
		waiting, now, err := m.store.Heads(ctx, agent, except...)
		if err != nil {
			return err
		}
		choice := routing.ChooseContact(waiting, now)
		if choice.Contact == "" && len(except) > 0 { // the other claim may fail: see what became of it
			except = nil
			lostClaims++
			if err := pause(ctx, time.Duration(min(lostClaims, tries))*claimTime); err != nil {
				return err
			}
			continue
		}
		if choice.Contact == "" {
			if err := m.lookLater(ctx, choice.Later); err != nil {
				return err
			}
			return m.store.Looked(ctx, want)
		}
		wait, now, still, err := m.store.Wait(ctx, choice.Contact)
		if err != nil {
			return err
		}
		if still { // what was in force when it was chosen (R35)
			choice.Reason = choice.Reason.Under(wait, now)
		}
		claimed, lost, err := m.store.ClaimOffer(ctx, store.Claim{Contact: choice.Contact, Version: choice.Version, Agent: agent,
			Reason: choice.Reason, By: postroom.System("routing"), FromOutside: true})
		if err != nil {
			return err
		}
		switch lost {
		case store.LostNothing:
			m.tell(ctx, store.Untold{Contact: choice.Contact, Version: claimed.Version})
		case store.LostLocked:
			except = append(except, choice.Contact)
		default: // somebody was first; or the agent is full, or not Available any more, and the next look finds nothing
			lostClaims++
		}
	}
	return nil // the note stays: the reconciler looks again
}

// claimTime is about how long a claim holds its contact's row.
const claimTime = 3 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// lookLater has contacts look that are the agent's after a back-off: their own look did not know of him.
func (m *Matcher) lookLater(ctx context.Context, contacts []postroom.ContactID) error {
	if len(contacts) == 0 {
		return nil
	}
	untold, err := m.store.Nudge(ctx, contacts...)
	for _, u := range untold {
		m.tell(ctx, u)
	}
	return err
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
