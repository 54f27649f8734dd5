package activities

import (
	"maps"
	"sync"

	"github.com/postroom/postroom"
)

// MailHealth is what is known of each mailbox's servers: nil if the last contact went well. It is safe for use by many goroutines.
type MailHealth struct {
	mu     sync.Mutex
	states map[string]error
}

// Set records how the last contact with a mailbox's server went, and reports whether that is news: it was well and is not, or the
// other way round. A server may be away for hours, and is tried again all the time.
func (h *MailHealth) Set(mailbox postroom.MailboxID, err error) (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.states == nil {
		h.states = map[string]error{}
	}
	before := h.states[string(mailbox)]
	h.states[string(mailbox)] = err
	return (before == nil) != (err == nil)
}

// Forget drops a mailbox that is not watched any more.
func (h *MailHealth) Forget(mailbox postroom.MailboxID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.states, string(mailbox))
}

// States returns what is known, by mailbox.
func (h *MailHealth) States() map[string]error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.states)
}
