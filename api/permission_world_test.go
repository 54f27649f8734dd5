package api_test

import (
	"slices"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/auth"
	"github.com/postroom/postroom/internal/blob"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// relation is how somebody may stand to a contact, and whether R40 lets him read it then: "an agent reads what he holds, is offered or
// handled, and the history of a customer whom he serves; supervisors their teams".
type relation struct {
	name              string
	agent, supervisor bool
	// make makes a contact that stands so to a person. All but the team's own are in the queue of another team, so that nothing but
	// the relation gives the right.
	make func(t *testing.T, w *world, person postroom.AgentID) postroom.ContactID
}

var relations = []relation{
	{"he owns it", true, true, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		return w.own(t, w.arrive(t, "owned-by-"+p, "returns"), p)
	}},
	{"he wraps it up", true, true, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		return w.handle(t, w.arrive(t, "wrapped-up-by-"+p, "returns"), p)
	}},
	{"it is offered to him", true, true, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		contact := w.arrive(t, "offered-to-"+p, "returns")
		w.offers[p] = append(w.offers[p], w.Claim(t, contact, p))
		return contact
	}},
	{"he handled it", true, true, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		contact := w.handle(t, w.arrive(t, "handled-by-"+p, "returns"), p)
		w.WrapUp(t, w.last, p)
		return contact
	}},
	{"he serves its customer", true, true, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		return w.arrive(t, "owned-by-"+p, "returns")
	}},
	{"its customer is offered to him", false, false, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		return w.arrive(t, "offered-to-"+p, "returns")
	}},
	{"he served its customer once", false, false, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		return w.arrive(t, "handled-by-"+p, "returns")
	}},
	{"he declined it", false, false, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		contact := w.arrive(t, "declined-by-"+p, "returns")
		_, err := w.DeclineOffer(t.Context(), testkit.Command(p), w.Claim(t, contact, p))
		must(t, err)
		return contact
	}},
	{"it waits in his team's queue", false, true, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		return w.arrive(t, "waiting", "general")
	}},
	{"a colleague of his team owns it", false, true, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		return w.own(t, w.arrive(t, "with-a-colleague", "returns"), "tom")
	}},
	{"it is offered to a colleague of his team", false, true, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		contact := w.arrive(t, "offered-to-a-colleague", "returns")
		w.foreign = w.Claim(t, contact, "tom")
		return contact
	}},
	{"another team owns a contact of his team's queue", false, true, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		return w.own(t, w.arrive(t, "helped-out", "general"), "nari")
	}},
	{"a colleague of his team handled it", false, false, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		contact := w.handle(t, w.arrive(t, "handled-by-a-colleague", "returns"), "tom")
		w.WrapUp(t, w.last, "tom")
		return contact
	}},
	{"it waits in another team's queue", false, false, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		return w.arrive(t, "waiting-elsewhere", "returns")
	}},
	{"another team owns it", false, false, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		return w.own(t, w.arrive(t, "owned-elsewhere", "returns"), "nari")
	}},
	{"it is in no queue yet", false, false, func(t *testing.T, w *world, _ postroom.AgentID) postroom.ContactID {
		return w.arrive(t, "new", "")
	}},
	{"he is to be reminded of it", true, true, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		contact := w.arrive(t, "reminds-"+p, "returns")
		w.remind(t, contact, "tom", p)
		return contact
	}},
	{"he was reminded of it, and has seen to it", false, false, func(t *testing.T, w *world, p postroom.AgentID) postroom.ContactID {
		contact := w.arrive(t, "reminded-"+p, "returns")
		got(w.EndReminder(t.Context(), testkit.Command(p), w.remind(t, contact, "tom", p), postroom.ReminderCompletes))(t)
		return contact
	}},
	{unknown, false, false, func(*testing.T, *world, postroom.AgentID) postroom.ContactID {
		return postroom.ContactID(testkit.NewID())
	}},
}

// access says whether somebody may do something else than read with a contact that stands to him as the object's name says; o.may is
// whether he may read it.
type access func(person postroom.AgentID, o object) bool

// looks is for colleagues (R47): whoever may read it, and whoever's team serves its queue.
func looks(_ postroom.AgentID, o object) bool {
	return o.may || o.name == "it waits in his team's queue" || o.name == "another team owns a contact of his team's queue"
}

