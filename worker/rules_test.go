package worker_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// byVIP is the sample in which the queue requires a level that nobody has, until a relaxation.
func byVIP(relaxed time.Duration) postroom.Configuration {
	c := testkit.Sample(time.Hour)
	c.Skills = []postroom.Skill{{ID: "vip", Name: postroom.Name{English: "VIP"}}}
	for i := range c.Agents {
		if c.Agents[i].ID == "mina" {
			c.Agents[i].Skills = map[postroom.SkillID]int{"vip": 3}
		}
	}
	c.Queues[0].QueueRules = postroom.QueueRules{Type: postroom.RouteSkillsBest, Skills: []postroom.SkillRequirement{{Skill: "vip", Level: 5}},
		Relaxation: []postroom.Relaxation{{After: relaxed, Skills: []postroom.SkillRequirement{{Skill: "vip", Level: 3}}}}}
	return c
}

// R3, R32: a contact whose workflow sleeps until a threshold of an hour is offered soon when the rules of its queue say a second. Nothing else
// happens that would wake it.
func TestWaitingContactsLookAgainWhenTheRulesOfTheirQueueChange(t *testing.T) {
	t.Parallel()
	centre := testkit.NewCentre(t, time.Hour, store.Options{})
	w := testkit.NewWorking(t, centre, testkit.NewTemporal(t))
	by := postroom.Actor{Kind: postroom.ActorCommand, ID: "test"}
	apply := func(c postroom.Configuration) {
		t.Helper()
		if _, err := w.Apply(t.Context(), postroom.Command{}, by, c, postroom.SealText("document")); err != nil {
			t.Fatal(err)
		}
	}
	rested := func(what string) {
		t.Helper()
		testkit.Eventually(t, what, func() bool {
			return w.Count(t, `SELECT (SELECT count(*) FROM queue WHERE refit_at IS NOT NULL) + (SELECT count(*) FROM contact WHERE told < version)
				+ (SELECT count(*) FROM agent_state WHERE wants_work)`) == 0
		})
	}
	apply(byVIP(time.Hour))
	w.Ready(t, "mina")
	contact := w.Begin(t, "kim@customer.example", "Hello")
	testkit.Eventually(t, "the contact to wait", func() bool {
		return w.Text(t, "SELECT phase FROM contact WHERE id = $1", string(contact)) == "waiting"
	})
	w.Exec(t, "UPDATE contact SET told = version")
	rested("all to be quiet")
	if n := w.Count(t, "SELECT count(*) FROM offer"); n != 0 {
		t.Fatalf("%d offers to somebody who is not good enough", n)
	}
	apply(byVIP(time.Second))
	w.AwaitOffer(t, "mina", contact)
}
