package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R12: an offer ends in one of five ways, counted apart: accepted, RONA, declined, withdrawn, unreachable; and what was owned ends in more. For
// each cause there is a way in which it comes about, and the row says state and cause.
func TestEachEndOfAnOfferIsCountedApartWithItsCause(t *testing.T) {
	t.Parallel()
	overdue := func(t *testing.T, d desk, o postroom.OfferID, late time.Duration) {
		t.Helper()
		d.Exec(t, "UPDATE offer SET expires_at = clock_timestamp() - $2::interval WHERE id = $1", o, late)
		_, err := d.ExpireOffer(t.Context(), o)
		must(t, err)
	}
	shown := func(t *testing.T, d desk, o postroom.OfferID) {
		t.Helper()
		must(t, d.OfferShown(t.Context(), d.agent, o))
	}
	owned := func(t *testing.T, d desk, o postroom.OfferID) {
		t.Helper()
		shown(t, d, o)
		_, err := d.AcceptOffer(t.Context(), testkit.Command(d.agent), o)
		must(t, err)
	}
	contactOf := func(t *testing.T, d desk, o postroom.OfferID) postroom.ContactID {
		t.Helper()
		c, err := d.ContactOfOffer(t.Context(), o, d.agent)
		must(t, err)
		return c
	}
	ends := []struct {
		end string
		how func(t *testing.T, d desk, o postroom.OfferID)
	}{
		{"accepted", owned},
		{"expired rona", func(t *testing.T, d desk, o postroom.OfferID) { shown(t, d, o); overdue(t, d, o, time.Second) }},
		{"declined declined", func(t *testing.T, d desk, o postroom.OfferID) {
			_, err := d.DeclineOffer(t.Context(), testkit.Command(d.agent), o)
			must(t, err)
		}},
		{"withdrawn agent_idle", func(t *testing.T, d desk, _ postroom.OfferID) { d.Choose(t, d.agent, postroom.AgentIdle, "lunch") }},
		{"withdrawn agent_signed_out", func(t *testing.T, d desk, _ postroom.OfferID) {
			d.Exec(t, "UPDATE session SET ended_at = clock_timestamp() WHERE agent_id = $1", d.agent)
			_, err := d.CloseSession(t.Context(), []byte(uuid.NewString()[:32]), d.agent)
			must(t, err)
		}},
		{"withdrawn supervisor", func(t *testing.T, d desk, o postroom.OfferID) {
			_, err := d.RequeueContact(t.Context(), asking(t, d.Centre, contactOf(t, d, o)))
			must(t, err)
		}},
		{"withdrawn unstuck", func(t *testing.T, d desk, o postroom.OfferID) {
			_, err := d.UnstickContact(t.Context(), asking(t, d.Centre, contactOf(t, d, o)), "")
			must(t, err)
		}},
		{"unreachable never_shown", func(t *testing.T, d desk, o postroom.OfferID) { overdue(t, d, o, time.Second) }},
		{"unreachable lease_stale", func(t *testing.T, d desk, o postroom.OfferID) {
			shown(t, d, o)
			d.Exec(t, "UPDATE agent_lease SET last_seen = clock_timestamp() - interval '40 seconds' WHERE agent_id = $1", d.agent)
			overdue(t, d, o, time.Second)
		}},
		{"unreachable accept_outage", func(t *testing.T, d desk, o postroom.OfferID) {
			shown(t, d, o)
			d.Exec(t, "UPDATE offer SET accept_tried_at = clock_timestamp() - interval '3 seconds' WHERE id = $1", o)
			overdue(t, d, o, time.Second)
		}},
		{"unreachable noticed_late", func(t *testing.T, d desk, o postroom.OfferID) {
			shown(t, d, o)
			overdue(t, d, o, postroom.LateNotice+time.Second)
		}},
		{"unreachable lease_lost", func(t *testing.T, d desk, o postroom.OfferID) {
			shown(t, d, o)
			d.Exec(t, "UPDATE agent_lease SET last_seen = clock_timestamp() - interval '40 seconds' WHERE agent_id = $1", d.agent)
			_, err := d.LoseLease(t.Context(), d.agent)
			must(t, err)
		}},
		{"expired not_available", func(t *testing.T, d desk, o postroom.OfferID) {
			shown(t, d, o)
			behind(t, d.Centre, d.agent, postroom.AgentIdle, "lunch")
			overdue(t, d, o, time.Second)
		}},
		{"finished wrapped_up", func(t *testing.T, d desk, o postroom.OfferID) {
			owned(t, d, o)
			d.WrapUp(t, closed(t, d.Centre, o, d.agent), d.agent)
		}},
		{"released parked", func(t *testing.T, d desk, o postroom.OfferID) { owned(t, d, o); park(t, d.Centre, d.agent, o) }},
		{"released supervisor", func(t *testing.T, d desk, o postroom.OfferID) {
			owned(t, d, o)
			_, err := d.RequeueContact(t.Context(), asking(t, d.Centre, contactOf(t, d, o)))
			must(t, err)
		}},
		{"released owner_lease_lost", func(t *testing.T, d desk, o postroom.OfferID) {
			owned(t, d, o)
			d.Exec(t, "UPDATE agent_lease SET last_seen = clock_timestamp() - interval '1 day' WHERE agent_id = $1", d.agent)
			_, err := d.LoseOwner(t.Context(), d.agent)
			must(t, err)
		}},
		{"released unstuck", func(t *testing.T, d desk, o postroom.OfferID) {
			owned(t, d, o)
			_, err := d.UnstickContact(t.Context(), asking(t, d.Centre, contactOf(t, d, o)), "")
			must(t, err)
		}},
	}
	elsewhere := []postroom.EndCause{postroom.CauseCapacityGone} // where the configuration is tested
	var tests []deskTest
	for _, e := range ends {
		_, cause, _ := strings.Cut(e.end, " ")
		elsewhere = append(elsewhere, postroom.EndCause(cause))
		tests = append(tests, deskTest{e.end, func(t *testing.T, d desk) {
			o := d.Claim(t, d.Arrive(t, uuid.NewString()+"@customer.example", "Hello"), d.agent)
			e.how(t, d, o)
			if got := endedAs(t, d.Centre, o); got != e.end {
				t.Errorf("it is %s", got)
			}
		}})
	}
	for _, cause := range postroom.EndCauses() {
		if !slices.Contains(elsewhere, cause) {
			t.Errorf("no test for the cause %s", cause)
		}
	}
	atDesks(t, tests)
}

