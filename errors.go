package postroom

import (
	"errors"
	"fmt"
)

// Kind is what a program may branch on when something went wrong. Three tables translate it and no others: PostgreSQL's code →
// Kind (internal/store), Kind → Temporal application error (activities), Kind → Connect code (api).
type Kind string

// The kinds of error.
const (
	// KindInvalid: the request itself is malformed; repeating it cannot help.
	KindInvalid Kind = "invalid"
	// KindUnauthenticated: no session, or one that has ended.
	KindUnauthenticated Kind = "unauthenticated"
	// KindForbidden: a known person who may not do this to this object (R40).
	KindForbidden Kind = "forbidden"
	// KindNotFound: no such object, or none that this person may know of.
	KindNotFound Kind = "not_found"
	// KindConflict: somebody was first; look again.
	KindConflict Kind = "conflict"
	// KindRefused: a rule of the product says no in the present state.
	KindRefused Kind = "refused"
	// KindUnavailable: a collaborator is down or slow; the same request may succeed later.
	KindUnavailable Kind = "unavailable"
	// KindInternal: a defect. Its text never leaves the process.
	KindInternal Kind = "internal"
)

// Reason is the stable, machine-readable name of one cause, in snake_case: clients branch on it and translate it.
type Reason string

// Reasons that more than one package gives or tests for.
const (
	ReasonOfferExpired      Reason = "offer_expired"
	ReasonOfferEnded        Reason = "offer_ended"
	ReasonNotYourOffer      Reason = "not_your_offer"
	ReasonContactMoved      Reason = "contact_moved"
	ReasonStaleState        Reason = "stale_state"
	ReasonRequestReused     Reason = "request_reused"
	ReasonUnknownContact    Reason = "unknown_contact"
	ReasonUnknownOffer      Reason = "unknown_offer"
	ReasonUnknownAgent      Reason = "unknown_agent"
	ReasonUnknownCode       Reason = "unknown_code"
	ReasonNoteRequired      Reason = "note_required"
	ReasonCardData          Reason = "card_data"
	ReasonUnseenMessage     Reason = "unseen_message"
	ReasonEmptyReply        Reason = "empty_reply"
	ReasonDraftMoved        Reason = "draft_moved"
	ReasonNoCapacity        Reason = "no_capacity"
	ReasonSessionEnded      Reason = "session_ended"
	ReasonSignInFailed      Reason = "sign_in_failed"
	ReasonTooManyAttempts   Reason = "too_many_attempts"
	ReasonForbidden         Reason = "forbidden"
	ReasonMalformed         Reason = "malformed"
	ReasonTooLarge          Reason = "too_large"
	ReasonDatabaseDown      Reason = "database_unavailable"
	ReasonDatabaseVersion   Reason = "database_version"
	ReasonTemporalDown      Reason = "temporal_unavailable"
	ReasonMailServerDown    Reason = "mail_server_unavailable"
	ReasonOutcomeUnknown    Reason = "outcome_unknown"
	ReasonWrappedUp         Reason = "wrapped_up_automatically"
	ReasonNoExtension       Reason = "no_extension"
	ReasonUnknownReminder   Reason = "unknown_reminder"
	ReasonReminderMoved     Reason = "reminder_moved"
	ReasonReminderEnded     Reason = "reminder_ended"
	ReasonReminderTime      Reason = "reminder_time"
	ReasonUnknownZone       Reason = "unknown_time_zone"
	ReasonContactIncomplete Reason = "contact_incomplete"
	ReasonUnknownQueue      Reason = "unknown_queue"
	ReasonTransferToSelf    Reason = "transfer_to_self"
	ReasonNotSignedIn       Reason = "not_signed_in"
	ReasonInRONA            Reason = "agent_in_rona"
	ReasonPassedOn          Reason = "passed_on"
	ReasonParkTime          Reason = "park_time"
	ReasonThreadOpen        Reason = "thread_open"
	ReasonContactDone       Reason = "contact_done"
	ReasonNotWaiting        Reason = "not_waiting"
	ReasonAlreadyHeld       Reason = "already_held"
	ReasonAlreadyThere      Reason = "already_there"
	ReasonWaitsForAnother   Reason = "waits_for_another"
	ReasonPickNotAllowed    Reason = "pick_not_allowed"
	ReasonWorkInHand        Reason = "work_in_hand"
	ReasonAnotherCustomer   Reason = "another_customer"
	ReasonReplyGone         Reason = "reply_gone" // it is on its way, or has arrived: it cannot be taken back
	ReasonUnknownTemplate   Reason = "unknown_template"
	ReasonNotFilledIn       Reason = "not_filled_in" // something of a template stands in the reply as it was
	ReasonSendTime          Reason = "send_time"     // a time that has passed, or is too far ahead
	ReasonUnknownReply      Reason = "unknown_reply"
	ReasonNotResendable     Reason = "not_resendable" // what became of it is known
	ReasonUnknownMessage    Reason = "unknown_message"
	ReasonUnknownAttachment Reason = "unknown_attachment"
	ReasonNoRecipient       Reason = "no_recipient"
	ReasonBadRecipient      Reason = "bad_recipient" // who is no mail address
	ReasonTooManyRecipients Reason = "too_many_recipients"
	ReasonAddressBad        Reason = "address_bad"        // mail to it came back, as the address is wrong
	ReasonSenderNotAllowed  Reason = "sender_not_allowed" // the queue does not let agents write from this mailbox
)

// Error is the one error type of the product. Message is a sentence for people and never holds customer text, addresses or
// secrets; Err, the cause, stays in logs of the process and is never sent anywhere. Findings say what was found and where, for
// reason card_data; Contacts are what the agent still holds, for reason work_in_hand.
type Error struct {
	Kind     Kind
	Reason   Reason
	Message  string
	Findings []Finding
	Contacts []ContactID
	Err      error
}

// Error gives kind, reason and message, without the cause.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (%s): %s", e.Message, e.Reason, e.Kind)
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Err }

// Is matches an *Error with the same Kind and, if the target names one, the same Reason.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && (t.Reason == "" || t.Reason == e.Reason)
}

// Invalid says that a request is malformed.
func Invalid(reason Reason, message string) *Error {
	return &Error{Kind: KindInvalid, Reason: reason, Message: message}
}

// NotFound says that there is no such object.
func NotFound(reason Reason, message string) *Error {
	return &Error{Kind: KindNotFound, Reason: reason, Message: message}
}

// Conflict says that somebody was first.
func Conflict(reason Reason, message string) *Error {
	return &Error{Kind: KindConflict, Reason: reason, Message: message}
}

// Refused says that a rule forbids this now.
func Refused(reason Reason, message string) *Error {
	return &Error{Kind: KindRefused, Reason: reason, Message: message}
}

// Forbidden says that this person may not.
func Forbidden(message string) *Error {
	return &Error{Kind: KindForbidden, Reason: ReasonForbidden, Message: message}
}

// Unauthenticated says that there is no session.
func Unauthenticated(reason Reason, message string) *Error {
	return &Error{Kind: KindUnauthenticated, Reason: reason, Message: message}
}

// Unavailable says that a collaborator is down; cause may be nil.
func Unavailable(reason Reason, message string, cause error) *Error {
	return &Error{Kind: KindUnavailable, Reason: reason, Message: message, Err: cause}
}

// Internal wraps a defect.
func Internal(message string, cause error) *Error {
	return &Error{Kind: KindInternal, Reason: "internal", Message: message, Err: cause}
}

// KindOf returns the kind of the first *Error in err's chain, KindInternal for any other error, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// ReasonOf returns the reason of the first *Error in err's chain, else "".
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}
