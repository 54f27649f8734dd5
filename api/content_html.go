package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/pci"
	"github.com/postroom/postroom/internal/sanitise"
	"github.com/postroom/postroom/internal/store"
)

// messageContent is the table's name for GET /content/messages/ID/html.
const messageContent = "/content/messages/"

// Limits of the HTML of mails.
const (
	showingTime   = 3 * time.Second // for making one fit to show
	shownAtOnce   = 2               // by one process: 2 MB of HTML take half a second of a core, and some 50 MB
	maxPicture    = pci.MaxInlineImage
	maxAllOfThem  = 2 << 20 // bytes of all pictures of one mail
	framingPolicy = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; " +
		"form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

// What a mail is shown in: a white page, with the hosts of links that lie, and places for images that are not loaded. The first is always
// there, so that it is what an empty mail shows, too.
const (
	pageHead = `<!doctype html><html><head><title>Mail</title><style>` +
		`body{margin:12px;background:#fff;color:#1a1a1a;font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere;color-scheme:light}` +
		`img{max-width:100%;height:auto}img:not([src]){display:inline-block;min-width:12px;min-height:12px;border:1px dashed #6b6b6b;color:#595959;font-size:12px}` +
		`a[data-host]::after{content:" [" attr(data-host) "]";color:#a61b1b!important;font:bold 12px/1.5 monospace!important;letter-spacing:0!important}` +
		`blockquote{margin:0 0 0 8px;padding-left:8px;border-left:2px solid #c8c8c8}` +
		`</style></head><body>`
	pageFoot = `</body></html>`
)

// messageHTML serves the HTML of a mail, made fit to show, for a frame without scripts. It has a policy of its own, and no origin: not even a
// defect of the sanitiser lets it read, load or send anything, or tell that it was looked at.
func (s *Server) messageHTML(w http.ResponseWriter, r *http.Request) {
	id := postroom.MessageID(r.PathValue("id"))
	ctx, err := s.guard.admit(r.Context(), messageContent, r.Header, id)
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	page, err := s.shown(ctx, id)
	if err != nil {
		s.contentError(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", framingPolicy)
	_, _ = w.Write([]byte(pageHead + page + pageFoot))
}

// shown reads the HTML of a mail, makes it fit to show, and looks once more for card data: without what is left out of it, digits may stand
// together that did not.
func (s *Server) shown(ctx context.Context, id postroom.MessageID) (string, error) {
	found, err := s.Store.Formatted(ctx, id)
	if err != nil {
		return "", err
	}
	if found.Source == "" {
		return "", postroom.NotFound("no_html", "this message has no HTML")
	}
	images, err := s.Store.InlineImages(ctx, id)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, showingTime)
	defer cancel()
	select {
	case s.showing <- struct{}{}:
		defer func() { <-s.showing }()
	case <-ctx.Done():
		return "", postroom.Unavailable("busy", "too many messages are being made fit to show", ctx.Err())
	}
	bare, err := sanitise.HTML(ctx, found.Source, sanitise.None)
	if err != nil {
		return "", err
	}
	if _, findings := s.Scanner.HTML(bare.HTML); len(findings) > 0 {
		return "", postroom.NotFound("message_withheld", "the HTML of this message is not available")
	}
	if len(images) == 0 {
		return bare.HTML, nil
	}
	p := pictures{ctx: ctx, server: s, images: images, known: map[string]string{}}
	page, err := sanitise.HTML(ctx, bare.HTML, p.address)
	return page.HTML, err
}

// pictures puts the images of a mail into its page: a page without an origin has no session to fetch them with. The scanner lets only small
// ones pass (R29).
type pictures struct {
	ctx    context.Context
	server *Server
	images []store.InlineImage
	known  map[string]string
	size   int64
}

// shownKinds are the kinds of picture that are shown, as their content says; SVG is a program.
var shownKinds = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// address is the picture of a Content-ID as a data: address, "" if it is not to be shown.
func (p *pictures) address(contentID string) string {
	if address, known := p.known[contentID]; known {
		return address
	}
	address := p.read(contentID)
	p.known[contentID] = address
	return address
}

func (p *pictures) read(contentID string) string {
	i := slices.IndexFunc(p.images, func(image store.InlineImage) bool { return image.ContentID == contentID })
	if i < 0 || p.images[i].Size > maxPicture || p.size+p.images[i].Size > maxAllOfThem {
		return ""
	}
	if p.server.malwareFree(p.ctx, p.images[i].BlobKey, p.images[i].Malware) != nil {
		return ""
	}
	content, err := p.server.Blobs.Read(p.ctx, blob.Key(p.images[i].BlobKey), p.images[i].Size)
	if err != nil {
		return "" // the text around it is worth more than the picture
	}
	p.size += p.images[i].Size
	kind := http.DetectContentType(content)
	if !slices.Contains(shownKinds, kind) {
		return ""
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(content)
}
