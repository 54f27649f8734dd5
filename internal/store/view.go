package store

import (
	"context"
	"time"

	"github.com/postroom/postroom"
)

// Card is a contact as it stands in an agent's active contact list (R6, R7). Times are PostgreSQL's.
type Card struct {
	Contact         postroom.ContactID
	Offer           postroom.OfferID
	State           postroom.OfferState
	Phase           postroom.ContactPhase
	Channel         postroom.Channel
	CustomerName    string
	CustomerAddress string
	Subject         string
	Queue           postroom.QueueID
	QueueName       string
	QueueNameKo     string
	ArrivedAt       time.Time
	OfferedAt       time.Time
	ExpiresAt       time.Time
	AcceptedAt      *time.Time
	HandledAt       *time.Time
	Shown           bool
	Masked          bool
	Passed          bool // passed on: only his segment is left to wrap up (R23)
	Version         int64
	DueAt           *time.Time // by the queue's service level, if it has one
	Now             time.Time
	WrapUpDue       *time.Time // when the wrap-up completes itself; nil if it does not (R24)
	Extensions      int        // how often that may still be put off
}

const cardColumns = `
	SELECT c.id, o.id, o.state, c.phase, c.channel, coalesce(m.from_name, u.name), coalesce(m.from_address,
	           (SELECT min(y.address) FROM customer_address y WHERE y.customer_id = c.customer_id), ''), c.subject, q.id, q.name, q.name_ko,
	       c.arrived_at, o.offered_at, o.expires_at, o.accepted_at, g.handled_at, o.shown_at IS NOT NULL,
	       EXISTS (SELECT FROM message x WHERE x.contact_id = c.id AND x.masked), o.segment_only, c.version, c.due_at, postroom_now(),
	       CASE WHEN g.state = 'wrapup' THEN g.wrapup_due_at END,
	       CASE WHEN g.state = 'wrapup' AND g.wrapup_due_at IS NOT NULL THEN greatest(q.wrapup_extensions - g.wrapup_extensions, 0) ELSE 0 END::int
	FROM offer o
	JOIN contact c ON c.id = o.contact_id
	JOIN customer u ON u.id = c.customer_id
	JOIN queue q ON q.id = o.queue_id
	LEFT JOIN segment g ON g.offer_id = o.id
	LEFT JOIN LATERAL (SELECT from_name, from_address FROM message m WHERE m.thread_id = c.thread_id AND m.direction = 'in' AND m.standing = ''
		ORDER BY m.contact_id = c.id DESC NULLS LAST, m.received_at LIMIT 1) m ON true`

var readCards = statement(cardColumns + `
	WHERE o.agent_id = $1 AND o.state IN ('live', 'accepted', 'wrapup') ORDER BY o.offered_at, o.id`)

// ActiveContacts reads what an agent is offered, owns and wraps up, oldest first.
func (s *Store) ActiveContacts(ctx context.Context, agent postroom.AgentID) ([]Card, error) {
	cards, err := all[Card](ctx, s.pool, readCards, agent)
	return cards, translate("read the active contact list", err)
}

var readCard = statement(cardColumns + `
	WHERE o.agent_id = $1 AND o.contact_id = $2 AND o.state IN ('live', 'accepted', 'wrapup')`)

// ActiveContact reads one card of an agent's active contact list; found is false if it is not there (any more).
func (s *Store) ActiveContact(ctx context.Context, agent postroom.AgentID, id postroom.ContactID) (card Card, found bool, err error) {
	card, found, err = one[Card](ctx, s.pool, readCard, agent, id)
	return card, found, translate("read a card", err)
}

// AgentSnapshot is what a stream starts from when it cannot be resumed: the list, the state, and the stream's head, all of the same
// moment.
type AgentSnapshot struct {
	Head      Head
	Status    AgentStatus
	Cards     []Card
	Reminders []string // those that have fired to him and are not done
}

// AgentSnapshot reads an agent's snapshot.
func (s *Store) AgentSnapshot(ctx context.Context, agent postroom.AgentID) (AgentSnapshot, error) {
	var snap AgentSnapshot
	err := s.read(ctx, "read an agent's snapshot", func(ctx context.Context, tx *txn) error {
		var found bool
		var err error
		if snap.Head, found, err = one[Head](ctx, tx, readHead, AgentStream(agent)); err != nil {
			return err
		}
		if !found {
			return postroom.NotFound(postroom.ReasonUnknownAgent, "there is no such agent")
		}
		if snap.Status, err = agentStatus(ctx, tx, agent); err != nil {
			return err
		}
		if snap.Cards, err = all[Card](ctx, tx, readCards, agent); err != nil {
			return err
		}
		snap.Reminders, err = values[string](ctx, tx, readFiredReminders, agent, remindersAtOnce)
		return err
	})
	return snap, err
}