// reopens is for who handled it, for whoever's team serves its queue, and for supervisors of its teams (R46). Being offered it, or its
// customer, is not enough for an agent.
func reopens(person postroom.AgentID, o object) bool {
	switch o.name {
	case "he owns it", "he wraps it up", "he handled it", "it waits in his team's queue", "another team owns a contact of his team's queue":
		return true
	case "it is offered to him", "a colleague of his team owns it", "it is offered to a colleague of his team":
		return person == "sora"
	}
	return false
}

const (
	unknown   = "nobody knows it"
	malformed = "it is no id"
)

// object is a contact, an offer or an attachment as somebody sees it.
type object struct {
	name string
	id   string
	may  bool
}

// supervisable says whether somebody supervises a contact: an administrator every one, a supervisor what waits in his team's queue or is held in
// his team now; what he may read for another reason is not his to move.
func (o object) supervisable(s subject) bool {
	if s.role == postroom.RoleAdministrator {
		return o.name != unknown
	}
	reads := []string{"he handled it", "he serves its customer", "he is to be reminded of it"}
	return s.role == postroom.RoleSupervisor && o.may && !slices.Contains(reads, o.name)
}

// world is a contact centre with two teams, "front" and "back", in which agent mina and supervisor sora stand in every relation to contacts.
type world struct {
	*testkit.API
	contacts    map[postroom.AgentID][]object
	attachments map[postroom.AgentID][]object
	messages    map[postroom.AgentID][]object
	files       map[postroom.AgentID][]object           // of the contacts' drafts
	offers      map[postroom.AgentID][]postroom.OfferID // of his own: owned, offered, ended
	reminders   map[postroom.AgentID][]object
	foreign     postroom.OfferID
	retired     auth.Token // of somebody who was dismissed

	attached map[postroom.ContactID]postroom.AttachmentID
	wrote    map[postroom.ContactID]postroom.MessageID
	last     postroom.OfferID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{API: offline(t), contacts: map[postroom.AgentID][]object{}, attachments: map[postroom.AgentID][]object{},
		offers: map[postroom.AgentID][]postroom.OfferID{}, attached: map[postroom.ContactID]postroom.AttachmentID{},
		wrote: map[postroom.ContactID]postroom.MessageID{}, messages: map[postroom.AgentID][]object{}, files: map[postroom.AgentID][]object{}, reminders: map[postroom.AgentID][]object{}}
	w.employ(t)
	for _, person := range []postroom.AgentID{"mina", "sora", "tom", "nari"} {
		w.SignIn(t, person)
	}
	for person, role := range map[postroom.AgentID]postroom.Role{"mina": postroom.RoleAgent, "sora": postroom.RoleSupervisor} {
		for _, r := range relations {
			contact := r.make(t, w, person)
			o := object{r.name, string(contact), r.agent}
			if role == postroom.RoleSupervisor {
				o.may = r.supervisor
			}
			w.contacts[person] = append(w.contacts[person], o)
			o.id = string(w.attached[contact])
			if r.name == unknown {
				o.id = testkit.NewID()
			}
			w.attachments[person] = append(w.attachments[person], o)
			if r.name != unknown {
				o.id = string(w.wrote[contact])
			}
			w.messages[person] = append(w.messages[person], o)
			o.id, o.may = w.draftFile(t, contact, r.name), r.name == "he owns it" || r.name == "he wraps it up"
			w.files[person] = append(w.files[person], o)
		}
	}
	w.setReminders(t)
	return w
}

// setReminders sets reminders to which agent mina, supervisor sora and the administrator stand in every relation.
func (w *world) setReminders(t *testing.T) {
	t.Helper()
	front, back := w.arrive(t, "reminders-front", "general"), w.arrive(t, "reminders-back", "returns")
	left := w.remind(t, back, "nari", "nari")
	w.fireWithoutAssignee(t, left)
	for name, r := range map[string]struct {
		id                postroom.ReminderID
		mina, sora, admin bool
	}{
		"his own, or of his team":           {w.remind(t, back, "mina", "mina"), true, true, false},
		"set by him, or for his team":       {w.remind(t, back, "mina", "tom"), true, true, false},
		"a colleague's, or of his team":     {w.remind(t, back, "tom", "tom"), false, true, false},
		"another team's, on a contact here": {w.remind(t, front, "nari", "nari"), false, true, false},
		"another team's":                    {w.remind(t, back, "nari", "nari"), false, false, false},
		"of somebody who has left":          {left, false, false, true},
	} {
		for person, may := range map[postroom.AgentID]bool{"mina": r.mina, "sora": r.sora, "admin": r.admin} {
			w.reminders[person] = append(w.reminders[person], object{name, string(r.id), may})
		}
	}
}