// R10: RONA gives an agent no room on any channel, whatever his profile holds there; he has it again when he chooses Available, and what he
// owns stays workable all the while.
func TestRONALeavesNoRoomOnAnyChannel(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	for _, channel := range postroom.Channels() {
		c.Exec(t, "INSERT INTO agent_capacity (agent_id, channel, capacity) VALUES ('mina', $1, 5) ON CONFLICT (agent_id, channel) DO UPDATE SET capacity = 5", channel)
	}
	c.SignIn(t, "mina")
	offer := c.Own(t, c.Arrive(t, "kim@customer.example", "Mine"), "mina")
	room := func() string {
		return c.Text(t, "SELECT string_agg(channel || ' ' || room, ', ' ORDER BY channel) FROM agent_room WHERE agent_id = 'mina'")
	}
	if got := room(); got != "chat 5, email 4, social 5, voice 5" {
		t.Fatalf("Available she has room for %s", got)
	}
	inRONA(t, c, "mina")
	if got := room(); got != "chat 0, email 0, social 0, voice 0" {
		t.Errorf("in RONA she has room for %s", got)
	}
	c.WrapUp(t, closed(t, c, offer, "mina"), "mina") // workable, and no way out of RONA
	if got := status(t, c, "mina"); got != postroom.AgentRONA || !strings.Contains(room(), "email 0") {
		t.Errorf("after the wrap-up she is %s with room for %s", got, room())
	}
	c.Choose(t, "mina", postroom.AgentAvailable, "")
	if got := room(); got != "chat 5, email 5, social 5, voice 5" {
		t.Errorf("Available again she has room for %s", got)
	}
	c.MustHold(t)
}