// ContactView is a contact as its page shows it.
type ContactView struct {
	Contact     postroom.ContactID
	Phase       postroom.ContactPhase
	Version     int64
	Subject     string
	Queue       postroom.QueueID
	QueueName   string
	QueueNameKo string
	ArrivedAt   time.Time
	CompletedAt *time.Time
	Outcome     string
	Offer       postroom.OfferID // of whoever holds it or is offered it
	Agent       postroom.AgentID
	State       postroom.OfferState
	Note        string // of the wrap-up that is being filled in
	BegunFrom   string // the completed contact that was taken up again, or "" (R46)
	AddressBad  bool   // mail to whom a reply would go came back, because the address is wrong (R34)
}

// MessageView is one mail of a contact as people see it.
type MessageView struct {
	ID          postroom.MessageID
	Direction   postroom.Direction
	FromName    string
	FromAddress string
	Recipients  []RecipientView
	Subject     string
	Body        string
	Masked      bool
	At          time.Time
	ReadAt      *time.Time        // when a receipt said that it was displayed
	Delivery    postroom.Delivery // of outbound mail
	ReplyCode   int
	ServerText  string
	Attachments []AttachmentView
	Formatted   bool    // it has HTML that may be asked for
	Quoted      []int32 // see Showing
	Standing    Standing
	Identity    Identity
	Elsewhere   bool // Reply-To names another organisation than From
	Automatic   bool // a program wrote it: an acknowledgement of ours (R34), or automatic mail that was released
}

// RecipientView is one address of the To or Cc field.
type RecipientView = recipientRow

// AttachmentView is one attachment of a message.
type AttachmentView struct {
	ID        postroom.AttachmentID      `json:"id"`
	Filename  string                     `json:"filename"`
	MediaType string                     `json:"media_type"`
	Size      int64                      `json:"size"`
	Inline    bool                       `json:"inline"`
	Verdict   postroom.AttachmentVerdict `json:"verdict"`
	Reason    string                     `json:"reason"`
}

var readContactView = statement(`
	SELECT c.id, c.phase, c.version, c.subject, coalesce(q.id, ''), coalesce(q.name, ''), coalesce(q.name_ko, ''), c.arrived_at, c.completed_at,
	       coalesce(c.outcome, ''), coalesce(o.id::text, ''), coalesce(o.agent_id, ''), coalesce(o.state, ''), coalesce(g.wrapup_note, ''),
	       coalesce(c.begun_from::text, ''),
	       EXISTS (SELECT FROM address_mark k WHERE k.bad_since IS NOT NULL AND k.address = (
	           SELECT lower(coalesce(nullif(m.reply_to, ''), m.from_address)) FROM message m WHERE m.thread_id = c.thread_id AND m.direction = 'in'
	               AND m.standing = '' ORDER BY m.received_at DESC, m.id DESC LIMIT 1))
	FROM contact c
	LEFT JOIN queue q ON q.id = c.queue_id
	LEFT JOIN offer o ON o.contact_id = c.id AND (o.state IN ('live', 'accepted') OR (o.state = 'wrapup' AND NOT o.segment_only))
	LEFT JOIN segment g ON g.offer_id = o.id
	WHERE c.id = $1`)

// A contact that was taken up again shows the whole thread: what is answered lies in an earlier one (R46). What mail systems say of a
// contact's replies is shown with them.
var readMessages = statement(`
	SELECT m.id, m.direction, m.from_name, m.from_address, m.recipients, m.subject, m.body, m.masked, m.received_at, m.read_at,
	       coalesce(x.state, ''), coalesce(x.reply_code, 0), coalesce(x.server_text, ''),
	       coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'filename', t.filename, 'media_type', t.media_type, 'size', t.size,
	                                  'inline', t.inline, 'verdict', t.verdict, 'reason', t.reason) ORDER BY t.ordinal)
	                 FROM attachment t WHERE t.message_id = m.id), '[]'),
	       m.contact_id IS NOT NULL AND coalesce(octet_length(s.html) > 0, false), coalesce(s.quoted, '{}'),
	       m.standing, m.identity, m.reply_elsewhere, m.automatic <> ''
	FROM message m LEFT JOIN outbox x ON x.message_id = m.id LEFT JOIN message_showing s ON s.message_id = m.id
	WHERE m.contact_id = $1 OR m.thread_id = (SELECT thread_id FROM contact WHERE id = $1 AND begun_from IS NOT NULL)
	   OR m.id IN (SELECT d.message_id FROM delivery_report d JOIN outbox o ON o.id = d.outbox_id WHERE o.contact_id = $1 AND d.matched_by <> 'recipient')
	ORDER BY m.received_at, m.id`)

