package devmail

import (
	"cmp"
	"embed"
	"errors"
	"html/template"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/postroom/postroom"
)

//go:embed page
var pageFiles embed.FS

var templates = template.Must(template.ParseFS(pageFiles, "page/page.html"))

// maxRequest bounds a request: the files in base64, and the rest (R16).
const maxRequest = maxFiles/3*4 + 2<<20

// The content security policies: no page runs a script, and a mail's HTML runs and loads nothing at all.
const (
	pagePolicy = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	mailPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)

type page struct{ server *Server }

// newPage returns the customer's page and the JSON interface behind their guards: the Host header is one of ours (DNS rebinding), and
// what changes something comes from this page or from a program, not from another site (R41).
func newPage(s *Server) http.Handler {
	p := &page{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /style.css", p.style)
	mux.HandleFunc("POST /send", p.send)
	mux.HandleFunc("POST /delete", p.delete)
	mux.HandleFunc("GET /mailbox", p.find)
	mux.HandleFunc("GET /mailbox/{address}", p.mailbox)
	mux.HandleFunc("GET /mailbox/{address}/{id}", p.message)
	mux.HandleFunc("GET /mailbox/{address}/{id}/html", p.html)
	mux.HandleFunc("GET /mailbox/{address}/{id}/raw", p.raw)
	mux.HandleFunc("GET /mailbox/{address}/{id}/file/{n}", p.file)
	mux.HandleFunc("GET /api/mailboxes", p.apiMailboxes)
	mux.HandleFunc("GET /api/mailboxes/{address}/messages", p.apiMessages)
	mux.HandleFunc("GET /api/mailboxes/{address}/messages/{id}/raw", p.raw)
	mux.HandleFunc("DELETE /api/mailboxes/{address}/messages", p.apiDelete)
	mux.HandleFunc("POST /api/send", p.apiSend)
	sameOrigin := http.NewCrossOriginProtection().Handler(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !s.ourHost(r.Host) {
			http.Error(w, "This name is not served here.", http.StatusMisdirectedRequest)
			return
		}
		if r.ContentLength > maxRequest {
			http.Error(w, "The request is too large.", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		sameOrigin.ServeHTTP(w, r)
	})
}

// ourHost reports whether a Host header names this server: localhost, a loopback address, or one of Options.Hosts; any port.
func (s *Server) ourHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsLoopback() {
		return true
	}
	return host == "localhost" || slices.ContainsFunc(s.options.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// view is what the templates show.
type pageView struct {
	Lang, Notice string

	// Of the home page: the form's contents and the lists.
	Sample, Reply, Name, From, To, Subject, Text string
	Samples                                      []sample
	Ours                                         []string
	Customers                                    []customer

	// Of a mailbox and a mail.
	Address  string
	Messages []*Message
	Message  *Message
}

// T returns the text called key in the page's language.
func (v pageView) T(key string) string { return word(v.Lang, key) }

func (p *page) show(w http.ResponseWriter, r *http.Request, status int, name string, v pageView) {
	v.Lang = language(w, r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Lang)
	w.WriteHeader(status)
	if err := templates.ExecuteTemplate(w, name, v); err != nil {
		p.server.logger.Debug("devmail: a page was not read to its end", "page", name)
	}
}

// notices are the texts that a redirect may ask for.
var notices = map[string]bool{"sent": true, "deleted": true}

func (p *page) home(w http.ResponseWriter, r *http.Request) {
	v := p.form()
	if notice := r.URL.Query().Get("notice"); notices[notice] {
		v.Notice = notice
	}
	if s := sampleOf(r.URL.Query().Get("sample")); s.Key != "" {
		from, _ := mail.ParseAddress(s.from)
		v.Sample, v.Name, v.From, v.Subject, v.Text = s.Key, from.Name, from.Address, s.subject, s.text
	}
	if address, id, ok := strings.Cut(r.URL.Query().Get("reply"), "/"); ok {
		m, err := p.server.message(address, id)
		if err != nil {
			p.missing(w, r)
			return
		}
		v.Reply, v.From = address+"/"+id, address
		v.To = addressesOf(first([]string{first(m.Headers["Reply-To"]), m.From}))
		v.Subject = m.Subject
		if !strings.HasPrefix(strings.ToLower(v.Subject), "re:") {
			v.Subject = "Re: " + v.Subject
		}
		v.Text = "\n\n> " + strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(m.Text, "\r\n", "\n")), "\n", "\n> ") + "\n"
	}
	p.show(w, r, http.StatusOK, "home", v)
}

// form is the home page with an empty form.
func (p *page) form() pageView {
	v := pageView{Samples: samples, Customers: p.server.customers()}
	for account := range p.server.passwords {
		v.Ours = append(v.Ours, account)
	}
	slices.Sort(v.Ours)
	v.To = first(v.Ours)
	return v
}

// addressesOf returns the bare addresses of a header field, separated by commas.
func addressesOf(field string) string {
	list, err := mail.ParseAddressList(field)
	if err != nil {
		return ""
	}
	var bare []string
	for _, a := range list {
		bare = append(bare, a.Address)
	}
	return strings.Join(bare, ", ")
}

func (p *page) style(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pageFiles, "page/style.css")
}

