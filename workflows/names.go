package workflows

import (
	"strings"

	"go.temporal.io/sdk/temporal"

	"github.com/postroom/postroom"
)

// Names that clients of the workflows use.
const (
	// SyncSignal says "look at your row". It has no payload.
	SyncSignal = "sync"

	AcceptUpdate   = "accept"
	DeclineUpdate  = "decline"
	ReplyUpdate    = "reply"
	CloseUpdate    = "close"
	CompleteUpdate = "complete_wrap_up"
	ExtendUpdate   = "extend_wrap_up"
	TransferUpdate = "transfer"
	ParkUpdate     = "park"
	ReturnUpdate   = "return"
	UndoUpdate     = "undo_reply"
)

// TaskQueue is where workers look for work unless the settings say otherwise.
const TaskQueue = "postroom"

// ContactWorkflowID is the id of a contact's workflow. There is one open run of it at most.
func ContactWorkflowID(id postroom.ContactID) string { return "contact/" + string(id) }

// MailboxWorkflowID is the id of a mailbox's workflow.
func MailboxWorkflowID(id postroom.MailboxID) string { return "mailbox/" + string(id) }

// ReminderWorkflowID is the id of a reminder's workflow.
func ReminderWorkflowID(id postroom.ReminderID) string { return "reminder/" + string(id) }

// ContactOfWorkflow is the contact whose workflow has this id; ok is false if it is not a contact's.
func ContactOfWorkflow(workflowID string) (id postroom.ContactID, ok bool) {
	s, ok := strings.CutPrefix(workflowID, "contact/")
	return postroom.ContactID(s), ok
}

// Search attributes by which operations people find contacts in the Temporal UI: ContactState is "waiting" (offered included), "owned"
// (wrap-up included) or "parked", Queue and Agent are keys of the configuration. Never
// customer data, as search attributes are not encrypted.
var (
	AttributeState = temporal.NewSearchAttributeKeyKeyword("ContactState")
	AttributeQueue = temporal.NewSearchAttributeKeyKeyword("Queue")
	AttributeAgent = temporal.NewSearchAttributeKeyKeyword("Agent")
)
