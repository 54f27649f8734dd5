package devmail

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/postroom/postroom"
)

// maxWait is the longest that a request for new mail may wait.
const maxWait = 30 * time.Second

func (p *page) apiMailboxes(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, p.server.customers())
}

// apiMessages lists what an address received, newest first. Query: limit (default 50, at most 500); after=<id> for newer ones only;
// wait=<duration>, at most 30 s, waits until there is one.
func (p *page) apiMessages(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit <= 0 {
		limit = 50
	}
	after, _ := strconv.ParseUint(q.Get("after"), 10, 32)
	wait, _ := time.ParseDuration(q.Get("wait"))
	p.waitForMail(r, uint32(after), min(wait, maxWait))
	writeJSON(w, http.StatusOK, p.server.messages(r.PathValue("address"), uint32(after), min(limit, 500)))
}

// waitForMail returns when the address of the request has a mail after after, or when the wait is over.
func (p *page) waitForMail(r *http.Request, after uint32, wait time.Duration) {
	account, _ := accountOf(r.PathValue("address"))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		mails, changed := p.server.store.arrived(account, after, 1)
		if len(mails) > 0 {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-r.Context().Done():
			return
		case <-p.server.stopping:
			return
		}
	}
}

// apiDelete deletes what a customer received; what our own accounts received is theirs to delete, by IMAP.
func (p *page) apiDelete(w http.ResponseWriter, r *http.Request) {
	account, _ := accountOf(r.PathValue("address"))
	if _, ours := p.server.passwords[account]; ours {
		writeError(w, postroom.Forbidden("This is no customer's address"))
		return
	}
	if err := p.server.Clear(r.PathValue("address")); err != nil {
		writeError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// apiSend sends a letter: JSON ([Letter]), or a form with the fields of the page. It answers {"messageId": …}.
func (p *page) apiSend(w http.ResponseWriter, r *http.Request) {
	l, err := p.readLetter(r)
	var id string
	if err == nil {
		id, err = p.server.Send(l)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"messageId": id})
}

func (p *page) readLetter(r *http.Request) (Letter, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" {
		return p.readForm(r)
	}
	var l Letter
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return Letter{}, unreadable(err)
	}
	return l, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func writeError(w http.ResponseWriter, err error) {
	status, notice := statusOf(err)
	writeJSON(w, status, map[string]any{"error": map[string]any{"reason": postroom.ReasonOf(err), "message": word("en", notice)}})
}