func (p *page) send(w http.ResponseWriter, r *http.Request) {
	l, err := p.readForm(r)
	if err == nil {
		_, err = p.server.Send(l)
	}
	if err == nil {
		http.Redirect(w, r, "/?notice=sent", http.StatusSeeOther)
		return
	}
	v := p.form()
	v.Sample, v.Reply, v.Name, v.From = r.PostFormValue("sample"), r.PostFormValue("reply"), r.PostFormValue("name"), r.PostFormValue("from")
	v.To, v.Subject, v.Text = r.PostFormValue("to"), r.PostFormValue("subject"), r.PostFormValue("text")
	status, notice := statusOf(err)
	v.Notice = notice
	p.show(w, r, status, "home", v)
}

// statusOf translates an error to HTTP, and to the text that the page shows.
func statusOf(err error) (status int, notice string) {
	switch {
	case postroom.ReasonOf(err) == postroom.ReasonTooLarge:
		return http.StatusRequestEntityTooLarge, "too_large"
	case postroom.KindOf(err) == postroom.KindInvalid:
		return http.StatusBadRequest, "malformed"
	case postroom.KindOf(err) == postroom.KindNotFound:
		return http.StatusNotFound, "missing"
	case postroom.KindOf(err) == postroom.KindForbidden:
		return http.StatusForbidden, "refused"
	case postroom.KindOf(err) == postroom.KindRefused:
		return http.StatusUnprocessableEntity, "refused"
	}
	return http.StatusServiceUnavailable, "failed"
}

// readForm reads the letter of a form: fields from, name, to, subject, text, reply, sample, and files called attachment.
func (p *page) readForm(r *http.Request) (Letter, error) {
	if err := r.ParseMultipartForm(maxRequest); err != nil {
		return Letter{}, unreadable(err)
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	from := strings.TrimSpace(r.PostFormValue("from"))
	if name := strings.TrimSpace(r.PostFormValue("name")); name != "" {
		from = (&mail.Address{Name: name, Address: from}).String()
	}
	s := sampleOf(r.PostFormValue("sample"))
	l := Letter{From: from, Subject: r.PostFormValue("subject"), Text: r.PostFormValue("text"), HTML: s.html, Headers: s.headers}
	for to := range strings.SplitSeq(r.PostFormValue("to"), ",") {
		if to = strings.TrimSpace(to); to != "" {
			l.To = append(l.To, to)
		}
	}
	if address, id, ok := strings.Cut(r.PostFormValue("reply"), "/"); ok {
		m, err := p.server.message(address, id)
		if err != nil {
			return Letter{}, err
		}
		l.InReplyTo, l.References = m.MessageID, m.References
	}
	for _, fh := range r.MultipartForm.File["attachment"] {
		f, err := readFile(fh)
		if err != nil {
			return Letter{}, unreadable(err)
		}
		if f.Name != "" || len(f.Content) > 0 {
			l.Attachments = append(l.Attachments, f)
		}
	}
	return l, nil
}

func readFile(fh *multipart.FileHeader) (File, error) {
	in, err := fh.Open()
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	content, err := io.ReadAll(in)
	return File{Name: fh.Filename, Type: fh.Header.Get("Content-Type"), Content: content}, err
}

// unreadable says why a request could not be read: too large, or malformed.
func unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, multipart.ErrMessageTooLarge) {
		return postroom.Invalid(postroom.ReasonTooLarge, "The request is too large")
	}
	return postroom.Invalid(postroom.ReasonMalformed, "The request could not be read")
}

