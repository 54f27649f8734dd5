package postroom

import "time"

// ContactID names one contact: a UUIDv7 in text form, chosen at ingest. The contact's workflow is "contact/<ContactID>".
type ContactID string

// ThreadID names a reply chain (UUIDv7). A thread has one open contact at most.
type ThreadID string

// CustomerID names a person or organisation that writes to us (UUIDv7).
type CustomerID string

// Channel is a medium over which customers reach a contact centre. Only email is delivered; the model, agent state and capacity
// speak of channels so that the others can be added without changing what exists (R1).
type Channel string

// The channels of the model.
const (
	ChannelEmail  Channel = "email"
	ChannelVoice  Channel = "voice"
	ChannelChat   Channel = "chat"
	ChannelSocial Channel = "social"
)

// Channels lists every channel of the model, email first.
func Channels() []Channel { return []Channel{ChannelEmail, ChannelVoice, ChannelChat, ChannelSocial} }

// RealTime reports whether a customer waits at the other end: voice and chat (R2).
func (c Channel) RealTime() bool { return c == ChannelVoice || c == ChannelChat }

// ContactPhase is where a contact is in its life. Being in a queue is the phase "waiting" and nothing else: a queue table could
// disagree with the holder (docs/decisions/0003).
type ContactPhase string

// The phases of a contact.
const (
	ContactNew     ContactPhase = "new"     // ingested, not routed yet
	ContactWaiting ContactPhase = "waiting" // in its queue
	ContactOffered ContactPhase = "offered" // one live offer to one agent
	ContactOwned   ContactPhase = "owned"   // accepted by one agent
	ContactParked  ContactPhase = "parked"  // put aside until a time or a reply, held by nobody (R45)
	ContactWrapUp  ContactPhase = "wrapup"  // answered or closed, wrap-up not completed
	ContactDone    ContactPhase = "done"    // completed; its phase never changes again
)

// ContactEvent is what moves a contact from one phase to the next.
type ContactEvent string

// The events of a contact.
const (
	ContactRouted    ContactEvent = "routed"      // a rule chose its queue (R31)
	ContactOfferedTo ContactEvent = "offered"     // a claim succeeded
	ContactAccepted  ContactEvent = "accepted"    // the agent accepted in time (R8)
	ContactRequeued  ContactEvent = "requeued"    // its offer or its owner ended without an answer (R9, R12)
	ContactAssigned  ContactEvent = "assigned"    // picked by an agent or given by a supervisor: an owner without an offer (R33)
	ContactBegun     ContactEvent = "begun"       // an agent opened it: a completed matter taken up again (R46)
	ContactPassedOn  ContactEvent = "transferred" // to a queue or an agent; its segment is wrapped up beside it (R23)
	ContactPutAside  ContactEvent = "parked"      // until a time or a reply (R45)
	ContactTakenUp   ContactEvent = "resumed"     // the time has come, or the customer wrote (R45)
	ContactReturned  ContactEvent = "returned"    // from wrap-up back to work (R22)
	ContactReplied   ContactEvent = "replied"     // a reply went to the outbox (R14, R15)
	ContactClosed    ContactEvent = "closed"      // closed without reply (R17)
	ContactCompleted ContactEvent = "completed"   // wrap-up recorded (R24)
	ContactMerged    ContactEvent = "merged"      // its mails went on in another contact of the customer
)

// ContactMachine says how a contact's phase changes.
var ContactMachine = Machine[ContactPhase, ContactEvent]{
	Name:    "contact",
	Initial: []ContactPhase{ContactNew},
	Final:   []ContactPhase{ContactDone},
	Table: []Transition[ContactPhase, ContactEvent]{
		{ContactNew, ContactRouted, ContactWaiting, "R31"},
		{ContactWaiting, ContactOfferedTo, ContactOffered, "R6, I1"},
		{ContactOffered, ContactAccepted, ContactOwned, "R8"},
		{ContactOffered, ContactRequeued, ContactWaiting, "R9, R12, I4"},
		{ContactOwned, ContactReplied, ContactWrapUp, "R14"},
		{ContactOwned, ContactClosed, ContactWrapUp, "R17"},
		{ContactOwned, ContactRequeued, ContactWaiting, "R33"},
		{ContactWrapUp, ContactRequeued, ContactWaiting, "R33"},
		{ContactWaiting, ContactAssigned, ContactOwned, "R33"},
		{ContactNew, ContactBegun, ContactOwned, "R46"},
		{ContactOwned, ContactPassedOn, ContactWaiting, "R23"},
		{ContactOwned, ContactPutAside, ContactParked, "R45"},
		{ContactParked, ContactTakenUp, ContactWaiting, "R45"},
		{ContactWrapUp, ContactReturned, ContactOwned, "R22"},
		{ContactWrapUp, ContactCompleted, ContactDone, "R24, I10"},
		{ContactWaiting, ContactMerged, ContactDone, "R22, I7"},
		{ContactParked, ContactMerged, ContactDone, "R22, I7"},
	},
}