func (w *world) remind(t *testing.T, contact postroom.ContactID, author, assignee postroom.AgentID) postroom.ReminderID {
	t.Helper()
	due := time.Now().Add(time.Hour)
	return got(w.CreateReminder(t.Context(), testkit.Command(author), store.NewReminder{Contact: contact, Assignee: assignee,
		Wall: postroom.WallTime{Local: due.UTC().Format(postroom.WallLayout), Zone: "UTC"}, Due: due, Body: postroom.SealText("Call again")}))(t).ID
}

// fireWithoutAssignee lets nari's reminder fire while nari has left: it goes to the administrators, for nobody supervises that team.
func (w *world) fireWithoutAssignee(t *testing.T, id postroom.ReminderID) {
	t.Helper()
	later := w.Open(t, store.Options{Shift: 2 * time.Hour})
	r, err := later.Reminder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w.Exec(t, "UPDATE agent SET active = false WHERE id = 'nari'")
	if fired, err := later.FireReminder(t.Context(), id, r.Version, r.Due); err != nil || !fired {
		t.Fatalf("a reminder whose time has come: fired %v, %v", fired, err)
	}
	w.Exec(t, "UPDATE agent SET active = true WHERE id = 'nari'")
}

// employ adds the second team with its queue, gives everybody room for ten emails, and takes on and dismisses "rex".
func (w *world) employ(t *testing.T) {
	t.Helper()
	c := testkit.Sample(time.Hour)
	for i := range c.Agents {
		c.Agents[i].MayForceStates = c.Agents[i].ID == "sora"
	}
	for i := range c.Profiles {
		c.Profiles[i].Capacity = map[postroom.Channel]int{postroom.ChannelEmail: 10}
	}
	c.Teams = append(c.Teams, postroom.Team{ID: "back", Name: postroom.Name{English: "Back office"}, Profile: "standard"})
	queue := c.Queues[0]
	queue.ID, queue.Teams = "returns", []postroom.TeamID{"back"}
	c.Queues = append(c.Queues, queue)
	agent := func(id string, role postroom.Role, team postroom.TeamID) postroom.Agent {
		return postroom.Agent{ID: postroom.AgentID(id), Name: id, Email: id + "@shop.example", Role: role, Team: team}
	}
	c.Agents = append(c.Agents, agent("nari", postroom.RoleAgent, "back"))
	with := c
	with.Agents = append(with.Agents[:len(with.Agents):len(with.Agents)], agent("rex", postroom.RoleAgent, "front"))
	w.apply(t, with)
	w.Enrol(t, "rex")
	w.retired = w.NewSession(t, "rex")
	w.apply(t, c)
	// Everybody may be offered what waits in any queue, without his team serving it.
	w.Exec(t, "INSERT INTO agent_lane (agent_id, queue_id, step, score) SELECT a.id, q.id, 0, 0 FROM agent a, queue q ON CONFLICT DO NOTHING")
	// Even if the dismissal had left the session open, nobody retired may use it.
	w.Exec(t, "UPDATE session SET ended_at = NULL WHERE agent_id = 'rex'")
}

func (w *world) apply(t *testing.T, c postroom.Configuration) {
	t.Helper()
	_, err := w.Apply(t.Context(), postroom.Command{}, postroom.System("test"), c, postroom.SealText("two teams"))
	must(t, err)
}

