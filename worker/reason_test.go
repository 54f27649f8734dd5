package worker_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R35: whichever side looked, an offer keeps the rule, the configuration's version, the stage, what it required and the effective priority.
func TestEveryOfferKeepsWhatWasInForceWhenItWasMade(t *testing.T) {
	t.Parallel()
	centre := testkit.NewCentre(t, time.Hour, store.Options{})
	w := testkit.NewWorking(t, centre, testkit.NewTemporal(t))
	if _, err := w.Apply(t.Context(), postroom.Command{}, postroom.Actor{Kind: postroom.ActorCommand, ID: "test"}, byVIP(time.Second), postroom.SealText("document")); err != nil {
		t.Fatal(err)
	}
	version := w.Count(t, "SELECT max(version)::int FROM configuration")
	keeps := func(trigger routing.Trigger) {
		t.Helper()
		var r routing.Reason
		if err := json.Unmarshal([]byte(w.Text(t, "SELECT reason::text FROM offer ORDER BY offered_at DESC LIMIT 1")), &r); err != nil {
			t.Fatal(err)
		}
		if r.Trigger != trigger || r.Rule != postroom.RouteSkillsBest || r.Configuration != int64(version) || r.Step != 1 || len(r.Teams) == 0 ||
			!reflect.DeepEqual(r.Skills, []postroom.SkillRequirement{{Skill: "vip", Level: 3}}) || r.Candidates != 1 {
			t.Errorf("by the look of %s: %+v", trigger, r)
		}
	}
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", "Hello")
	w.AwaitOffer(t, "mina", contact)
	keeps(routing.TriggerContact)

	w.Choose(t, "mina", postroom.AgentIdle, "lunch")
	testkit.Eventually(t, "the contact to wait", func() bool {
		return w.Count(t, "SELECT count(*) FROM contact WHERE phase = 'waiting' AND told >= version") == 1
	})
	w.Choose(t, "mina", postroom.AgentAvailable, "")
	w.AwaitOffer(t, "mina", contact)
	keeps(routing.TriggerAgent)
}
