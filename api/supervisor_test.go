package api_test

import (
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/postroom/postroom"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	authv1 "github.com/postroom/postroom/internal/gen/postroom/auth/v1"
	contactv1 "github.com/postroom/postroom/internal/gen/postroom/contact/v1"
	supervisorv1 "github.com/postroom/postroom/internal/gen/postroom/supervisor/v1"
	"github.com/postroom/postroom/internal/testkit"
)

func versionOf(t testing.TB, a *testkit.API, contact postroom.ContactID) int64 {
	t.Helper()
	return got(a.LoadContact(t.Context(), contact))(t).Version
}

// forcers lets sora force the states of her agents.
func forcers(t testing.TB, a *testkit.API) {
	t.Helper()
	a.Exec(t, "UPDATE agent SET may_force_states = true WHERE id = 'sora'")
}

// R33: what a supervisor does through the API is carried out, told to the workflow, and has one effect however often it is sent.
func TestASupervisorTakesContactsInHandAndTheirWorkflowsFollow(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	contact := a.Begin(t, "kim@customer.example", "Parcel")
	offer := a.AwaitOffer(t, "mina", contact)
	sora := as(t, a, "sora")
	a.SignIn(t, "tom")
	seen := versionOf(t, a, contact)
	mutation{"AssignContact", `SELECT count(*) FROM contact_event WHERE event = 'assigned'`,
		try(sora.lead.AssignContact, &supervisorv1.AssignContactRequest{ContactId: string(contact), SeenVersion: seen, Agent: "tom"}),
		try(sora.lead.AssignContact, &supervisorv1.AssignContactRequest{ContactId: string(contact), SeenVersion: seen, Agent: "mina"})}.once(t, a)
	if state := a.Text(t, "SELECT concat_ws(' ', state, end_cause) FROM offer WHERE id = $1", offer); state != "withdrawn supervisor" {
		t.Errorf("mina's offer is %s", state)
	}
	tom := as(t, a, "tom")
	cards := got(tom.contact.ListActiveContacts(soon(t), &contactv1.ListActiveContactsRequest{}))(t).Contacts
	if len(cards) != 1 || cards[0].State != contactv1.OfferState_OFFER_STATE_ACCEPTED {
		t.Fatalf("tom's list is %v", cards)
	}
	a.AwaitTold(t, contact)
	got(tom.contact.CloseContact(soon(t), &contactv1.CloseContactRequest{RequestId: newID(), OfferId: cards[0].OfferId}))(t) // its workflow knows the owner

	a.Choose(t, "mina", postroom.AgentIdle, "lunch")
	a.Choose(t, "tom", postroom.AgentIdle, "lunch")
	seen = versionOf(t, a, contact)
	mutation{"UnstickContact", `SELECT count(*) FROM contact_event WHERE event = 'unstuck'`,
		try(sora.lead.UnstickContact, &supervisorv1.UnstickContactRequest{ContactId: string(contact), SeenVersion: seen}),
		try(sora.lead.UnstickContact, &supervisorv1.UnstickContactRequest{ContactId: string(contact), SeenVersion: seen, Queue: "general"})}.once(t, a)
	nine := int32(9)
	answer := got(sora.lead.ReprioritiseContact(soon(t), &supervisorv1.ReprioritiseContactRequest{RequestId: newID(), ContactId: string(contact),
		SeenVersion: versionOf(t, a, contact), Priority: &nine}))(t)
	if answer.Phase != contactv1.Phase_PHASE_WAITING {
		t.Errorf("it is %v", answer)
	}
	_, err := sora.lead.RequeueContact(soon(t), &supervisorv1.RequeueContactRequest{RequestId: newID(), ContactId: string(contact), SeenVersion: answer.Version - 1})
	mustRefuse(t, "on an older version", err, connect.CodeAborted, postroom.ReasonContactMoved)
	_, err = sora.lead.MoveContact(soon(t), &supervisorv1.MoveContactRequest{RequestId: newID(), ContactId: string(contact), SeenVersion: answer.Version, Queue: "nowhere"})
	mustRefuse(t, "to nowhere", err, connect.CodeInvalidArgument, postroom.ReasonUnknownQueue)

	closed := got(sora.lead.CloseContacts(soon(t), &supervisorv1.CloseContactsRequest{RequestId: newID(), Code: "other", Note: "Spam of " + card,
		Contacts: []*supervisorv1.SeenContact{{ContactId: string(contact), Version: answer.Version}, {ContactId: newID(), Version: 1}, {ContactId: "x"}}}))(t)
	if says := fmt.Sprint(closed.Contacts[0].Reason, "|", closed.Contacts[1].Reason, "|", closed.Contacts[2].Reason); says != "|unknown_contact|malformed" {
		t.Errorf("closing says %s", says)
	}
	if tables := tablesWith(t, a, card); tables != "" {
		t.Errorf("the card number of the note is in %s", tables)
	}
	if result := a.AwaitEnd(t, contact); result.Phase != postroom.ContactDone {
		t.Errorf("its workflow ended with %+v", result)
	}
	a.MustHold(t)
}

