package testkit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
)

// Own offers a contact to an agent, who accepts it.
func (c *Centre) Own(t testing.TB, contact postroom.ContactID, agent postroom.AgentID) postroom.OfferID {
	t.Helper()
	offer := c.Claim(t, contact, agent)
	if err := c.OfferShown(t.Context(), agent, offer); err != nil {
		t.Fatalf("show: %v", err)
	}
	if _, err := c.AcceptOffer(t.Context(), Command(agent), offer); err != nil {
		t.Fatalf("accept: %v", err)
	}
	return offer
}

// Render writes a draft on an owned contact and returns a reply that is made from it, with a Message-ID of its own.
func (c *Centre) Render(t testing.TB, offer postroom.OfferID, agent postroom.AgentID) store.Reply {
	t.Helper()
	source, err := c.ReplySource(t.Context(), offer, "")
	if err != nil {
		t.Fatalf("reply source: %v", err)
	}
	draft, err := c.SaveDraft(t.Context(), Command(agent), store.DraftSave{Offer: offer, Base: source.Version,
		Body: postroom.SealText("It is on its way.")})
	if err != nil {
		t.Fatalf("draft: %v", err)
	}
	id := postroom.OutboxID(NewID())
	return store.Reply{Outbox: id, Message: postroom.MessageID(NewID()), Mailbox: source.Mailbox,
		DraftVersion: draft.Version, From: postroom.Address{Address: postroom.SealText(source.From)},
		Recipients: []store.Recipient{{Field: "to", Address: postroom.Address{Address: postroom.SealText(source.To)}}}, Subject: postroom.SealText("Re: " + source.Subject),
		Body: postroom.SealText(draft.Body), MessageID: string(id) + "@shop.example", EnvelopeFrom: source.From,
		BlobKey: NewID(), Size: 10}
}

// Reply answers an owned contact, which is then in wrap-up, and returns the Message-ID of the answer.
func (c *Centre) Reply(t testing.TB, offer postroom.OfferID, agent postroom.AgentID) (messageID string) {
	t.Helper()
	reply := c.Render(t, offer, agent)
	if _, err := c.QueueReply(t.Context(), Command(agent), offer, reply); err != nil {
		t.Fatalf("reply: %v", err)
	}
	return reply.MessageID
}

// WrapUp completes a contact in wrap-up.
func (c *Centre) WrapUp(t testing.TB, offer postroom.OfferID, agent postroom.AgentID) postroom.ContactSnapshot {
	t.Helper()
	done, err := c.CompleteWrapUp(t.Context(), Command(agent), offer, postroom.WrapUp{Code: "solved"})
	if err != nil {
		t.Fatalf("wrap up: %v", err)
	}
	return done
}

// Transfer passes an owned contact on.
func (c *Centre) Transfer(t testing.TB, offer postroom.OfferID, agent postroom.AgentID, to store.Transfer) postroom.ContactSnapshot {
	t.Helper()
	now, err := c.TransferContact(t.Context(), Command(agent), offer, to)
	if err != nil {
		t.Fatalf("transfer: %v", err)
	}
	return now
}

// Park puts an owned contact aside; the zero time is until the customer writes.
func (c *Centre) Park(t testing.TB, offer postroom.OfferID, agent postroom.AgentID, until time.Time) postroom.ContactSnapshot {
	t.Helper()
	now, err := c.ParkContact(t.Context(), Command(agent), offer, until)
	if err != nil {
		t.Fatalf("park: %v", err)
	}
	return now
}

// FollowUp is a mail of a customer that answers the one of that Message-ID: one of ours, by Render or by the key ring, which proves where it
// belongs; any other only suggests it.
func (c *Centre) FollowUp(from, messageID string) store.Arrived {
	mail := c.Mail(from, "Re: and another thing")
	mail.InReplyTo = postroom.SealText(messageID)
	local, domain, _ := strings.Cut(messageID, "@")
	if parts := strings.Split(local, "."); len(parts) == 3 {
		local = parts[1]
	}
	if domain == "shop.example" && uuid.Validate(local) == nil {
		mail.Evidence.Replies = []postroom.OutboxID{postroom.OutboxID(local)}
	}
	return mail
}

// Hire adds n agents to the front desk, who may hold capacity emails each.
func (c *Centre) Hire(t testing.TB, n, capacity int) []postroom.AgentID {
	t.Helper()
	configuration, _, err := c.Configuration(t.Context())
	if err != nil {
		t.Fatalf("read the configuration: %v", err)
	}
	profile := postroom.MultimediaProfile{ID: postroom.ProfileID(fmt.Sprintf("holds-%d", capacity)), Name: "Hired",
		Capacity: map[postroom.Channel]int{postroom.ChannelEmail: capacity}}
	if !slices.ContainsFunc(configuration.Profiles, func(p postroom.MultimediaProfile) bool { return p.ID == profile.ID }) {
		configuration.Profiles = append(configuration.Profiles, profile)
	}
	hired := make([]postroom.AgentID, n)
	for i := range hired {
		hired[i] = postroom.AgentID(fmt.Sprintf("agent-%d", len(configuration.Agents)+1))
		configuration.Agents = append(configuration.Agents, postroom.Agent{ID: hired[i], Name: string(hired[i]),
			Email: string(hired[i]) + "@shop.example", Role: postroom.RoleAgent, Team: "front", Profile: profile.ID})
	}
	if _, err := c.Apply(t.Context(), postroom.Command{}, postroom.System("test"), configuration, postroom.SealText("hired")); err != nil {
		t.Fatalf("hire: %v", err)
	}
	return hired
}
