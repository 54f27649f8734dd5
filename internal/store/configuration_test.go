package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// without is the sample without some of its agents, and with another RONA time.
func without(rona time.Duration, agents ...postroom.AgentID) postroom.Configuration {
	c := testkit.Sample(rona)
	c.Agents = slices.DeleteFunc(c.Agents, func(a postroom.Agent) bool { return slices.Contains(agents, a.ID) })
	return c
}

func apply(t testing.TB, s *store.Store, c postroom.Configuration) (store.AppliedVersion, error) {
	return s.Apply(t.Context(), postroom.Command{}, postroom.Actor{Kind: postroom.ActorCommand, ID: "test"}, c, postroom.SealText("document"))
}

// R3: a configuration is applied as a whole, and each has its number, however many are applied at once.
func TestConfigurationsThatAreAppliedTogetherDoNotMix(t *testing.T) {
	t.Parallel()
	a := testkit.NewCentre(t, time.Hour, store.Options{})
	few, many := without(5*time.Second, "tom", "jiwoo"), without(50*time.Second)
	many.IdleCodes = append(many.IdleCodes, postroom.IdleCodeEntry{Code: "training", Name: postroom.Name{English: "Training"}})
	var read [2]postroom.Configuration
	for i, c := range []postroom.Configuration{few, many} {
		_, err := apply(t, a.Store, c)
		must(t, err)
		read[i], _, err = a.Configuration(t.Context())
		must(t, err)
	}
	_, start, err := a.Configuration(t.Context())
	must(t, err)
	stop, mixed := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			now, _, err := a.Configuration(t.Context())
			if err == nil && !reflect.DeepEqual(now, read[0]) && !reflect.DeepEqual(now, read[1]) {
				err = fmt.Errorf("a mixture: %+v", now)
			}
			select {
			case <-stop:
				mixed <- err
				return
			default:
			}
			if err != nil {
				mixed <- err
				return
			}
		}
	}()
	versions := map[int64]int{}
	for i, version := range testkit.Together(16, func(i int) int64 {
		applied, err := apply(t, a.Store, []postroom.Configuration{few, many}[i%2])
		if err != nil {
			t.Errorf("apply: %v", err)
		}
		if len(applied.Changes) == 0 {
			return -applied.Version // nothing to do: the configuration was this one already
		}
		return applied.Version
	}) {
		if versions[version]++; version > 0 && versions[version] > 1 {
			t.Errorf("version %d was given twice, the last time to call %d", version, i)
		}
	}
	close(stop)
	if err := <-mixed; err != nil {
		t.Error(err)
	}
	_, end, err := a.Configuration(t.Context())
	must(t, err)
	for v := start + 1; v <= end; v++ {
		if versions[v] != 1 {
			t.Errorf("version %d was given %d times", v, versions[v])
		}
	}
	a.MustHold(t)
}

func TestTheSameConfigurationIsOneVersion(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Minute, store.Options{})
	_, before, err := c.Configuration(t.Context())
	must(t, err)
	audited := c.Count(t, "SELECT count(*)::int FROM audit")
	for _, applied := range testkit.Together(8, func(int) store.AppliedVersion {
		applied, err := apply(t, c.Store, testkit.Sample(time.Minute))
		if err != nil {
			t.Errorf("apply: %v", err)
		}
		return applied
	}) {
		if applied.Version != before || len(applied.Changes) != 0 {
			t.Errorf("%+v", applied)
		}
	}
	if n := c.Count(t, "SELECT count(*)::int FROM audit"); n != audited {
		t.Errorf("%d audit rows of nothing", n-audited)
	}
}

// Whom the configuration does not name any more is signed out as by himself: in the log, and still owing a RONA.
func TestARetiredAgentIsSignedOutOnTheRecord(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "tom")
	c.SignIn(t, "jiwoo")
	inRONA(t, c, "jiwoo")
	c.SignIn(t, "mina")
	c.Own(t, c.Arrive(t, "kim@customer.example", "Hello"), "mina")

	_, err := apply(t, c.Store, without(time.Hour, "mina"))
	wantReason(t, "retire an agent with work in hand", err, postroom.KindRefused, "work_in_hand")
	_, err = apply(t, c.Store, without(time.Hour, "tom", "jiwoo"))
	must(t, err)
	for agent, from := range map[postroom.AgentID]string{"tom": "available", "jiwoo": "rona"} {
		got := c.Text(t, "SELECT concat_ws(' ', from_state, to_state, event, actor) FROM agent_log WHERE agent_id = $1 ORDER BY id DESC LIMIT 1", agent)
		if want := from + " logged_out signs out command:test"; got != want {
			t.Errorf("%s: %s, want %s", agent, got, want)
		}
	}
	_, err = apply(t, c.Store, testkit.Sample(time.Hour))
	must(t, err)
	must(t, c.OpenSession(t.Context(), []byte(testkit.NewID()[:32]), "jiwoo"))
	if got := status(t, c, "jiwoo"); got != postroom.AgentRONA {
		t.Errorf("jiwoo, who was in RONA, came back as %s", got)
	}
	c.MustHold(t)
}

// A contact that was on its way into a queue when the queue was retired is served all the same.
func TestAContactInARetiredQueueIsFound(t *testing.T) {
	t.Parallel()
	c := testkit.NewCentre(t, time.Hour, store.Options{})
	c.SignIn(t, "mina")
	contact := c.Arrive(t, "kim@customer.example", "Hello")
	_, err := apply(t, c.Store, postroom.Configuration{})
	wantReason(t, "retire a queue with an open contact", err, postroom.KindRefused, "queue_in_use")
	c.Exec(t, "UPDATE queue SET active = false")
	waiting, _, err := c.Heads(t.Context(), "mina")
	must(t, err)
	_, candidates, _, err := c.Candidates(t.Context(), contact)
	must(t, err)
	if len(waiting) != 1 || len(candidates) != 1 {
		t.Errorf("waiting %+v, candidates %+v", waiting, candidates)
	}
}
