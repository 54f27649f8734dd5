package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// A world is a contact centre in which everybody does something at random, all at once, while time goes by in leaps.
type world struct {
	*testkit.Centre
	random *rand.Rand
	broken bool // a control: what it breaks on purpose may meet a step of the product
	agents []postroom.AgentID
	acts   []act
	// What the last round left, to choose from.
	contacts []seenContact
	offers   []seenOffer
	versions map[postroom.AgentID]int64
	// What the whole run remembers.
	arrived map[postroom.ContactID]time.Time
	done    map[string]int // how often each act succeeded

	mu   sync.Mutex
	past []func(context.Context, *store.Store) error // requests of people, to be repeated at any later time
}

type seenContact struct {
	ID      postroom.ContactID
	Phase   postroom.ContactPhase
	Version int64
	Arrived time.Time
	From    string // the customer's address
	Answer  string // Message-ID of the last answer in the thread, "" if there is none
}

type seenOffer struct {
	ID      postroom.OfferID
	Contact postroom.ContactID
	Agent   postroom.AgentID
	State   postroom.OfferState
}

// act is something that happens, weight times as often as others. choose decides by what was seen; it runs later, at the same moment as
// others.
type act struct {
	name   string
	weight int
	choose func(w *world) func(ctx context.Context, s *store.Store) error
}

const (
	leap   = 20 * time.Second // from one clock to the next
	answer = 18 * time.Second // an offer's time: it is over after a leap, and not noticed late
)

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{Centre: testkit.NewCentre(t, answer, store.Options{}), random: rand.New(rand.NewPCG(seed, 1)), acts: acts(),
		agents: []postroom.AgentID{"mina", "jiwoo", "tom"}, arrived: map[postroom.ContactID]time.Time{}, done: map[string]int{}}
	second(t, w.Centre)
	w.Exec(t, "UPDATE queue SET owner_lease_seconds = 60, auto_wrapup_seconds = 15, wrapup_extensions = 2, default_wrapup_code = 'solved'")
	for _, agent := range w.agents {
		w.SignIn(t, agent)
	}
	return w
}

// Everything that people, timers and customers do, at once and in any order, with callers who go away in the middle: the invariants hold
// after every round, arrival times stay, and whoever follows a stream sees each number once and in order.
func TestWhateverHappensTogetherTheInvariantsHold(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{1, 2, rand.Uint64()} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			auditor := w.ConnectOwner(t)
			stop := make(chan struct{})
			readers := make(chan error, len(w.agents))
			for _, agent := range w.agents {
				go func() { readers <- followStream(context.WithoutCancel(t.Context()), w.Store, agent, stop) }()
			}
			for n := range 5 {
				s := w.Open(t, store.Options{Shift: time.Duration(n) * leap})
				for range 8 {
					w.round(t, s, 12)
					broken, err := testkit.Broken(t.Context(), auditor)
					must(t, err)
					for _, line := range broken {
						t.Error(line)
					}
					if t.Failed() {
						t.Fatalf("in leap %d", n)
					}
				}
			}
			close(stop)
			for range w.agents {
				if err := <-readers; err != nil {
					t.Error(err)
				}
			}
			t.Logf("done: %v; offers: %s", w.done, w.Text(t, `SELECT string_agg(line, ', ') FROM (
				SELECT concat_ws(' ', count(*), state, end_cause) AS line FROM offer GROUP BY state, end_cause ORDER BY 1) lines`))
		})
	}
}

// A control of TestWhateverHappensTogetherTheInvariantsHold: with one careless claim among all that happens, it is red.
func TestACarelessClaimBreaksAnInvariantThatIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1)
	w.Exec(t, "DROP INDEX offer_holds_contact")
	w.broken = true
	w.acts = append(w.acts, act{"careless claim", 20, func(w *world) func(context.Context, *store.Store) error {
		at := slices.IndexFunc(w.contacts, func(c seenContact) bool {
			return c.Phase == postroom.ContactWaiting || c.Phase == postroom.ContactOffered
		})
		if at < 0 {
			return nil
		}
		contact, agent := w.contacts[at].ID, w.agents[w.random.IntN(len(w.agents))]
		return func(ctx context.Context, s *store.Store) error {
			_, _ = carelessClaim{able: ableNow, take: takeAnyway}.claim(ctx, s, contact, agent) // only what it leaves behind matters
			return nil
		}
	}})
	for range 40 {
		w.round(t, w.Store, 12)
		if len(only(w.Violations(t), "I1")) > 0 {
			return
		}
	}
	t.Error("no round broke an invariant")
}

