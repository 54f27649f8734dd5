package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R12, R19: an owner whose desktop stays away for longer than his queue's owner lease loses what he owns: each goes back to its queue with its draft,
// cause owner_lease_lost. What he wraps up stays his; he hears it when he comes back.
func TestAnAbsentOwnersContactsGoBackWithTheirDraftsAndHisWrapUpStays(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	second(t, c)
	c.Exec(t, "UPDATE queue SET owner_lease_seconds = 1800 WHERE id = 'general'")
	c.Exec(t, "UPDATE queue SET owner_lease_seconds = 7200 WHERE id = 'second'")
	c.Exec(t, "UPDATE agent_capacity SET capacity = 4")
	c.SignIn(t, "mina")
	short, long, wrapping := c.Arrive(t, "kim@customer.example", "Short"), c.Arrive(t, "lee@customer.example", "Long"), c.Arrive(t, "oh@customer.example", "Done")
	_, err := c.MoveContact(t.Context(), asking(t, c, long), "second")
	must(t, err)
	offer := c.Own(t, short, "mina")
	_, err = c.SaveDraft(t.Context(), testkit.Command("mina"), store.DraftSave{Offer: offer, Body: postroom.SealText("Dear Kim")})
	must(t, err)
	_, err = c.AssignContact(t.Context(), asking(t, c, long), "mina")
	must(t, err)
	closed(t, c, c.Own(t, wrapping, "mina"), "mina")

	lose := func(after time.Duration) []store.Withdrawn {
		t.Helper()
		s := clock(t, c, after)
		absent, err := s.AbsentOwners(t.Context())
		must(t, err)
		released, err := s.LoseOwner(t.Context(), "mina")
		must(t, err)
		if slices.Contains(absent, "mina") != (len(released) > 0) {
			t.Errorf("after %v: absent %v, released %v", after, absent, released)
		}
		return released
	}
	if got := lose(29 * time.Minute); len(got) != 0 {
		t.Errorf("within the lease: %+v", got)
	}
	if got := lose(31 * time.Minute); len(got) != 1 || got[0].Contact != short {
		t.Errorf("after the lease of one queue: %+v", got)
	}
	wantStands(t, c, short, "waiting general")
	wantStands(t, c, long, "owned second mina")
	if got := endedAs(t, c, offer); got != "released owner_lease_lost" {
		t.Errorf("the offer is %s", got)
	}
	if draft, err := c.Draft(t.Context(), short); err != nil || draft.Body != "Dear Kim" {
		t.Errorf("the draft is %+v, %v", draft, err)
	}
	if got := hears(t, c, "mina", short); got != "released" {
		t.Errorf("mina hears %s", got)
	}
	if got := lose(3 * time.Hour); len(got) != 1 || got[0].Contact != long {
		t.Errorf("after the lease of the other: %+v", got)
	}
	wantStands(t, c, wrapping, "wrapup general mina")
	if got := lose(72 * time.Hour); len(got) != 0 {
		t.Errorf("days later: %+v", got)
	}
	c.MustHold(t)
}

// An owner who is back is not taken anything from, however long he was away, and RONA stays RONA (I9).
func TestAnOwnerWhoIsBackKeepsWhatHeOwns(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Mine")
	c.Own(t, contact, "mina")
	inRONA(t, c, "mina")
	later := clock(t, c, time.Hour)
	absent, err := later.AbsentOwners(t.Context())
	if err != nil || !slices.Contains(absent, "mina") {
		t.Fatalf("absent: %v, %v", absent, err)
	}
	_, err = later.Heartbeat(t.Context(), "mina") // between the look and the act
	must(t, err)
	if released, err := later.LoseOwner(t.Context(), "mina"); err != nil || len(released) != 0 {
		t.Errorf("released %+v, %v", released, err)
	}
	wantStands(t, c, contact, "owned general mina")
	if released, err := clock(t, c, 3*time.Hour).LoseOwner(t.Context(), "mina"); err != nil || len(released) != 1 || status(t, c, "mina") != postroom.AgentRONA {
		t.Errorf("released %+v, she is %s, %v", released, status(t, c, "mina"), err)
	}
	c.MustHold(t)
}
