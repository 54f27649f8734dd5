package store_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// A hall is an agent with a random profile who holds random things on all channels: what there is none of yet, voice, chat and social, is
// there in the rows (R1).
type hall struct {
	*testkit.Centre
	random   *rand.Rand
	contacts []string
	profile  postroom.MultimediaProfile
	state    postroom.AgentState
	leaving  bool
	held     map[postroom.Channel]int
	slots    map[postroom.Channel][postroom.MaxCapacity + 1]string // the offer in each slot
}

func newHall(t *testing.T, seed uint64) *hall {
	t.Helper()
	h := &hall{Centre: testkit.NewCentre(t, time.Hour, store.Options{}), random: rand.New(rand.NewPCG(seed, 2)), state: postroom.AgentAvailable,
		held: map[postroom.Channel]int{}, slots: map[postroom.Channel][postroom.MaxCapacity + 1]string{}}
	h.SignIn(t, "mina")
	first := h.Arrive(t, "kim@customer.example", "Hello")
	h.Exec(t, "UPDATE contact SET phase = 'done', completed_at = now() WHERE id = $1", first)
	for range 12 {
		id := testkit.NewID()
		h.Exec(t, `INSERT INTO contact (id, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, queue_id, phase, completed_at)
			SELECT $2, thread_id, customer_id, channel, mailbox_id, subject, arrived_at, queue_id, 'done', completed_at FROM contact WHERE id = $1`, first, id)
		h.contacts = append(h.contacts, id)
	}
	h.assignProfile(t)
	return h
}

// assignProfile applies a configuration in which mina's own profile is another.
func (h *hall) assignProfile(t *testing.T) {
	t.Helper()
	c := testkit.Sample(time.Hour)
	h.profile = postroom.MultimediaProfile{ID: "own", Name: "Own", Mode: postroom.Modes()[h.random.IntN(3)], Capacity: map[postroom.Channel]int{}}
	for _, channel := range postroom.Channels() {
		if h.random.IntN(5) > 0 {
			h.profile.Capacity[channel] = h.random.IntN(4)
		}
	}
	c.Profiles = append(c.Profiles, h.profile)
	for i := range c.Agents {
		if c.Agents[i].ID == "mina" {
			c.Agents[i].Profile = "own"
		}
	}
	_, err := apply(t, h.Store, c)
	must(t, err)
	if h.profile.Capacity[postroom.ChannelEmail] == 0 { // what was offered was taken back
		h.reread(t)
	}
}

func (h *hall) reread(t *testing.T) {
	t.Helper()
	for _, channel := range postroom.Channels() {
		slots := h.slots[channel]
		for i, id := range slots {
			if id != "" && h.Count(t, "SELECT count(*)::int FROM offer WHERE id = $1 AND ended_at IS NULL", id) == 0 {
				slots[i] = ""
				h.held[channel]--
			}
		}
		h.slots[channel] = slots
	}
}

// hold has mina hold one more of a channel, in a free slot, whatever her capacity: it may have been more. Accepted and in wrap-up count alike.
func (h *hall) hold(t *testing.T) {
	t.Helper()
	channel := postroom.Channels()[h.random.IntN(4)]
	slots := h.slots[channel]
	slot := 1 + h.random.IntN(3)
	if slots[slot] != "" {
		return
	}
	slots[slot] = testkit.NewID()
	h.Exec(t, `INSERT INTO offer (id, contact_id, agent_id, queue_id, channel, slot, state, segment_only, rona_seconds, reason, offered_at, expires_at, accepted_at)
		VALUES ($1, $2, 'mina', 'general', $3, $4, $5, true, 90, '{}', clock_timestamp(), clock_timestamp() + interval '1 hour', clock_timestamp())`,
		slots[slot], h.contacts[0], string(channel), slot, "wrapup")
	h.slots[channel] = slots
	h.held[channel]++
}

func (h *hall) letGo(t *testing.T) {
	t.Helper()
	for channel, slots := range h.slots {
		for i, id := range slots {
			if id == "" {
				continue
			}
			h.Exec(t, "UPDATE offer SET state = 'finished', ended_at = clock_timestamp(), end_cause = 'wrapped_up' WHERE id = $1", id)
			slots[i] = ""
			h.slots[channel] = slots
			h.held[channel]--
			return
		}
	}
}

