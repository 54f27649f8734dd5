package postroom

// MessageID names one stored email (UUIDv7): our key, not the Message-ID header, which is InternetMessageID.
type MessageID string

// InternetMessageID is the Message-ID of RFC 5322 section 3.6.4, without angle brackets.
type InternetMessageID string

// AttachmentID names one attachment of a message (UUIDv7).
type AttachmentID string

// OutboxID names one reply on its way out (UUIDv7).
type OutboxID string

// CompositionID names what the author of a mail decided beside its text: recipients, sender, HTML (R15, R23).
type CompositionID string

// MailboxID names a mailbox that is watched: the key that the configuration gives.
type MailboxID string

// MaxRecipients is to how many people one mail may go, those in Bcc included (R15).
const MaxRecipients = 50

// Purpose says what a mail of ours is.
type Purpose string

// The purposes.
const (
	PurposeReply   Purpose = "reply"   // an answer
	PurposeForward Purpose = "forward" // somebody's mail, passed on to an outside address (R23)
	PurposeNew     Purpose = "new"     // the first mail of a contact that an agent began (R23)
	// PurposeAcknowledgement is what goes out by itself when a customer's mail opened a contact (R34).
	PurposeAcknowledgement Purpose = "acknowledgement"
)

// Seen is what an agent's desktop showed when he decided: the newest message, or "" if the desktop does not say. A decision that
// overtakes a newer mail of the customer is refused, unless Anyway confirms it (R22).
type Seen struct {
	Message MessageID `json:"message,omitzero"`
	Anyway  bool      `json:"anyway,omitzero"`
}

// Direction says whether a message came from a customer or went to one.
type Direction string

// The directions.
const (
	Inbound  Direction = "in"
	Outbound Direction = "out"
)

// Arrival says what became of a fetched mail: the right-hand side of the first equation of I7. Each fetched mail has one.
type Arrival string

// What becomes of a fetched mail.
const (
	ArrivalOpened      Arrival = "opened"      // it opened a contact
	ArrivalAppended    Arrival = "appended"    // it joined an open contact of its thread (R22)
	ArrivalDuplicate   Arrival = "duplicate"   // the same bytes, or the same UID, were here before
	ArrivalReport      Arrival = "report"      // a bounce, a receipt or our own copy
	ArrivalScreened    Arrival = "screened"    // automatic mail (R34)
	ArrivalQuarantined Arrival = "quarantined" // could not be read or inspected; a pointer to it is kept (R36)
)

// Delivery is how far a reply has come on its way to the customer (R21).
type Delivery string

// The states of a reply on its way out.
const (
	DeliveryQueued    Delivery = "queued"
	DeliverySending   Delivery = "sending"   // an attempt is under way
	DeliverySent      Delivery = "sent"      // the server took it: 250 to the final dot
	DeliveryDeferred  Delivery = "deferred"  // 4xx or network fault before the final dot; it is tried again
	DeliveryFailed    Delivery = "failed"    // 5xx, or too long deferred
	DeliveryBounced   Delivery = "bounced"   // taken, and refused later
	DeliveryUnknown   Delivery = "unknown"   // the final dot was sent and no answer came: probed before any retry
	DeliveryCancelled Delivery = "cancelled" // undone before it was sent
)

// Settled reports whether nothing more happens to the reply without new information from outside.
func (d Delivery) Settled() bool {
	switch d {
	case DeliverySent, DeliveryFailed, DeliveryBounced, DeliveryUnknown, DeliveryCancelled:
		return true
	}
	return false
}

// Address is a mail address as people see it: a display name, which may be empty, and addr-spec (RFC 5322 section 3.4.1).
type Address struct {
	Name    Text
	Address Text
}

// AttachmentVerdict says whether an attachment may be seen. What did not pass the card scanner is not stored at all (R29, R36).
type AttachmentVerdict string

// The verdicts.
const (
	AttachmentPassed    AttachmentVerdict = "passed"    // inspected, nothing found, stored
	AttachmentDestroyed AttachmentVerdict = "destroyed" // holds card data: never stored (R26)
	AttachmentWithheld  AttachmentVerdict = "withheld"  // could not be inspected: not stored, the original stays in the mailbox
	AttachmentBlocked   AttachmentVerdict = "blocked"   // of a type that may not pass, such as active content: not stored (R16)
	AttachmentInfected  AttachmentVerdict = "infected"  // malware: not stored
	AttachmentUnchecked AttachmentVerdict = "unchecked" // stored, and given to nobody until the virus scanner has seen it
)