// R33: an agent picks from a queue that allows it; where it is not allowed he is told why.
func TestAnAgentPicksAWaitingContact(t *testing.T) {
	t.Parallel()
	a := working(t, time.Hour)
	a.SignIn(t, "mina")
	a.Choose(t, "mina", postroom.AgentIdle, "lunch")
	contact := a.Begin(t, "kim@customer.example", "Parcel")
	a.AwaitPhase(t, contact, postroom.ContactWaiting)
	mina := as(t, a, "mina")
	pick := func() (*contactv1.PickContactResponse, error) {
		return mina.contact.PickContact(soon(t), &contactv1.PickContactRequest{RequestId: newID(), ContactId: string(contact), SeenVersion: versionOf(t, a, contact)})
	}
	_, err := pick()
	mustRefuse(t, "where contacts are offered only", err, connect.CodeFailedPrecondition, postroom.ReasonPickNotAllowed)
	a.Exec(t, `UPDATE queue SET rules = rules || '{"manual_pick": true}'`)
	picked := got(pick())(t)
	if picked.Contact.Phase != contactv1.Phase_PHASE_OWNED || picked.Contact.Agent != "mina" || len(picked.Contact.Messages) != 1 {
		t.Errorf("picked: %v", picked.Contact)
	}
	a.MustHold(t)
}

// R33: forcing a state is a permission, off by default; a forced sign-out takes everything and ends the sessions.
func TestForcingAStateIsAPermission(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.SignIn(t, "mina")
	mina, sora := as(t, a, "mina"), as(t, a, "sora")
	force := func(d desk, state agentv1.State, code string) error {
		now := got(a.AgentStatus(t.Context(), "mina"))(t)
		_, err := d.lead.ForceAgentState(soon(t), &supervisorv1.ForceAgentStateRequest{RequestId: newID(), Agent: "mina", State: state, IdleCode: code, SeenVersion: now.Version})
		return err
	}
	mustRefuse(t, "without the permission", force(sora, agentv1.State_STATE_IDLE, "lunch"), connect.CodePermissionDenied, postroom.ReasonForbidden)
	must(t, force(as(t, a, "admin"), agentv1.State_STATE_IDLE, "lunch"))
	forcers(t, a)
	must(t, force(sora, agentv1.State_STATE_AVAILABLE, ""))
	mustRefuse(t, "RONA", force(sora, agentv1.State_STATE_RONA, ""), connect.CodeInvalidArgument, postroom.ReasonMalformed)
	must(t, force(sora, agentv1.State_STATE_LOGGED_OUT, ""))
	_, err := mina.agent.GetState(soon(t), &agentv1.GetStateRequest{})
	mustRefuse(t, "after the forced sign-out", err, connect.CodeUnauthenticated, postroom.ReasonSessionEnded)
	a.MustHold(t)
}

// R12: the refusal to sign out lists the contacts that are still held.
func TestTheRefusalToSignOutListsTheContacts(t *testing.T) {
	t.Parallel()
	a := offline(t)
	mina := as(t, a, "mina")
	a.Choose(t, "mina", postroom.AgentAvailable, "")
	contact := a.Arrive(t, "kim@customer.example", "Parcel")
	a.Own(t, contact, "mina")
	_, err := mina.auth.SignOut(soon(t), &authv1.SignOutRequest{})
	mustRefuse(t, "sign out", err, connect.CodeFailedPrecondition, postroom.ReasonWorkInHand)
	if detail := detailOf(err); len(detail.GetContacts()) != 1 || detail.GetContacts()[0] != string(contact) {
		t.Errorf("the refusal lists %v", detail)
	}
}