// Outcome says how a completed contact ended.
type Outcome string

// The outcomes of a contact.
const (
	OutcomeReplied            Outcome = "replied"
	OutcomeClosedWithoutReply Outcome = "closed_without_reply"
	// OutcomeMerged is a contact's that goes on as part of another.
	OutcomeMerged Outcome = "merged"
	// OutcomeTransferred is a segment's: the contact went on elsewhere.
	OutcomeTransferred Outcome = "transferred"
)

// ContactSnapshot is a contact's row as a transaction left it: what every database step answers with, also when it changed
// nothing. The contact's workflow follows it and concludes from nothing else (docs/decisions/0003). It travels in payloads, so
// it holds ids, states and times only; fields are added, never renamed.
type ContactSnapshot struct {
	Contact ContactID    `json:"contact"`
	Epoch   string       `json:"epoch"`   // which life of the database this is; another epoch outranks any version
	Version int64        `json:"version"` // grows with every change
	Phase   ContactPhase `json:"phase"`
	Queue   QueueID      `json:"queue,omitzero"`

	// The live offer or the owner, if there is one.
	Offer     OfferID       `json:"offer,omitzero"`
	Agent     AgentID       `json:"agent,omitzero"`
	ExpiresAt time.Time     `json:"expires_at,omitzero"` // of a live offer
	Remaining time.Duration `json:"remaining,omitzero"`  // until ExpiresAt by PostgreSQL's clock; negative when it passed

	// LookAgain is when time alone may make another agent eligible for a waiting contact; zero if it cannot.
	LookAgain time.Duration `json:"look_again,omitzero"`

	// ResumeIn is how long a parked contact still waits for its time, at least a moment; zero if it waits for a reply only (R45).
	ResumeIn time.Duration `json:"resume_in,omitzero"`

	// Sends are the replies that are not settled yet.
	Sends []PendingSend `json:"sends,omitempty"`
	// Acknowledge says that it is still to be decided whether its first mail is acknowledged (R34).
	Acknowledge bool `json:"acknowledge,omitzero"`
	// WrapUps are the wrap-ups that are not completed yet and that the contact does not wait for by its phase, or that complete
	// themselves when their time comes (R24).
	WrapUps []PendingWrapUp `json:"wrap_ups,omitempty"`
}

// PendingWrapUp is a wrap-up that is not completed: of which offer, and in how long it completes itself; zero if it does not, and at least
// a nanosecond if its time has come.
type PendingWrapUp struct {
	Offer OfferID       `json:"offer"`
	DueIn time.Duration `json:"due_in,omitzero"`
}

// PendingSend is a reply that waits to be sent, and for how long.
type PendingSend struct {
	Outbox OutboxID      `json:"outbox"`
	DueIn  time.Duration `json:"due_in,omitzero"`
}

// Newer reports whether s is later knowledge than other: of the same life of the database and a higher version, or of another
// life.
func (s ContactSnapshot) Newer(other ContactSnapshot) bool {
	return s.Epoch != other.Epoch || s.Version > other.Version
}

// Command identifies a mutation that a person asked for. The effect and the request are written in one transaction, so that a
// repeat of the same request is answered without a second effect; the same id with another body is refused. BodyHash is keyed:
// requests may hold text that nobody has scanned yet (R36).
type Command struct {
	Actor     AgentID `json:"actor"`
	RequestID string  `json:"request_id"` // UUID
	RPC       string  `json:"rpc"`
	BodyHash  []byte  `json:"body_hash"`
	// Seen is what his desktop showed him of the contact, where that may matter (R22).
	Seen Seen `json:"seen,omitzero"`
}
