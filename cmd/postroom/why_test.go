package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/routing"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// R35: whoever operates the centre can ask why a contact was offered to whom it was, and why it still waits.
func TestTheCommandLineSaysWhyAContactWaitsAndWhomItWasOfferedTo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.SignIn(t, "mina")
	contact := o.Arrive(t, "kim@customer.example", "Hello")
	claimed, lost, err := o.ClaimOffer(t.Context(), store.Claim{Contact: contact, Agent: "mina", By: postroom.System("routing"),
		Reason: routing.Reason{Rule: postroom.RouteLongestAvailable, Trigger: routing.TriggerContact, Candidates: 1}})
	if err != nil || lost != store.LostNothing {
		t.Fatal(lost, err)
	}
	offered := o.does(t, "contact", "why", string(contact)).Stdout
	if !strings.Contains(offered, "longest_available_agent") || !strings.Contains(offered, "is offered: it waits for nobody") {
		t.Errorf("while it is offered:\n%s", offered)
	}
	if _, err := o.DeclineOffer(t.Context(), testkit.Command("mina"), claimed.Offer); err != nil {
		t.Fatal(err)
	}
	waits := o.does(t, "contact", "why", string(contact)).Stdout
	for _, says := range []string{"waits in queue general", "0 of ", "mina eligible at ", "refused until ", "state logged_out"} {
		if !strings.Contains(waits, says) {
			t.Errorf("while it waits, without %q:\n%s", says, waits)
		}
	}
	var found struct {
		Offers []struct{ Reason routing.Reason }
		Wait   routing.Explanation
	}
	if err := json.Unmarshal([]byte(o.does(t, "contact", "why", "--json", string(contact)).Stdout), &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Offers) != 1 || found.Offers[0].Reason.Configuration == 0 || found.Wait.NextAgent != "mina" {
		t.Errorf("in JSON: %+v", found)
	}
}
