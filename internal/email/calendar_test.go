package email_test

import (
	"testing"
	"time"

	"github.com/postroom/postroom/internal/email"
)

func TestACalendarSaysWhatACardShows(t *testing.T) {
	t.Parallel()
	m := email.Parse(mail("Content-Type: multipart/alternative; boundary=b", "", "--b", "", "meeting", "--b", "Content-Type: text/calendar; method=REQUEST; charset=utf-8", "",
		"BEGIN:VCALENDAR", "METHOD:REQUEST", "BEGIN:VTIMEZONE", "TZID:Asia/Seoul", "BEGIN:STANDARD", "DTSTART:19700101T000000", "END:STANDARD", "END:VTIMEZONE",
		"BEGIN:VEVENT", "UID:one@example.kr", "DTSTART;TZID=\"Asia/Seoul\":20260714T183000", "DTEND:20260714T103000Z", "SUMMARY:회의\\, 주", " 간", "ORGANIZER;CN=\"Kim: M\":mailto:kim@example.kr",
		"BEGIN:VALARM", "SUMMARY:alarm", "END:VALARM", "LOCATION:3층", "END:VEVENT", "BEGIN:VEVENT", "SUMMARY:another", "END:VEVENT", "END:VCALENDAR", "--b--"))
	if m.Text != "meeting" || len(m.Attachments) != 1 {
		t.Fatalf("%q, %d attachments", m.Text, len(m.Attachments))
	}
	got, ok := email.ReadEvent(m.Attachments[0])
	want := email.Event{Method: "REQUEST", UID: "one@example.kr", Summary: "회의, 주간", Location: "3층", Organizer: "kim@example.kr",
		Start: email.Moment{Time: time.Date(2026, 7, 14, 18, 30, 0, 0, time.UTC), Zone: "Asia/Seoul", Form: email.MomentLocal},
		End:   email.Moment{Time: time.Date(2026, 7, 14, 10, 30, 0, 0, time.UTC), Form: email.MomentUTC}}
	if !ok || got != want {
		t.Errorf("%v %+v", ok, got)
	}
	for _, a := range []email.Attachment{{MediaType: "text/plain", Content: []byte("BEGIN:VEVENT")}, {MediaType: "text/calendar", Content: []byte("hello")}} {
		if _, ok := email.ReadEvent(a); ok {
			t.Errorf("%s has an event", a.MediaType)
		}
	}
}

func TestProtectedMailsAreLabelled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw         []byte
		want        email.Protection
		attachments int
	}{
		"S/MIME, signed":       {mail("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b", "", "--b", "", "x", "--b", "Content-Type: application/pkcs7-signature; name=smime.p7s", "", "x", "--b--"), email.SMIMESigned, 1},
		"S/MIME, opaque":       {mail("Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "", "x"), email.SMIMESigned, 1},
		"S/MIME, encrypted":    {mail("Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "", "x"), email.SMIMEEncrypted, 1},
		"PGP, signed":          {mail("Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b", "", "--b", "", "x", "--b", "Content-Type: application/pgp-signature", "", "x", "--b--"), email.PGPSigned, 1},
		"PGP, encrypted":       {mail("Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b", "", "--b", "Content-Type: application/pgp-encrypted", "", "Version: 1", "--b", "Content-Type: application/octet-stream", "", "x", "--b--"), email.PGPEncrypted, 2},
		"PGP within the text":  {mail("Subject: x", "", "-----BEGIN PGP MESSAGE-----", "", "x"), email.PGPEncrypted, 0},
		"PGP, signed in text":  {mail("Subject: x", "", "-----BEGIN PGP SIGNED MESSAGE-----", "", "x"), email.PGPSigned, 0},
		"neither":              {mail("Subject: x", "", "hello"), "", 0},
		"somebody's signature": {mail("Content-Type: multipart/mixed; boundary=b", "", "--b", "", "x", "--b", "Content-Type: application/pkcs7-signature", "", "x", "--b--"), "", 1},
	} {
		m := email.Parse(c.raw)
		if m.Protection != c.want || len(m.Attachments) != c.attachments {
			t.Errorf("%s: %q, %d attachments", name, m.Protection, len(m.Attachments))
		}
	}
}

func TestFilesOfOtherKindsAreAttachments(t *testing.T) {
	t.Parallel()
	m := email.Parse(mail("Subject: x", "", "see below", "", "begin 644 hello.txt", "+:&5L;&\\@=&AE<F4*", "`", "end", "bye"))
	if m.Text != "see below\n\nbye\n" || len(m.Attachments) != 1 || m.Attachments[0].Filename != "hello.txt" || string(m.Attachments[0].Content) != "hello there" {
		t.Errorf("uuencode: %q, %d attachments", m.Text, len(m.Attachments))
	}
	for _, text := range []string{"begin 644 x\nwhat you want\n", "begin the day\n", "begin 9 x\n#86)C\nend\n"} {
		if m := email.Parse([]byte("Subject: x\n\n" + text)); m.Text != text || len(m.Attachments) > 0 {
			t.Errorf("%q became %q", text, m.Text)
		}
	}
	tnef := "\x78\x9f\x3e\x22\x01\x00"
	m = email.Parse(mail("Content-Type: application/octet-stream; name=winmail.dat", "Content-Transfer-Encoding: base64", "", b64(tnef)))
	if len(m.Attachments) != 1 || m.Attachments[0].MediaType != "application/ms-tnef" || m.Attachments[0].Filename != "winmail.dat" {
		t.Errorf("TNEF: %d attachments", len(m.Attachments))
	}
}