// look reads what there is to choose from, and checks that nothing arrived anew (I8).
func (w *world) look(t *testing.T) {
	t.Helper()
	ctx, c := context.WithoutCancel(t.Context()), w.Store.Pool()
	rows, err := c.Query(ctx, `
		SELECT c.id, c.phase, c.version, c.arrived_at, coalesce(m.from_address, (SELECT min(address) FROM customer_address k WHERE k.customer_id = c.customer_id)), coalesce((SELECT x.internet_message_id FROM message x
			WHERE x.thread_id = c.thread_id AND x.direction = 'out' ORDER BY x.received_at DESC LIMIT 1), '')
		FROM contact c LEFT JOIN LATERAL (SELECT from_address FROM message m WHERE m.thread_id = c.thread_id AND m.direction = 'in' LIMIT 1) m ON true
		ORDER BY c.id`)
	must(t, err)
	w.contacts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[seenContact])
	must(t, err)
	rows, err = c.Query(ctx, "SELECT id, contact_id, agent_id, state FROM offer ORDER BY id")
	must(t, err)
	w.offers, err = pgx.CollectRows(rows, pgx.RowToStructByPos[seenOffer])
	must(t, err)
	w.versions = map[postroom.AgentID]int64{}
	for _, agent := range w.agents {
		now, err := w.AgentStatus(ctx, agent)
		must(t, err)
		w.versions[agent] = now.Version
	}
	for _, c := range w.contacts {
		if first, known := w.arrived[c.ID]; known && !first.Equal(c.Arrived) {
			t.Errorf("I8: contact %s arrived at %v, and now at %v", c.ID, first, c.Arrived)
		}
		w.arrived[c.ID] = c.Arrived
	}
}

// round has n things happen at once.
func (w *world) round(t *testing.T, s *store.Store, n int) {
	t.Helper()
	w.look(t)
	total := 0
	for _, a := range w.acts {
		total += a.weight
	}
	type chosen struct {
		name string
		do   func(context.Context, *store.Store) error
		gone time.Duration // the caller goes away after this; 0: he stays
	}
	var happening []chosen
	for len(happening) < n {
		at := w.random.IntN(total)
		i := slices.IndexFunc(w.acts, func(a act) bool { at -= a.weight; return at < 0 })
		if do := w.acts[i].choose(w); do != nil {
			next := chosen{name: w.acts[i].name, do: do}
			if w.random.IntN(20) == 0 {
				next.gone = time.Duration(1+w.random.IntN(8)) * time.Millisecond
			}
			happening = append(happening, next)
		}
	}
	for i, err := range testkit.Together(n, func(i int) error {
		ctx := context.WithoutCancel(t.Context())
		if gone := happening[i].gone; gone > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, gone)
			defer cancel()
		}
		return happening[i].do(ctx, s)
	}) {
		switch kind := postroom.KindOf(err); kind {
		case "":
			w.done[happening[i].name]++
		case postroom.KindConflict, postroom.KindRefused:
		case postroom.KindUnavailable:
			if happening[i].gone == 0 {
				t.Errorf("%s: %s", happening[i].name, texts(err))
			}
		case postroom.KindInternal:
			if !w.broken {
				t.Errorf("%s: %s", happening[i].name, texts(err))
			}
		default:
			t.Errorf("%s: %s", happening[i].name, texts(err))
		}
	}
}

// pick chooses one of those that fit, or, one time in eight, of all: what was seen may be over when it happens.
func pick[T any](w *world, from []T, fits func(T) bool) (T, bool) {
	var none T
	if w.random.IntN(8) > 0 {
		from = slices.DeleteFunc(slices.Clone(from), func(t T) bool { return !fits(t) })
	}
	if len(from) == 0 {
		return none, false
	}
	return from[w.random.IntN(len(from))], true
}

// by is a request of a person on an offer in one of the states, which may be repeated later.
func by(name string, weight int, do func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error, states ...postroom.OfferState) act {
	return act{name, weight, func(w *world) func(context.Context, *store.Store) error {
		offer, ok := pick(w, w.offers, func(o seenOffer) bool { return slices.Contains(states, o.State) })
		if !ok {
			return nil
		}
		command := testkit.Command(offer.Agent)
		return w.remembered(func(ctx context.Context, s *store.Store) error { return do(ctx, s, command, offer) })
	}}
}

// remembered keeps a request, to be repeated.
func (w *world) remembered(do func(context.Context, *store.Store) error) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		w.mu.Lock()
		w.past = append(w.past, do)
		w.mu.Unlock()
		return do(ctx, s)
	}
}

// choice is an agent's click, on what he saw or on something older.
func choice(name string, weight int, to postroom.AgentState, after bool) act {
	return act{name, weight, func(w *world) func(context.Context, *store.Store) error {
		agent := w.agents[w.random.IntN(len(w.agents))]
		change := store.AgentChange{Agent: agent, To: to, Code: "lunch", AfterContact: after, Seen: w.versions[agent] - int64(w.random.IntN(4)/3)}
		command := testkit.Command(agent)
		return w.remembered(func(ctx context.Context, s *store.Store) error {
			_, _, err := s.SetAgentState(ctx, command, change)
			return err
		})
	}}
}

// presence is something that happens to an agent's desktop.
func presence(name string, weight int, do func(ctx context.Context, s *store.Store, agent postroom.AgentID) error) act {
	return act{name, weight, func(w *world) func(context.Context, *store.Store) error {
		agent := w.agents[w.random.IntN(len(w.agents))]
		return func(ctx context.Context, s *store.Store) error { return do(ctx, s, agent) }
	}}
}

// on is a step of the system on a contact in one of the phases.
func on(name string, weight int, do func(ctx context.Context, s *store.Store, c seenContact) error, phases ...postroom.ContactPhase) act {
	return act{name, weight, func(w *world) func(context.Context, *store.Store) error {
		contact, ok := pick(w, w.contacts, func(c seenContact) bool { return slices.Contains(phases, c.Phase) })
		if !ok {
			return nil
		}
		return func(ctx context.Context, s *store.Store) error { return do(ctx, s, contact) }
	}}
}

func newToken() []byte { return []byte(uuid.NewString()[:32]) }