// ContactView reads a contact with its messages and its draft, all of the same moment.
func (s *Store) ContactView(ctx context.Context, id postroom.ContactID) (ContactView, []MessageView, Draft, error) {
	var view ContactView
	var messages []MessageView
	var draft Draft
	err := s.read(ctx, "read a contact", func(ctx context.Context, tx *txn) error {
		var found bool
		var err error
		if view, found, err = one[ContactView](ctx, tx, readContactView, id); err != nil {
			return err
		}
		if !found {
			return unknownContact()
		}
		if messages, err = all[MessageView](ctx, tx, readMessages, id); err != nil {
			return err
		}
		draft, _, err = one[Draft](ctx, tx, readDraft, id)
		return err
	})
	return view, messages, draft, err
}

// StoryEvent is one entry of a contact's story.
type StoryEvent struct {
	At     time.Time             `json:"at"`
	Event  string                `json:"event"`
	From   postroom.ContactPhase `json:"from"`
	To     postroom.ContactPhase `json:"to"`
	Actor  string                `json:"actor"`
	Queue  postroom.QueueID      `json:"queue"`
	Agent  postroom.AgentID      `json:"agent,omitzero"`
	Offer  postroom.OfferID      `json:"offer,omitzero"`
	Detail []byte                `json:"-"` // JSON
}

var readStory = statement(`
	SELECT at, event, from_phase, to_phase, actor, coalesce(queue_id, ''), coalesce(agent_id, ''), coalesce(offer_id::text, ''), detail
	FROM contact_event WHERE contact_id = $1 ORDER BY id LIMIT 1000`)

// Story reads what happened to a contact, in order.
func (s *Store) Story(ctx context.Context, id postroom.ContactID) ([]StoryEvent, error) {
	story, err := all[StoryEvent](ctx, s.pool, readStory, id)
	return story, translate("read a contact's story", err)
}

// Code is a code that an agent may choose, as people see it.
type Code struct {
	ID           string
	Name         string
	NameKo       string
	NoteRequired bool
}

var readIdleCodes = statement(`SELECT id, name, name_ko, false FROM idle_code WHERE active ORDER BY position`)

// IdleCodes reads the idle codes that an agent may choose, in the administrator's order.
func (s *Store) IdleCodes(ctx context.Context) ([]Code, error) {
	codes, err := all[Code](ctx, s.pool, readIdleCodes)
	return codes, translate("read idle codes", err)
}

// The queue by whose rules an agent wraps a contact up: the one in which he handled it, or else the one where it is.
const wrapUpQueue = `FROM contact c JOIN queue q ON q.id = coalesce((SELECT g.queue_id FROM segment g
		WHERE g.contact_id = c.id AND g.agent_id = $2 AND g.state = 'wrapup' ORDER BY g.started_at DESC LIMIT 1), c.queue_id)`

var readWrapUpCodes = statement(`
	SELECT w.id, w.name, w.name_ko, w.note_required ` + wrapUpQueue + ` JOIN queue_wrapup_code qc ON qc.queue_id = q.id
	JOIN wrapup_code w ON w.id = qc.code AND w.active WHERE c.id = $1 ORDER BY qc.position`)

var readWrapUpGuidance = statement(`SELECT q.wrapup_guidance AS english, q.wrapup_guidance_ko AS korean ` + wrapUpQueue + ` WHERE c.id = $1`)

// WrapUpGuidance reads what the organisation asks of an agent's wrap-up of a contact (R24); empty if it asks nothing.
func (s *Store) WrapUpGuidance(ctx context.Context, id postroom.ContactID, agent postroom.AgentID) (postroom.Name, error) {
	name, _, err := one[postroom.Name](ctx, s.pool, readWrapUpGuidance, id, agent)
	return name, translate("read the guidance of a wrap-up", err)
}

// WrapUpCodes reads the codes that an agent may wrap a contact up with, in the administrator's order (R24): those of the queue in which he
// handled it, or else of the one where it is.
func (s *Store) WrapUpCodes(ctx context.Context, id postroom.ContactID, agent postroom.AgentID) ([]Code, error) {
	codes, err := all[Code](ctx, s.pool, readWrapUpCodes, id, agent)
	return codes, translate("read wrap-up codes", err)
}
