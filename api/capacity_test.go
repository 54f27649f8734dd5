package api_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
)

// R2: with email capacity 0, accept, reply and close are refused by the API, not only hidden; what was accepted before stays workable; the
// desktop is told, so that it shows no Email tab.
func TestWithoutEmailCapacityAcceptReplyAndCloseAreRefused(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss, mina := as(t, a, "admin"), as(t, a, "mina")
	a.SignIn(t, "mina")
	owned := a.Own(t, a.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	offered := a.Claim(t, a.Arrive(t, "lee@customer.example", "Parcel"), "mina")
	capacity := func() int32 {
		return got(mina.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t).State.Capacity["email"]
	}
	if n := capacity(); n != 2 {
		t.Errorf("the desktop is told of capacity %d", n)
	}
	document := exported(t, boss).Document
	got(applied(t, boss, strings.Replace(document, "    team: front\n    may_force_states: false\n  - key: sora", "    team: front\n    profile: none\n    may_force_states: false\n  - key: sora", 1)))(t)
	if n := capacity(); n != 0 {
		t.Fatalf("the desktop is told of capacity %d:\n%s", n, exported(t, boss).Document)
	}
	for name, offer := range map[string]string{"what was offered": string(offered), "anything": newID()} {
		_, err := mina.contact.AcceptOffer(soon(t), &contactv1.AcceptOfferRequest{RequestId: newID(), OfferId: offer})
		mustRefuse(t, "accept "+name, err, connect.CodeFailedPrecondition, postroom.ReasonNoCapacity)
		_, err = mina.contact.QuickReply(soon(t), &contactv1.QuickReplyRequest{RequestId: newID(), OfferId: offer, Text: "Hello"})
		mustRefuse(t, "reply to "+name, err, connect.CodeFailedPrecondition, postroom.ReasonNoCapacity)
		_, err = mina.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: offer})
		mustRefuse(t, "close "+name, err, connect.CodeFailedPrecondition, postroom.ReasonNoCapacity)
	}
	_, err := mina.contact.SaveDraft(soon(t), &contactv1.SaveDraftRequest{RequestId: newID(), OfferId: string(owned), Text: "Dear customer"})
	if err != nil {
		t.Errorf("what she accepted is not workable: %v", err)
	}
	_, err = mina.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: string(owned)})
	if r := refusalOf(err); r.reason == postroom.ReasonNoCapacity || r.code == connect.CodeNotFound {
		t.Errorf("what she accepted cannot be closed: %v", err)
	}
}