// choose changes the state, or what it is about to be.
func (h *hall) choose(t *testing.T) {
	t.Helper()
	h.state = []postroom.AgentState{postroom.AgentAvailable, postroom.AgentAvailable, postroom.AgentIdle, postroom.AgentRONA, postroom.AgentLoggedOut}[h.random.IntN(5)]
	h.leaving = h.random.IntN(4) == 0
	code, after := "", ""
	if h.state == postroom.AgentIdle {
		code = "lunch"
	}
	if h.leaving {
		after = "lunch"
	}
	h.Exec(t, "UPDATE agent_state SET state = $1, idle_code = $2, idle_after_contact = $3, since = clock_timestamp() WHERE agent_id = 'mina'", string(h.state), code, after)
}

// wrong says where the database and the model disagree.
func (h *hall) wrong(t *testing.T) string {
	t.Helper()
	var want []string
	for _, channel := range []postroom.Channel{postroom.ChannelChat, postroom.ChannelEmail, postroom.ChannelSocial, postroom.ChannelVoice} {
		room := h.profile.Room(channel, h.held)
		if h.state != postroom.AgentAvailable || h.leaving {
			room = 0
		}
		want = append(want, fmt.Sprint(channel, " ", room))
	}
	got := h.Text(t, `SELECT string_agg(c || ' ' || coalesce(r.room, 0), ', ' ORDER BY c) || CASE WHEN bool_and(r.free_since IS NULL OR
			r.free_since = greatest(s.since, (SELECT max(offered_at) FROM offer o WHERE o.agent_id = 'mina'))) THEN '' ELSE ' and another free_since' END
		FROM agent_state s CROSS JOIN unnest('{chat,email,social,voice}'::text[]) c LEFT JOIN agent_room r ON r.agent_id = s.agent_id AND r.channel = c
		WHERE s.agent_id = 'mina'`)
	if w := strings.Join(want, ", "); got != w {
		return fmt.Sprintf("%s holds %v of %+v, leaving %v: the database says %s, the model %s", h.state, h.held, h.profile, h.leaving, got, w)
	}
	return ""
}

// R1, R2: who has room is the same for PostgreSQL and for postroom.MultimediaProfile.Room: whatever the mode, whatever is held on all
// channels, whoever is Available.
func TestRoomInTheDatabaseIsTheModelsRoom(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, rand.Uint64()} {
		h := newHall(t, seed)
		for n := range 80 {
			switch h.random.IntN(8) {
			case 0:
				h.assignProfile(t)
			case 1, 2:
				h.choose(t)
			case 3, 4:
				h.letGo(t)
			default:
				h.hold(t)
			}
			if wrong := h.wrong(t); wrong != "" {
				t.Fatalf("seed %d, step %d: %s", seed, n, wrong)
			}
		}
	}
}

// Controls: without any one of the triggers the check is red.
func TestRoomWithoutATriggerIsSeenToBeWrong(t *testing.T) {
	t.Parallel()
	h := newHall(t, 3)
	for _, control := range []struct {
		trigger, table string
		act            func(*testing.T)
	}{
		{"offer_room", "offer", h.hold}, {"agent_state_room", "agent_state", h.choose}, {"agent_capacity_room", "agent_capacity", h.assignProfile},
	} {
		for h.state != postroom.AgentAvailable || h.leaving {
			h.choose(t)
		}
		h.Exec(t, fmt.Sprintf("ALTER TABLE %s DISABLE TRIGGER %s", control.table, control.trigger))
		seen := false
		for range 60 {
			control.act(t)
			if seen = h.wrong(t) != ""; seen {
				break
			}
		}
		if !seen {
			t.Errorf("nothing is wrong without %s", control.trigger)
		}
		h.Exec(t, fmt.Sprintf("ALTER TABLE %s ENABLE TRIGGER %s", control.table, control.trigger))
		h.Exec(t, "SELECT refresh_room('mina')")
	}
}
