package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/store"
)

func newWatch(t *testing.T) *watch {
	t.Helper()
	keys, err := keyring.Init(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return &watch{Activities: &Activities{Scanner: pci.New(), Keys: keys}, mailbox: postroom.Mailbox{ID: "support", Address: "support@shop.example"}}
}

// What is longer than an address or a Message-ID may be would break an index, and with it the watch over the mailbox.
func TestAddressesAndIDsOfAnyLengthStopNobody(t *testing.T) {
	t.Parallel()
	w := newWatch(t)
	long := strings.Repeat("x1y2z3", 1000)
	if _, _, reason := w.read(store.Source{}, []byte("From: "+long+"@customer.example\r\nSubject: Hello\r\n\r\nHello\r\n"), postroom.AttachmentRules{}); reason != reasonNoSender {
		t.Errorf("a sender of 6,000 characters: %q", reason)
	}
	mail, _, reason := w.read(store.Source{}, []byte("From: kim@customer.example\r\nMessage-ID: <"+long+"@x>\r\nIn-Reply-To: <"+long+"@y>\r\n\r\nHello\r\n"), postroom.AttachmentRules{})
	if reason != "" || !mail.MessageID.Empty() || !mail.InReplyTo.Empty() {
		t.Errorf("an id of 6,000 characters was kept, %q", reason)
	}
}

// What leads into a thread is what our keys made, and nothing that only looks like it.
func TestOnlyWhatOurKeysMadeIsEvidence(t *testing.T) {
	t.Parallel()
	w := newWatch(t)
	const thread, outbox = "019a0f2e-0000-7000-8000-00000000000a", "019a0f2e-0000-7000-8000-00000000000b"
	token, err := w.Keys.ThreadToken(thread)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := w.Keys.MessageID(outbox, "shop.example")
	if err != nil {
		t.Fatal(err)
	}
	other := newWatch(t)
	foreign, err := other.Keys.MessageID(outbox, "shop.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fields           string
		threads, replies int
		index            string
	}{
		"the token, in To":             {"To: support+" + strings.ToUpper(token) + "@shop.example\r\n", 1, 0, ""},
		"the token, in Delivered-To":   {"Delivered-To: <support+" + token + "@shop.example>\r\nTo: x@other.example\r\n", 1, 0, ""},
		"the token of another address": {"To: sales+" + token + "@shop.example\r\n", 0, 0, ""},
		"a changed token":              {"To: support+t" + token[2:] + "a@shop.example\r\n", 0, 0, ""},
		"our Message-ID":               {"In-Reply-To: <" + string(ours) + ">\r\n", 0, 1, ""},
		"our Message-ID, further back": {"In-Reply-To: <a@b.example>\r\nReferences: <c@d.example> <" + string(ours) + "> <a@b.example>\r\n", 0, 1, ""},
		"one of other keys":            {"In-Reply-To: <" + string(foreign) + ">\r\n", 0, 0, ""},
		"one without proof":            {"In-Reply-To: <c." + outbox + ".aaaaaaaaaaaaaaaa@shop.example>\r\n", 0, 0, ""},
		"Outlook's index":              {"Thread-Index: AQHZAAECAwQFBgcICQoLDA0ODxAREg==\r\n", 0, 0, "0101d9000102030405060708090a0b0c0d0e0f101112"},
		"half an index":                {"Thread-Index: AQHZ\r\n", 0, 0, ""},
	} {
		mail, _, reason := w.read(store.Source{}, []byte("From: kim@customer.example\r\nSubject: Re: Hello\r\n"+c.fields+"\r\nHello\r\n"), postroom.AttachmentRules{})
		e := mail.Evidence
		if reason != "" || len(e.Threads) != c.threads || len(e.Replies) != c.replies || e.ThreadIndex != c.index {
			t.Errorf("%s: %+v, %q", name, e, reason)
		}
	}
}

// R48: what strangers write is not believed; what the mailbox's own server wrote is, and passes the scanner.
func TestSenderIsJudgedByTheMailboxsOwnServer(t *testing.T) {
	t.Parallel()
	mail := "Authentication-Results: mx.shop.example; spf=fail smtp.mailfrom=evil.example; dmarc=fail header.from=bank.example\r\nX-Spam-Flag: YES\r\n" +
		"Received: from evil.example by mx.shop.example; Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: kim@bank.example\r\nReply-To: eve@evil.example\r\nSubject: Hello\r\n\r\nHello\r\n"
	for name, c := range map[string]struct {
		of       postroom.Mailbox
		identity store.Identity
		spam     bool
	}{
		"nobody is believed":     {postroom.Mailbox{SpamHeader: true}, store.IdentityUndecided, false},
		"somebody else is":       {postroom.Mailbox{AuthServIDs: []string{"mx.other.example"}, SpamHeader: true}, store.IdentityUndecided, true},
		"the server is":          {postroom.Mailbox{AuthServIDs: []string{"mx.shop.example"}}, store.IdentityRefuted, false},
		"the server is, on spam": {postroom.Mailbox{AuthServIDs: []string{"mx.shop.example"}, SpamHeader: true}, store.IdentityRefuted, true},
	} {
		w := newWatch(t)
		w.mailbox.AuthServIDs, w.mailbox.SpamHeader = c.of.AuthServIDs, c.of.SpamHeader
		got, _, reason := w.read(store.Source{}, []byte(mail), postroom.AttachmentRules{})
		if reason != "" || got.Trust.Identity != c.identity || got.Trust.Spam != c.spam || !got.Trust.Elsewhere {
			t.Errorf("%s: %+v, %q", name, got.Trust, reason)
		}
		if c.identity == store.IdentityRefuted && (got.Trust.SPF != "fail" || got.Trust.DMARC != "fail" || got.Trust.DMARCFrom.Reveal() != "bank.example" || got.Trust.Hop.Reveal() != "mx.shop.example") {
			t.Errorf("%s: %+v", name, got.Trust)
		}
	}
}

// I7: what carries a Message-ID of ours may be our own copy; a forged id proves nothing.
func TestOwnCopyIsKnownByItsProvedID(t *testing.T) {
	t.Parallel()
	w := newWatch(t)
	outbox := "0192f3a4-0000-7000-8000-000000000001"
	ours, err := w.Keys.MessageID(outbox, "shop.example")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{string(ours): outbox, "c." + outbox + ".aaaaaaaaaaaaaaaa@shop.example": ""} {
		mail, _, reason := w.read(store.Source{}, []byte("From: support@shop.example\r\nMessage-ID: <"+id+">\r\nSubject: Re: Hello\r\n\r\nHello\r\n"), postroom.AttachmentRules{})
		if reason != "" || mail.Automatic != "loop" || string(mail.Copy) != want || mail.MayAcknowledge {
			t.Errorf("%s: %q of %q, %q", id, mail.Copy, mail.Automatic, reason)
		}
	}
}
