package postroom

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

// ContactPhase is where a contact is in its life. Being in a queue is the phase "waiting" and nothing else: a queue table could
// disagree with the holder (docs/decisions/0003).
type ContactPhase string

// The phases of a contact.
const (
	ContactNew     ContactPhase = "new"     // ingested, not routed yet
	ContactWaiting ContactPhase = "waiting" // in its queue
	ContactOffered ContactPhase = "offered" // one live offer to one agent
	ContactOwned   ContactPhase = "owned"   // accepted by one agent
	ContactWrapUp  ContactPhase = "wrapup"  // answered or closed, wrap-up not completed
	ContactDone    ContactPhase = "done"    // completed; never changes again
)

// ContactEvent is what moves a contact from one phase to the next.
type ContactEvent string

// The events of a contact.
const (
	ContactRouted    ContactEvent = "routed"    // a rule chose its queue (R31)
	ContactOfferedTo ContactEvent = "offered"   // a claim succeeded
	ContactAccepted  ContactEvent = "accepted"  // the agent accepted in time (R8)
	ContactRequeued  ContactEvent = "requeued"  // its offer or its owner ended without an answer (R9, R12)
	ContactReplied   ContactEvent = "replied"   // a reply went to the outbox (R14, R15)
	ContactClosed    ContactEvent = "closed"    // closed without reply (R17)
	ContactCompleted ContactEvent = "completed" // wrap-up recorded (R24)
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
		{ContactWrapUp, ContactCompleted, ContactDone, "R24, I10"},
	},
}

// Outcome says how a completed contact ended.
type Outcome string

// The outcomes of a contact.
const (
	OutcomeReplied            Outcome = "replied"
	OutcomeClosedWithoutReply Outcome = "closed_without_reply"
)
