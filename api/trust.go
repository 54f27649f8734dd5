package api

import (
	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
)

// senderMarks are what people should know about the writer of a mail (R48), the gravest first.
func senderMarks(m store.MessageView) []contactv1.SenderMark {
	if m.Direction != postroom.Inbound || m.Standing == store.StandingReport {
		return nil
	}
	var marks []contactv1.SenderMark
	switch {
	case m.Standing == store.StandingSpoofed:
		marks = append(marks, contactv1.SenderMark_SENDER_MARK_SPOOFED)
	case m.Identity == store.IdentityRefuted:
		marks = append(marks, contactv1.SenderMark_SENDER_MARK_REFUTED)
	case m.Identity == store.IdentityProved:
		marks = append(marks, contactv1.SenderMark_SENDER_MARK_PROVED)
	}
	if m.Standing == store.StandingUnverified {
		marks = append(marks, contactv1.SenderMark_SENDER_MARK_OUTSIDER)
	}
	if m.Elsewhere {
		marks = append(marks, contactv1.SenderMark_SENDER_MARK_REPLY_ELSEWHERE)
	}
	return marks
}