// R33, R40: a supervisor sees the backlog of the queues and the agents of her team, by page; an administrator all.
func TestSupervisorsSeeTheirTeamsAndAdministratorsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.API.Serve(t)
	sora, admin := as(t, a, "sora"), as(t, a, "admin")
	mine := got(sora.lead.ListBacklog(soon(t), &supervisorv1.ListBacklogRequest{PageSize: 100}))(t)
	all := got(admin.lead.ListBacklog(soon(t), &supervisorv1.ListBacklogRequest{PageSize: 100}))(t)
	if len(mine.Queues) != 1 || mine.Queues[0].Queue != "general" || len(mine.Queues[0].ByAge) != 6 || mine.Queues[0].ByAge[5].Below != nil || len(all.Queues) != 2 {
		t.Errorf("queues: %v; %v", mine.Queues, all.Queues)
	}
	if len(mine.Contacts) == 0 || len(mine.Contacts) >= len(all.Contacts) {
		t.Errorf("%d contacts of the team, %d in all", len(mine.Contacts), len(all.Contacts))
	}
	team := []postroom.AgentID{"admin", "jiwoo", "mina", "sora", "tom"}
	for _, c := range mine.Contacts {
		if c.Queue != "general" && !contains(team, postroom.AgentID(c.Agent)) {
			t.Errorf("she sees %v", c)
		}
	}
	var paged []string
	for token := ""; ; {
		page := got(sora.lead.ListBacklog(soon(t), &supervisorv1.ListBacklogRequest{PageSize: 3, PageToken: token}))(t)
		for _, c := range page.Contacts {
			paged = append(paged, c.ContactId)
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	for i, c := range mine.Contacts {
		if i >= len(paged) || paged[i] != c.ContactId {
			t.Fatalf("by page %v, at once %v", paged, mine.Contacts)
		}
	}
	for _, token := range []string{"x", "!", "MSB4"} {
		_, err := sora.lead.ListBacklog(soon(t), &supervisorv1.ListBacklogRequest{PageToken: token})
		mustRefuse(t, "a page token of nobody", err, connect.CodeInvalidArgument, postroom.ReasonMalformed)
	}
	if old := got(sora.lead.ListBacklog(soon(t), &supervisorv1.ListBacklogRequest{OlderThan: durationpb.New(time.Hour)}))(t); len(old.Contacts) != 0 {
		t.Errorf("older than an hour: %v", old.Contacts)
	}
	agents := got(sora.lead.ListAgents(soon(t), &supervisorv1.ListAgentsRequest{Team: "back"}))(t).Agents // the team is the administrator's to choose
	if len(agents) != len(team) {
		t.Errorf("her agents: %v", agents)
	}
	if back := got(admin.lead.ListAgents(soon(t), &supervisorv1.ListAgentsRequest{Team: "back"}))(t).Agents; len(back) != 1 || len(back[0].Held) == 0 {
		t.Errorf("the other team's: %v", back)
	}
	w.Exec(t, "UPDATE agent SET team_id = NULL WHERE id = 'sora'")
	if nothing := got(sora.lead.ListBacklog(soon(t), &supervisorv1.ListBacklogRequest{}))(t); len(nothing.Queues)+len(nothing.Contacts) != 0 {
		t.Errorf("without a team she sees %v", nothing)
	}
	if nobody := got(sora.lead.ListAgents(soon(t), &supervisorv1.ListAgentsRequest{}))(t); len(nobody.Agents) != 0 {
		t.Errorf("without a team she sees %v", nobody)
	}
	entries := got(sora.agent.ListAgentLog(soon(t), &agentv1.ListAgentLogRequest{Limit: 1}))(t).Entries
	if len(entries) != 1 || entries[0].Actor != "agent:sora" || entries[0].At == nil {
		t.Errorf("her own log: %v", entries)
	}
}

func contains(list []postroom.AgentID, a postroom.AgentID) bool {
	for _, x := range list {
		if x == a {
			return true
		}
	}
	return false
}

// R33, R40: a supervisor can neither assign to another team's agent nor close another team's contacts.
func TestASupervisorDoesNotReachOtherTeams(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.API.Serve(t)
	sora := as(t, a, "sora")
	mine, theirs := w.arrive(t, "mine", "general"), w.arrive(t, "theirs", "returns")
	_, err := sora.lead.AssignContact(soon(t), &supervisorv1.AssignContactRequest{RequestId: newID(), ContactId: string(mine), SeenVersion: versionOf(t, a, mine), Agent: "nari"})
	mustRefuse(t, "to another team's agent", err, connect.CodeNotFound, postroom.ReasonUnknownAgent)
	closed := got(sora.lead.CloseContacts(soon(t), &supervisorv1.CloseContactsRequest{RequestId: newID(), Code: "solved",
		Contacts: []*supervisorv1.SeenContact{{ContactId: string(theirs), Version: versionOf(t, a, theirs)}, {ContactId: string(mine), Version: versionOf(t, a, mine)}}}))(t)
	if closed.Contacts[0].Reason != "unknown_contact" || closed.Contacts[1].Reason != "" {
		t.Errorf("closing says %v", closed)
	}
	_, err = sora.lead.CloseContacts(soon(t), &supervisorv1.CloseContactsRequest{RequestId: newID(), Code: "solved"})
	mustRefuse(t, "closing nothing", err, connect.CodeInvalidArgument, postroom.ReasonMalformed)
	w.MustHold(t)
}