// arrive ingests a mail with an attachment from a customer of that name, and routes it to a queue, if one is given.
func (w *world) arrive(t *testing.T, customer postroom.AgentID, queue postroom.QueueID) postroom.ContactID {
	t.Helper()
	mail := w.Mail(string(customer)+"@customer.example", "Where is it?")
	file := store.ArrivedAttachment{ID: postroom.AttachmentID(testkit.NewID()), Filename: postroom.SealText("receipt.txt"),
		MediaType: postroom.SealText("text/plain"), Size: 5, Verdict: postroom.AttachmentPassed}
	file.BlobKey = string(blob.ForAttachment(file.ID))
	must(t, w.Blobs.Put(t.Context(), blob.Key(file.BlobKey), postroom.SealBytes([]byte("hello"))))
	mail.Attachments = []store.ArrivedAttachment{file}
	mail.Showing.HTML = postroom.SealText("<p>Where is it?</p>")
	in := got(w.Ingest(t.Context(), mail))(t)
	w.attached[in.Contact], w.wrote[in.Contact] = file.ID, mail.ID
	if queue != "" {
		got(w.RouteContact(t.Context(), in.Contact, queue, nil))(t)
	}
	return in.Contact
}

// Claim offers a contact to a person whether or not his team serves its queue, so that nothing but the offer gives the right.
func (w *world) Claim(t *testing.T, contact postroom.ContactID, person postroom.AgentID) postroom.OfferID {
	t.Helper()
	w.Exec(t, "UPDATE contact SET target_agent_id = $2, target_until = clock_timestamp() + interval '1 hour' WHERE id = $1", contact, person)
	return w.API.Claim(t, contact, person)
}

func (w *world) own(t *testing.T, contact postroom.ContactID, person postroom.AgentID) postroom.ContactID {
	t.Helper()
	w.last = w.Claim(t, contact, person)
	got(w.AcceptOffer(t.Context(), testkit.Command(person), w.last))(t)
	w.offers[person] = append(w.offers[person], w.last)
	return contact
}

func (w *world) handle(t *testing.T, contact postroom.ContactID, person postroom.AgentID) postroom.ContactID {
	t.Helper()
	w.own(t, contact, person)
	got(w.CloseWithoutReply(t.Context(), testkit.Command(person), w.last))(t)
	return contact
}

// subject is somebody who calls: a person by the state of his session.
type subject struct {
	name   string
	person postroom.AgentID // whose objects he tries; "mina" for nobody
	role   postroom.Role    // "" without a session that counts
	locked bool
	token  func(t *testing.T, w *world) auth.Token
}

var subjects = []subject{
	{"nobody", "mina", "", false, func(*testing.T, *world) auth.Token { return "" }},
	{"a guesser", "mina", "", false, func(*testing.T, *world) auth.Token { return auth.NewToken() }},
	{"an agent", "mina", postroom.RoleAgent, false, session("mina", "")},
	{"a supervisor", "sora", postroom.RoleSupervisor, false, session("sora", "")},
	{"an administrator", "mina", postroom.RoleAdministrator, false, session("admin", "")},
	{"an agent whose session is locked", "mina", postroom.RoleAgent, true, session("mina", "last_used_at = clock_timestamp() - interval '31 minutes'")},
	{"an administrator whose session is locked", "mina", postroom.RoleAdministrator, true,
		session("admin", "last_used_at = clock_timestamp() - interval '31 minutes'")},
	{"an agent who signed out", "mina", "", false, session("mina", "ended_at = clock_timestamp()")},
	{"an agent after twelve hours", "mina", "", false, session("mina", "expires_at = clock_timestamp()")},
	{"an agent who was retired", "mina", "", false, func(_ *testing.T, w *world) auth.Token { return w.retired }},
}

// session opens a session of a person, and does something to its row.
func session(person postroom.AgentID, set string) func(t *testing.T, w *world) auth.Token {
	return func(t *testing.T, w *world) auth.Token {
		t.Helper()
		token := w.NewSession(t, person)
		if set != "" {
			w.Exec(t, "UPDATE session SET "+set+" WHERE token_hash = $1", token.Hash())
		}
		return token
	}
}

// draftFile puts a file into a contact's draft.
func (w *world) draftFile(t *testing.T, contact postroom.ContactID, relation string) string {
	t.Helper()
	id := testkit.NewID()
	if relation == unknown {
		return id
	}
	key := blob.ForAttachment(postroom.AttachmentID(id))
	must(t, w.Blobs.Put(t.Context(), key, postroom.SealBytes([]byte("hello"))))
	w.Exec(t, `INSERT INTO draft_attachment (id, contact_id, upload_id, agent_id, filename, media_type, size, malware, blob_key, created_at)
		VALUES ($1, $2, $1, 'tom', 'a.txt', 'text/plain', 5, 'unscanned', $3, clock_timestamp())`, id, contact, string(key))
	return id
}
