package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

const (
	png = "\x89PNG\r\n\x1a\n small"
	svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
)

// formatted gives mina a contact whose mail has that HTML, and pictures by Content-ID.
func formatted(t *testing.T, a *testkit.API, html string, pictures map[string]string) store.Arrived {
	t.Helper()
	mail := a.Mail(testkit.NewID()+"@customer.example", "With HTML")
	mail.Showing = store.Showing{HTML: postroom.SealText(html), Quoted: []int32{1, 3}}
	for id, content := range pictures {
		file := store.ArrivedAttachment{ID: postroom.AttachmentID(testkit.NewID()), Filename: postroom.SealText(id), MediaType: postroom.SealText("image/png"),
			Size: int64(len(content)), Inline: true, ContentID: postroom.SealText(id), Verdict: postroom.AttachmentPassed}
		file.BlobKey = string(blob.ForAttachment(file.ID))
		must(t, a.Blobs.Put(t.Context(), blob.Key(file.BlobKey), postroom.SealBytes([]byte(content))))
		mail.Attachments = append(mail.Attachments, file)
	}
	contact := got(a.Ingest(t.Context(), mail))(t).Contact
	got(a.RouteContact(t.Context(), contact, "general", nil))(t)
	offer := a.Own(t, contact, "mina")
	got(a.CloseWithoutReply(t.Context(), testkit.Command("mina"), offer))(t)
	a.WrapUp(t, offer, "mina")
	return mail
}

// page asks for the HTML of a message.
func (d desk) page(t testing.TB, url string, id postroom.MessageID) (*http.Response, string) {
	t.Helper()
	return d.ask(t, url, asked{method: http.MethodGet, path: messageURL + string(id) + "/html"})
}

// R40: a mail is shown without scripts, without an origin, and loads nothing.
func TestHTMLOfAMailIsSanitisedAndHasAPolicyOfItsOwn(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	mail := formatted(t, a, `</div><p onclick=alert(1)>Hello</p><script>alert(1)</script><img src="https://t.example/p.gif">`+
		`<img src="cid:logo"><img src="cid:drawing"><img src="cid:nothing"><a href="https://a.example/">a</a>`, map[string]string{"logo": png, "drawing": svg})
	response, body := me.page(t, a.URL, mail.ID)
	const want = `<body><p>Hello</p><img data-src="https://t.example/p.gif"/><img data-cid="logo" src="data:image/png;base64,iVBORw0KGgogc21hbGw="/>` +
		`<img data-cid="drawing"/><img data-cid="nothing"/>` +
		`<a href="https://a.example/" rel="noopener noreferrer nofollow" target="_blank" title="a.example">a</a></body></html>`
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(body, "<!doctype html>") || !strings.HasSuffix(body, want) {
		t.Errorf("%s\n%s", response.Status, body)
	}
	for header, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; " +
			"style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'",
		"Cache-Control": "no-store", "Set-Cookie": "", "Referrer-Policy": "no-referrer"} {
		if got := strings.Join(response.Header.Values(header), "|"); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	contact := a.Text(t, "SELECT contact_id::text FROM message WHERE id = $1", mail.ID)
	view := got(me.contact.GetContact(soon(t), &contactv1.GetContactRequest{ContactId: contact}))(t).Contact
	if m := view.Messages[0]; !m.Formatted || !slices.Equal(m.Quoted, []int32{1, 3}) {
		t.Errorf("formatted %v, quoted %v", m.Formatted, m.Quoted)
	}
}

// What cannot be shown says so: there is always the text.
func TestHTMLThatCannotBeShownSaysWhy(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	me := as(t, a, "mina")
	for html, want := range map[string]string{
		"":                                  "404 not_found: this message has no HTML",
		strings.Repeat("<div>", 600) + "x":  "409 failed_precondition: the HTML of this mail cannot be made fit to show",
		strings.Repeat("x", 2<<20+1):        "409 failed_precondition: the HTML of this mail is too large to be shown",
		"<p>4111 1111 <o></o>1111 1111</p>": "404 not_found: the HTML of this message is not available", // as no scanner would have passed it
	} {
		response, body := me.page(t, a.URL, formatted(t, a, html, nil).ID)
		if got := response.Status[:3] + " " + strings.TrimSpace(body); got != want {
			t.Errorf("%.40q: %s, want %s", html, got, want)
		}
		if mediaType := response.Header.Get("Content-Type"); !strings.HasPrefix(mediaType, "text/plain") {
			t.Errorf("%.40q: %s", html, mediaType)
		}
	}
}

// Automatic mail is in no contact: nobody is shown it.
func TestHTMLOfScreenedMailIsUnknown(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	mail := a.Mail("robot@customer.example", "Out of office")
	mail.Automatic, mail.Showing.HTML = "auto-replied", postroom.SealText("<p>x</p>")
	got(a.Ingest(t.Context(), mail))(t)
	if response, body := as(t, a, "mina").page(t, a.URL, mail.ID); response.StatusCode != http.StatusNotFound {
		t.Errorf("%s %s", response.Status, body)
	}
}
