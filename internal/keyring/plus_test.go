package keyring_test

import (
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
)

const (
	thread = postroom.ThreadID("019a0f2e-0000-7000-8000-00000000000a")
	outbox = postroom.OutboxID("019a0f2e-0000-7000-8000-00000000000b")
)

func TestTokensOfThreadsAndRepliesCarryTheirIDAndSurviveLowerCasingAndRotation(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	of, err := r.ThreadToken(thread)
	if err != nil {
		t.Fatal(err)
	}
	verp, err := r.VERP(outbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{of, verp} {
		if len(token) != 43 || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("token %q", token)
		}
	}
	for _, p := range []keyring.Purpose{keyring.ReplyTokens, keyring.BounceTokens} {
		if err := r.Rotate(p, now); err != nil {
			t.Fatal(err)
		}
	}
	if later, _ := r.ThreadToken(thread); later == of {
		t.Error("the new key does not sign")
	}
	for _, form := range []func(string) string{strings.ToLower, strings.ToUpper} {
		if got, ok := r.OpenThreadToken(form(of)); !ok || got != thread {
			t.Errorf("thread: %q %v", got, ok)
		}
		if got, ok := r.OpenVERP(form(verp)); !ok || got != outbox {
			t.Errorf("reply: %q %v", got, ok)
		}
	}
}

func TestForgedTokensOpenNothing(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	other, _ := newRing(t)
	of, _ := r.ThreadToken(thread)
	verp, _ := r.VERP(outbox)
	foreign, _ := other.ThreadToken(thread)
	for _, forged := range []string{"", "t", of[1:], of + "a", of[:42], "v" + of[1:], verp, "t" + verp[1:], foreign, "-" + of[1:],
		strings.Replace(of, of[5:9], "aaaa", 1), of[:42] + "b", of[:30] + "222" + of[33:]} {
		if id, ok := r.OpenThreadToken(forged); ok || id != "" {
			t.Errorf("%q opens thread %q", forged, id)
		}
	}
	for i := range of { // each character counts, the spare bits of the last one too
		for _, c := range []byte{'a', 'b', 'q', '7'} {
			if changed := of[:i] + string(c) + of[i+1:]; changed != of {
				if _, ok := r.OpenThreadToken(changed); ok {
					t.Errorf("%q opens", changed)
				}
			}
		}
	}
	if _, ok := r.OpenVERP(of); ok {
		t.Error("a thread's token opens as a reply's")
	}
	for _, id := range []postroom.ThreadID{"", "x", "019A0F2E-0000-7000-8000-00000000000A", "{019a0f2e-0000-7000-8000-00000000000a}"} {
		if _, err := r.ThreadToken(id); postroom.KindOf(err) != postroom.KindInvalid {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestPlusAddressesOfAMailboxAreTold(t *testing.T) {
	t.Parallel()
	r, _ := newRing(t)
	of, _ := r.ThreadToken(thread)
	verp, _ := r.VERP(outbox)
	const mailbox = "Support@Shop.example"
	replyTo, fits := keyring.PlusAddress(mailbox, of)
	if local, _, _ := strings.Cut(replyTo, "@"); !fits || len(local) > 64 {
		t.Fatalf("%q does not fit", replyTo)
	}
	for address, want := range map[string]keyring.Plus{
		replyTo:                                     {Ours: true, Thread: thread},
		"<" + strings.ToUpper(replyTo) + ">":        {Ours: true, Thread: thread},
		"support+" + verp + "@shop.example":         {Ours: true, Outbox: outbox},
		"support+sales@shop.example":                {Ours: true},
		"support@shop.example":                      {},
		"support+@shop.example":                     {},
		"other+" + of + "@shop.example":             {},
		"support+" + of + "@shop.test":              {},
		"support+" + of + "@evil.test@shop.example": {},
		"": {}, "@": {}, "+@": {},
	} {
		if got := r.OpenPlus(mailbox, address); got != want {
			t.Errorf("%q: %+v, want %+v", address, got, want)
		}
	}
	if _, fits := keyring.PlusAddress(strings.Repeat("x", 21)+"@shop.example", of); fits {
		t.Error("a local part of 65 octets fits")
	}
	if _, fits := keyring.PlusAddress(strings.Repeat("x", 20)+"@shop.example", of); !fits {
		t.Error("a local part of 64 octets does not fit")
	}
	for address, bare := range map[string]string{replyTo: mailbox, mailbox: mailbox, "+x@shop.example": "+x@shop.example", "a+b+c@d": "a@d", "none": "none"} {
		if got := keyring.BareAddress(address); got != bare {
			t.Errorf("%q without its tag: %q", address, got)
		}
	}
}

func FuzzForeignTextOpensNoToken(f *testing.F) {
	r, err := keyring.Init(f.TempDir(), now)
	if err != nil {
		f.Fatal(err)
	}
	of, _ := r.ThreadToken(thread)
	verp, _ := r.VERP(outbox)
	for _, seed := range []string{"", of, verp, of[1:], strings.Repeat("a", 43), "t" + strings.Repeat("7", 42), "T-" + of, of[:42] + "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := r.OpenThreadToken(s); ok && !(id == thread && strings.ToLower(s) == of) {
			t.Errorf("%q opens thread %q", s, id)
		}
		if id, ok := r.OpenVERP(s); ok && !(id == outbox && strings.ToLower(s) == verp) {
			t.Errorf("%q opens reply %q", s, id)
		}
		_ = r.OpenPlus("support@shop.example", s)
		_ = keyring.BareAddress(s)
	})
}
