package routing

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
)

// R31.
func TestTheFirstRuleWhoseConditionsAllHoldDecides(t *testing.T) {
	rules := []postroom.RoutingRule{
		{ID: "vip", Sender: "*@vip.example", SubjectContains: "invoice", Queue: "vip"},
		{ID: "list", Header: "X-Campaign", HeaderContains: "spring", Queue: "campaign"},
		{ID: "billing", Recipient: "billing+*@shop.example", Queue: "billing"},
		{ID: "empty", Queue: "never"},
	}
	points := []postroom.EntryPoint{{Address: "support@shop.example", Mailbox: "m", Queue: "general"},
		{Address: "sales@shop.example", Mailbox: "m", Queue: "sales"}, {Address: "x@shop.example", Mailbox: "other", Queue: "other"}}
	for name, c := range map[string]struct {
		facts Facts
		want  QueueDecision
	}{
		"both conditions": {Facts{Sender: "A@VIP.example", Subject: "Your INVOICE 7", Mailbox: "m"}, QueueDecision{Queue: "vip", Rule: "vip", Why: "rule"}},
		"one of two":      {Facts{Sender: "a@vip.example", Subject: "hello", Mailbox: "m"}, QueueDecision{Queue: "general", EntryPoint: "support@shop.example", Why: "mailbox"}},
		"header": {Facts{Headers: map[string][]string{"x-campaign": {"autumn", "Spring 26"}}, Mailbox: "m"},
			QueueDecision{Queue: "campaign", Rule: "list", Why: "rule"}},
		"wildcard recipient": {Facts{Recipients: []string{"billing+a/b[c]@shop.example"}, Mailbox: "m"}, QueueDecision{Queue: "billing", Rule: "billing", Why: "rule"}},
		"no entry point": {Facts{Recipients: []string{"x@elsewhere.example"}, Mailbox: "m", Own: "Support@shop.example"},
			QueueDecision{Queue: "general", EntryPoint: "support@shop.example", Why: "mailbox"}},
		"no entry point, own address second": {Facts{Recipients: []string{"x@elsewhere.example"}, Mailbox: "m", Own: "sales@shop.example"},
			QueueDecision{Queue: "sales", EntryPoint: "sales@shop.example", Why: "mailbox"}},
		"entry point": {Facts{Recipients: []string{"Sales@shop.example"}, Mailbox: "m"}, QueueDecision{Queue: "sales", EntryPoint: "sales@shop.example", Why: "entry_point"}},
	} {
		got, ok := ChooseQueue(c.facts, rules, points)
		if !ok || got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
	if _, ok := ChooseQueue(Facts{Mailbox: "unknown"}, rules, points); ok {
		t.Error("a mailbox without an entry point leads nowhere")
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestTheLongestAvailableAgentIsChosen(t *testing.T) {
	d := ChooseAgent(postroom.RouteLongestAvailable, []postroom.Candidate{
		{Agent: "a", FreeSince: noon.Add(-1 * time.Minute)},
		{Agent: "b", FreeSince: noon.Add(-9 * time.Minute)},
		{Agent: "c", FreeSince: noon.Add(-99 * time.Minute), Refusals: postroom.Refusals{Missed: 1, Last: noon.Add(-time.Minute)}},
	}, noon)
	if d.Agent != "b" || d.Reason.SetAside != 1 || d.Reason.Candidates != 3 {
		t.Errorf("got %+v", d)
	}
}

func TestAnOnlyCandidateWhoDeclinedIsAskedAgainAfterABackOffThatDoubles(t *testing.T) {
	for declined, want := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 3: 2 * time.Minute, 6: 10 * time.Minute, 60: 10 * time.Minute} {
		refusals := postroom.Refusals{Declined: declined, Last: noon}
		only := []postroom.Candidate{{Agent: "a", Refusals: refusals}}
		if d := ChooseAgent(postroom.RouteLongestAvailable, only, noon); d.Agent != "" || d.LookAgain != want {
			t.Errorf("declined %d times: %+v, want to look again in %v", declined, d, want)
		}
		if d := ChooseAgent(postroom.RouteLongestAvailable, only, noon.Add(want)); d.Agent != "a" || d.Reason.OnlyOne != (want < postroom.ExclusionTime) {
			t.Errorf("declined %d times, after the back-off: %+v", declined, d)
		}
		contact := []postroom.WaitingContact{{Contact: "x", Refusals: refusals}}
		if d := ChooseContact(contact, noon); d.Contact != "" {
			t.Errorf("declined %d times: offered again at once", declined)
		}
		if d := ChooseContact(contact, noon.Add(want)); d.Contact != "x" {
			t.Errorf("declined %d times: not offered after the back-off", declined)
		}
	}
}

func TestARefusedContactIsNotOfferedWhileAnotherAgentIsFree(t *testing.T) {
	refused := postroom.Refusals{Missed: 1, Last: noon.Add(-time.Minute)}
	waiting := []postroom.WaitingContact{{Contact: "x", Priority: 9, Refusals: refused, Others: 1}, {Contact: "y"}}
	if d := ChooseContact(waiting, noon); d.Contact != "y" {
		t.Errorf("got %+v", d)
	}
	waiting[0].Others = 0
	if d := ChooseContact(waiting, noon); d.Contact != "x" || !d.Reason.OnlyOne {
		t.Errorf("got %+v", d)
	}
}

// The order of the input never matters, the choice is one of the input, and nobody who is set aside is chosen before others.
func TestChoicesAreSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		refusals := rapid.Custom(func(t *rapid.T) postroom.Refusals {
			if rapid.Bool().Draw(t, "none") {
				return postroom.Refusals{}
			}
			return postroom.Refusals{Declined: rapid.IntRange(0, 8).Draw(t, "declined"), Missed: rapid.IntRange(0, 3).Draw(t, "missed"),
				Last: noon.Add(-time.Duration(rapid.IntRange(0, 700).Draw(t, "ago")) * time.Second)}
		})
		candidates := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) postroom.Candidate {
			return postroom.Candidate{Agent: postroom.AgentID(rapid.StringMatching(`[a-z]{1,3}`).Draw(t, "agent")), Refusals: refusals.Draw(t, "r"),
				FreeSince: noon.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "free")) * time.Minute)}
		}), 0, 12, func(c postroom.Candidate) postroom.AgentID { return c.Agent }).Draw(t, "candidates")
		shuffled := rapid.Permutation(candidates).Draw(t, "shuffled")
		d, e := ChooseAgent(postroom.RouteLongestAvailable, candidates, noon), ChooseAgent(postroom.RouteLongestAvailable, shuffled, noon)
		if !reflect.DeepEqual(d, e) {
			t.Fatalf("%+v, but %+v in another order", d, e)
		}
		for _, c := range candidates {
			if c.Agent == d.Agent {
				if backOff(c.Refusals, noon) > 0 {
					t.Fatal("chosen during his back-off")
				}
				continue
			}
			if !excluded(c.Refusals, noon) && (d.Agent == "" || d.Reason.OnlyOne) {
				t.Fatal("somebody who never refused was passed over")
			}
		}
		if d.Agent == "" && d.LookAgain == 0 && len(candidates) > 0 {
			t.Fatal("candidates, nobody chosen, and nobody will look again")
		}
	})
}
