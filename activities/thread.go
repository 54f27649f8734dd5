package activities

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/keyring"
	"github.com/postroom/postroom/internal/store"
)

// maxReplies bounds the Message-IDs of ours that are looked at in one mail.
const maxReplies = 50

// evidence is what of a mail leads into a thread: what our keys made, verified here, and what Outlook says (R22).
func (r *reader) evidence(m email.Mail) store.Evidence {
	e := store.Evidence{ThreadIndex: threadIndex(m.Field("Thread-Index"))}
	for _, address := range deliveredTo(m) {
		if plus := r.keys.OpenPlus(r.mailbox, address); plus.Thread != "" && !slices.Contains(e.Threads, plus.Thread) {
			e.Threads = append(e.Threads, plus.Thread)
		}
	}
	ids := slices.Clone(m.InReplyTo)
	for _, id := range slices.Backward(m.References) {
		ids = append(ids, id)
	}
	for _, id := range ids[:min(len(ids), maxReplies)] {
		if reply, ok := r.ours(id); ok && !slices.Contains(e.Replies, reply) {
			e.Replies = append(e.Replies, reply)
		}
	}
	return e
}

// threadIndex is what all mails of a conversation have in common in Outlook's Thread-Index: 22 bytes, a moment and a GUID ([MS-OXOMSG] 2.2.1.3).
func threadIndex(field string) string {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(field), ""))
	if err != nil || len(raw) < 22 {
		return ""
	}
	return hex.EncodeToString(raw[:22])
}

// logical are digests of what is the same in a mail that came by two ways: its Message-ID alone would let an outsider who sends it first
// suppress the real one.
func (w *watch) logical(m email.Mail) [][]byte {
	if m.MessageID == "" || len(m.From) == 0 {
		return nil
	}
	return w.Keys.MACs(keyring.Digests, []byte("logical"), []byte(m.MessageID), []byte(m.Date.UTC().Format(time.RFC3339)), []byte(strings.ToLower(m.From[0].Address)),
		[]byte(m.Subject), []byte(m.Text), []byte(m.HTML))
}
