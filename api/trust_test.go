package api

import (
	"slices"
	"testing"

	"github.com/postroom/postroom"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	"github.com/postroom/postroom/internal/store"
)

// R48: what is shown beside the sender of a mail; of our own mail and of reports nothing.
func TestSenderMarksSayWhatIsKnown(t *testing.T) {
	t.Parallel()
	const (
		proved    = contactv1.SenderMark_SENDER_MARK_PROVED
		refuted   = contactv1.SenderMark_SENDER_MARK_REFUTED
		spoofed   = contactv1.SenderMark_SENDER_MARK_SPOOFED
		outsider  = contactv1.SenderMark_SENDER_MARK_OUTSIDER
		elsewhere = contactv1.SenderMark_SENDER_MARK_REPLY_ELSEWHERE
	)
	for name, c := range map[string]struct {
		m    store.MessageView
		want []contactv1.SenderMark
	}{
		"nothing is known":           {store.MessageView{}, nil},
		"proved":                     {store.MessageView{Identity: store.IdentityProved}, []contactv1.SenderMark{proved}},
		"refuted":                    {store.MessageView{Identity: store.IdentityRefuted, Elsewhere: true}, []contactv1.SenderMark{refuted, elsewhere}},
		"spoofed":                    {store.MessageView{Identity: store.IdentityRefuted, Standing: store.StandingSpoofed}, []contactv1.SenderMark{spoofed}},
		"an outsider, who is proved": {store.MessageView{Identity: store.IdentityProved, Standing: store.StandingUnverified}, []contactv1.SenderMark{proved, outsider}},
		"a report":                   {store.MessageView{Identity: store.IdentityRefuted, Standing: store.StandingReport}, nil},
		"our own":                    {store.MessageView{Direction: postroom.Outbound, Elsewhere: true}, nil},
	} {
		if c.m.Direction == "" {
			c.m.Direction = postroom.Inbound
		}
		if got := senderMarks(c.m); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
