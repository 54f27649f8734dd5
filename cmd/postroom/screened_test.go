package main

import (
	"strings"
	"testing"
)

// R34, R49: what was screened is seen, released and blocked from the command line, also while Temporal is down.
func TestScreenedMailIsReleasedAndSendersBlockedFromTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	news := o.Mail("news@other.example", "Offers \x1b[31mof today")
	news.Automatic = "list"
	if _, err := o.Ingest(t.Context(), news); err != nil {
		t.Fatal(err)
	}
	list := o.does(t, "mail", "screened", "--reason", "list").Stdout
	if !strings.Contains(list, string(news.ID)) || !strings.Contains(list, "news@other.example") || strings.Contains(list, "\x1b") {
		t.Errorf("the list is\n%s", list)
	}
	ran := o.does(t, "mail", "release", string(news.ID))
	if !strings.HasSuffix(ran.Stdout, " is new\n") || !strings.Contains(ran.Stderr, "the worker will tell 1 workflow") {
		t.Errorf("released: %q and %q", ran.Stdout, ran.Stderr)
	}
	if again := o.does(t, "mail", "release", string(news.ID)).Stdout; again != ran.Stdout {
		t.Errorf("released again: %q, first %q", again, ran.Stdout)
	}
	if left := o.does(t, "mail", "quarantined").Stdout; strings.Contains(left, string(news.ID)) {
		t.Errorf("quarantined are\n%s", left)
	}
	o.does(t, "mail", "block", "@evil.example", "spam@other.example")
	o.does(t, "mail", "unblock", "spam@other.example")
	if blocked := o.does(t, "mail", "blocked").Stdout; !strings.Contains(blocked, "@evil.example") || strings.Contains(blocked, "spam@other.example") {
		t.Errorf("blocked are\n%s", blocked)
	}
	refused(t, run(t, o.env, "mail", "unblock", "nobody@other.example"), "nobody is blocked by this name")
	into := o.Arrive(t, "kim@customer.example", "One")
	from := o.Arrive(t, "kim@customer.example", "The same")
	if merged := o.does(t, "contact", "merge", string(from), string(into)).Stdout; merged != string(into)+" is waiting in queue general\n" {
		t.Errorf("merged: %q", merged)
	}
	if undone := o.does(t, "contact", "unmerge", string(from)).Stdout; !strings.HasSuffix(undone, " is new\n") {
		t.Errorf("undone: %q", undone)
	}
	o.MustHold(t)
}
