package testkit

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
)

// Sample is a small contact centre: one mailbox, the queue "general" with RONA time rona, a team of agents "mina", "jiwoo" and "tom" who may
// hold two emails each, the supervisor "sora" of that team, and the administrator "admin".
func Sample(rona time.Duration) postroom.Configuration {
	server := postroom.MailServer{Host: "127.0.0.1", Port: 1, TLS: postroom.TLSNone, Username: "support@shop.example", Secret: "mailbox-support"}
	agent := func(id, name string, role postroom.Role) postroom.Agent {
		return postroom.Agent{ID: postroom.AgentID(id), Name: name, Email: id + "@shop.example", Role: role, Team: "front"}
	}
	c := postroom.Configuration{
		Profiles: []postroom.MultimediaProfile{
			{ID: "none", Name: "Nothing", Capacity: map[postroom.Channel]int{}},
			{ID: "standard", Name: "Standard", Capacity: map[postroom.Channel]int{postroom.ChannelEmail: 2}},
		},
		Teams: []postroom.Team{{ID: "front", Name: postroom.Name{English: "Front desk", Korean: "창구"}, Profile: "standard"}},
		Agents: []postroom.Agent{
			agent("admin", "Ada Admin", postroom.RoleAdministrator), agent("jiwoo", "박지우", postroom.RoleAgent),
			agent("mina", "김미나", postroom.RoleAgent), agent("sora", "이소라", postroom.RoleSupervisor), agent("tom", "Tom Reed", postroom.RoleAgent),
		},
		IdleCodes: []postroom.IdleCodeEntry{{Code: "lunch", Name: postroom.Name{English: "Lunch", Korean: "점심"}}},
		WrapUpCodes: []postroom.WrapUpCodeEntry{
			{Code: "solved", Name: postroom.Name{English: "Solved", Korean: "해결"}},
			{Code: "other", Name: postroom.Name{English: "Other"}, NoteRequired: true},
		},
		Mailboxes: []postroom.Mailbox{{ID: "support", Address: "support@shop.example", Name: "Shop Support", Folder: "INBOX", IMAP: server,
			SMTP: server, OnFinding: postroom.OriginalKeep}},
		Queues: []postroom.Queue{{ID: "general", Name: postroom.Name{English: "General", Korean: "일반"}, Channel: postroom.ChannelEmail,
			Mailbox: "support", Teams: []postroom.TeamID{"front"}, RONATime: rona, WrapUpCodes: []postroom.WrapUpCode{"solved", "other"}}},
		EntryPoints: []postroom.EntryPoint{{Address: "support@shop.example", Mailbox: "support", Queue: "general"}},
	}
	for i, a := range c.Agents {
		if a.Role == postroom.RoleAdministrator {
			c.Agents[i].Profile = "none"
		}
	}
	return c
}

// Centre is a store with the sample contact centre in it.
type Centre struct {
	*store.Store
	Database
	uid uint32
}

// NewCentre makes a schema with the sample contact centre.
func NewCentre(t testing.TB, rona time.Duration, o store.Options) *Centre {
	t.Helper()
	d := NewDatabase(t)
	c := &Centre{Store: d.Open(t, o), Database: d}
	if _, err := c.Apply(t.Context(), postroom.Command{}, postroom.System("test"), Sample(rona), postroom.SealText("sample")); err != nil {
		t.Fatalf("apply the sample: %v", err)
	}
	return c
}

// Mail is a small mail of a customer, scanned, with a UID of its own.
func (c *Centre) Mail(from, subject string) store.Arrived {
	c.uid++
	return store.Arrived{
		Source: store.Source{Mailbox: "support", Folder: "INBOX", UIDValidity: 1, UID: c.uid, Size: 100, Digest: []byte(uuid.NewString())},
		ID:     postroom.MessageID(NewID()), From: postroom.Address{Name: postroom.SealText("Customer"), Address: postroom.SealText(from)},
		Recipients: []store.Recipient{{Field: "to", Address: postroom.Address{Address: postroom.SealText("support@shop.example")}}},
		Subject:    postroom.SealText(subject), Body: postroom.SealText("Hello, where is my parcel?"),
		MessageID: postroom.SealText(fmt.Sprintf("%s@customer.example", uuid.NewString())), Pending: "mark",
	}
}

// Arrive ingests a mail, which must open a contact, and routes it to the queue "general".
func (c *Centre) Arrive(t testing.TB, from, subject string) postroom.ContactID {
	t.Helper()
	got, err := c.Ingest(t.Context(), c.Mail(from, subject))
	if err != nil || got.Arrival != postroom.ArrivalOpened {
		t.Fatalf("ingest: %+v, %v", got, err)
	}
	if _, err := c.RouteContact(t.Context(), got.Contact, "general", map[string]string{"why": "test"}); err != nil {
		t.Fatalf("route: %v", err)
	}
	return got.Contact
}

// SignIn makes an agent Available with a fresh lease.
func (c *Centre) SignIn(t testing.TB, agent postroom.AgentID) {
	t.Helper()
	if err := c.OpenSession(t.Context(), []byte(fmt.Sprintf("%-32.32s", uuid.NewString())), agent); err != nil {
		t.Fatalf("sign in: %v", err)
	}
	c.Choose(t, agent, postroom.AgentAvailable, "")
}

// Choose sets an agent's state as his own click on what he sees now would.
func (c *Centre) Choose(t testing.TB, agent postroom.AgentID, to postroom.AgentState, code postroom.IdleCode) []store.Withdrawn {
	t.Helper()
	now, err := c.AgentStatus(t.Context(), agent)
	if err != nil {
		t.Fatalf("read the state of %s: %v", agent, err)
	}
	_, withdrawn, err := c.SetAgentState(t.Context(), Command(agent), store.AgentChange{Agent: agent, To: to, Code: code, Seen: now.Version})
	if err != nil {
		t.Fatalf("%s chooses %s: %v", agent, to, err)
	}
	return withdrawn
}

// Claim offers a contact to an agent, who must be able to take it, and returns the offer.
func (c *Centre) Claim(t testing.TB, contact postroom.ContactID, agent postroom.AgentID) postroom.OfferID {
	t.Helper()
	now, lost, err := c.ClaimOffer(t.Context(), store.Claim{Contact: contact, Agent: agent, Reason: map[string]string{"rule": "test"}, By: postroom.System("test")})
	if err != nil || lost != store.LostNothing {
		t.Fatalf("claim: lost %q, %v", lost, err)
	}
	return now.Offer
}

// Command is a request of an agent with an id of its own.
func Command(agent postroom.AgentID) postroom.Command {
	return postroom.Command{Actor: agent, RequestID: uuid.NewString(), RPC: "test", BodyHash: []byte("hash")}
}

// NewID makes an id of a row.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
