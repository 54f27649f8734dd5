package worker_test

import (
	"strings"
	"testing"

	"github.com/postroom/postroom/internal/devmail"
	"github.com/postroom/postroom/internal/testkit"
)

// R36: of a mail's HTML that is kept which the scanner passed, and of a card number in it no row holds more than the last four digits.
func TestHTMLIsKeptAsTheScannerPassesIt(t *testing.T) {
	t.Parallel()
	w, mail := watched(t, "showing")
	for subject, html := range map[string]string{
		"whole":  "<p>Hello <b>there</b></p>",
		"masked": "<p>My card: 4012888888881881</p>",
		"split":  "<p>My card: 4012<b>8888</b><i>8888</i>1881</p>",
		"hidden": "<p>My card: 4012 8888 <style>p{}</style>8888 1881</p>",
	} {
		write(t, mail, devmail.Letter{From: subject + "@customer.example", Subject: subject, Text: "Thanks.\n\nOn Mon, Kim wrote:\n> Hello", HTML: html})
	}
	testkit.Eventually(t, "the mails to be stored", func() bool { return w.Count(t, "SELECT count(*) FROM message") == 4 })
	kept := func(subject string) string {
		return w.Text(t, "SELECT coalesce((SELECT s.html || ' ' || s.quoted::text FROM message_showing s JOIN message m ON m.id = s.message_id WHERE m.subject = $1), '')", subject)
	}
	for subject, want := range map[string]string{
		"whole": "<p>Hello <b>there</b></p> {2,4}", "masked": "<p>My card: ************1881</p> {2,4}", "split": " {2,4}", "hidden": " {2,4}",
	} {
		if got := kept(subject); strings.ReplaceAll(got, "\n", "") != want {
			t.Errorf("%s: %q, want %q", subject, got, want)
		}
	}
	if n := w.Count(t, "SELECT count(*) FROM message_showing WHERE translate(html, ' <>/bi-', '') ~ '40128888'"); n != 0 {
		t.Errorf("%d rows hold a card number", n)
	}
	if n := w.Count(t, "SELECT count(DISTINCT message_id) FROM finding WHERE place = 'html'"); n != 3 {
		t.Errorf("%d mails have a finding in their HTML", n)
	}
	w.MustHold(t)
}