// delete deletes what one customer received, or all of them; never what our own accounts received.
func (p *page) delete(w http.ResponseWriter, r *http.Request) {
	only, _ := accountOf(r.PostFormValue("address"))
	for _, c := range p.server.customers() {
		if only != "" && c.Address != only {
			continue
		}
		if err := p.server.Clear(c.Address); err != nil {
			p.show(w, r, http.StatusServiceUnavailable, "home", pageView{Notice: "failed", Samples: samples})
			return
		}
	}
	http.Redirect(w, r, "/?notice=deleted", http.StatusSeeOther)
}

func (p *page) find(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/mailbox/"+url.PathEscape(r.URL.Query().Get("address")), http.StatusSeeOther)
}

func (p *page) mailbox(w http.ResponseWriter, r *http.Request) {
	address := r.PathValue("address")
	p.show(w, r, http.StatusOK, "mailbox", pageView{Address: address, Messages: p.server.Messages(address, 100)})
}

func (p *page) message(w http.ResponseWriter, r *http.Request) {
	m, err := p.server.message(r.PathValue("address"), r.PathValue("id"))
	if err != nil {
		p.missing(w, r)
		return
	}
	p.show(w, r, http.StatusOK, "message", pageView{Address: r.PathValue("address"), Message: m})
}

func (p *page) missing(w http.ResponseWriter, r *http.Request) {
	v := p.form()
	v.Notice = "missing"
	p.show(w, r, http.StatusNotFound, "home", v)
}

// html shows the HTML of a mail, for the sandboxed frame: no script runs, nothing is loaded, no origin is shared.
func (p *page) html(w http.ResponseWriter, r *http.Request) {
	m, err := p.server.message(r.PathValue("address"), r.PathValue("id"))
	if err != nil {
		p.missing(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, m.HTML)
}

// raw sends a mail as it came.
func (p *page) raw(w http.ResponseWriter, r *http.Request) {
	m, err := p.server.find(r.PathValue("address"), r.PathValue("id"))
	var raw []byte
	if err == nil {
		raw, err = p.server.store.read(m.file)
	}
	if err != nil {
		http.Error(w, "There is no such mail.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(raw)
}

// file sends an attachment, always as a download.
func (p *page) file(w http.ResponseWriter, r *http.Request) {
	m, err := p.server.message(r.PathValue("address"), r.PathValue("id"))
	n, numErr := strconv.Atoi(r.PathValue("n"))
	if err != nil || numErr != nil || n < 0 || n >= len(m.Attachments) {
		p.missing(w, r)
		return
	}
	a := m.Attachments[n]
	w.Header().Set("Content-Security-Policy", mailPolicy)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", cmp.Or(mime.FormatMediaType("attachment", map[string]string{"filename": a.Name}), "attachment"))
	_, _ = w.Write(a.Content)
}

// find returns the mail called id in the inbox of address, or NotFound.
func (s *Server) find(address, id string) (mailFile, error) {
	account, _ := accountOf(address)
	uid, err := strconv.ParseUint(id, 10, 32)
	if err == nil && uid > 0 {
		mails, _ := s.store.arrived(account, uint32(uid)-1, math.MaxInt)
		if n := len(mails); n > 0 && mails[n-1].id == id {
			return mails[n-1], nil
		}
	}
	return mailFile{}, postroom.NotFound("unknown_mail", "There is no such mail")
}

// message reads the mail called id in the inbox of address.
func (s *Server) message(address, id string) (*Message, error) {
	m, err := s.find(address, id)
	if err != nil {
		return nil, err
	}
	message, err := s.store.open(m)
	if err != nil {
		return nil, postroom.NotFound("unknown_mail", "There is no such mail")
	}
	return message, nil
}
