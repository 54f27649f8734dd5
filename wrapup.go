package postroom

// WrapUpCode is the key of an after-contact reason, from the administrator's list (R24).
type WrapUpCode string

// WrapUpStatus is where the customer's matter stands when a segment is wrapped up (R24). Empty means not given.
type WrapUpStatus string

// The statuses.
const (
	StatusResolved           WrapUpStatus = "resolved"
	StatusWaitingForCustomer WrapUpStatus = "waiting_for_customer"
	StatusWaitingForUs       WrapUpStatus = "waiting_for_us"
	StatusEscalated          WrapUpStatus = "escalated"
)

// WrapUpStatuses lists every status.
func WrapUpStatuses() []WrapUpStatus {
	return []WrapUpStatus{StatusResolved, StatusWaitingForCustomer, StatusWaitingForUs, StatusEscalated}
}

// Sentiment is the customer's mood as the agent saw it (R24). Empty means not given: there is no default.
type Sentiment string

// The sentiments.
const (
	SentimentPositive Sentiment = "positive"
	SentimentNeutral  Sentiment = "neutral"
	SentimentNegative Sentiment = "negative"
)

// Sentiments lists every sentiment.
func Sentiments() []Sentiment {
	return []Sentiment{SentimentPositive, SentimentNeutral, SentimentNegative}
}

// MaxGuidance is the most characters that an organisation may ask of its agents' wrap-ups with, in each language (R24).
const MaxGuidance = 500

// MaxSignature is the most characters that the signature of a queue's replies may have, in each language.
const MaxSignature = 1000

// MaxNote is the most characters that a wrap-up note may have.
const MaxNote = 1000

// MaxInternalNote is the most characters that an internal note on a contact may have (R47).
const MaxInternalNote = 4000

// NoteID names an internal note on a contact (UUID).
type NoteID string

// WrapUp is what an agent records about his segment after Send or Close (R24). The note is not part of it: notes are text, and
// text never travels through workflows.
type WrapUp struct {
	Code      WrapUpCode
	Status    WrapUpStatus
	Sentiment Sentiment
	Automatic bool
}
