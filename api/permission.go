package api

import (
	"context"
	"slices"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/gen/postroom/admin/v1/adminv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/agent/v1/agentv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/attachment/v1/attachmentv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/auth/v1/authv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/compose/v1/composev1connect"
	"github.com/postroom/postroom/internal/gen/postroom/contact/v1/contactv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/mail/v1/mailv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/reminder/v1/reminderv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/routing/v1/routingv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/sending/v1/sendingv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/supervisor/v1/supervisorv1connect"
	"github.com/postroom/postroom/internal/gen/postroom/template/v1/templatev1connect"
	"github.com/postroom/postroom/internal/store"
)

// permission is one line of the permission table: who may call, on which object, and what a session needs for it (R40).
type permission struct {
	// open calls need no session: they open one.
	open bool
	// locked sessions may make the call too.
	locked bool
	// passive calls are made by a desktop on its own; they do not keep a session from locking.
	passive bool
	roles   []postroom.Role
	// object tests the object that the request names; nil: the call has none, or it is the caller himself.
	object func(ctx context.Context, s *store.Store, p Principal, request any) error
}

var (
	everybody     = []postroom.Role{postroom.RoleAgent, postroom.RoleSupervisor, postroom.RoleAdministrator}
	handlers      = []postroom.Role{postroom.RoleAgent, postroom.RoleSupervisor} // who may hold contacts
	supervisors   = []postroom.Role{postroom.RoleSupervisor, postroom.RoleAdministrator}
	administrator = []postroom.Role{postroom.RoleAdministrator}
)

// attachmentContent is the table's name for GET /content/attachments/ID.
const attachmentContent = "/content/attachments/"

// permissions is the whole table. A procedure that is missing in it is refused to everybody; a test walks every procedure and content
// URL with every role on own and foreign objects.
var permissions = map[string]permission{
	authv1connect.AuthServiceSignInProcedure:     {open: true},
	authv1connect.AuthServiceSignOutProcedure:    {roles: everybody, locked: true},
	authv1connect.AuthServiceUnlockProcedure:     {roles: everybody, locked: true},
	authv1connect.AuthServiceGetSessionProcedure: {roles: everybody, locked: true, passive: true},

	agentv1connect.AgentServiceGetStateProcedure:      {roles: handlers, passive: true},
	agentv1connect.AgentServiceSetStateProcedure:      {roles: handlers},
	agentv1connect.AgentServiceListIdleCodesProcedure: {roles: handlers, passive: true},
	agentv1connect.AgentServiceHeartbeatProcedure:     {roles: handlers, passive: true},
	agentv1connect.AgentServiceWatchProcedure:         {roles: handlers, passive: true},
	agentv1connect.AgentServiceListAgentLogProcedure:  {roles: everybody, object: readableAgent},

	contactv1connect.ContactServiceListActiveContactsProcedure: {roles: handlers, passive: true},
	contactv1connect.ContactServiceGetContactProcedure:         {roles: handlers, object: readableContact},
	contactv1connect.ContactServiceListContactEventsProcedure:  {roles: handlers, object: readableContact},
	contactv1connect.ContactServiceListWrapUpCodesProcedure:    {roles: handlers, object: readableContact},
	routingv1connect.RoutingServiceExplainRoutingProcedure:     {roles: handlers, object: readableContact},
	contactv1connect.ContactServiceMarkOfferShownProcedure:     {roles: handlers, object: ownOffer, passive: true},
	contactv1connect.ContactServicePickContactProcedure:        {roles: handlers, object: colleaguesContact}, // whether it is for him, the row says,
	contactv1connect.ContactServiceAcceptOfferProcedure:        {roles: handlers, object: workableOffer},
	contactv1connect.ContactServiceDeclineOfferProcedure:       {roles: handlers, object: ownOffer},
	contactv1connect.ContactServiceSaveDraftProcedure:          {roles: handlers, object: ownOffer},
	contactv1connect.ContactServiceQuickReplyProcedure:         {roles: handlers, object: workableOffer},
	contactv1connect.ContactServiceCloseContactProcedure:       {roles: handlers, object: workableOffer},
	contactv1connect.ContactServiceCompleteWrapUpProcedure:     {roles: handlers, object: ownOffer},
	contactv1connect.ContactServiceTransferContactProcedure:    {roles: handlers, object: ownOffer},
	contactv1connect.ContactServiceParkContactProcedure:        {roles: handlers, object: ownOffer},
	contactv1connect.ContactServiceReturnToContactProcedure:    {roles: handlers, object: ownOffer},
	contactv1connect.ContactServiceReopenContactProcedure:      {roles: handlers, object: reopenableContact},
	contactv1connect.ContactServiceAddNoteProcedure:            {roles: handlers, object: colleaguesContact},
	contactv1connect.ContactServiceListNotesProcedure:          {roles: handlers, object: colleaguesContact},
	contactv1connect.ContactServiceLookAtContactProcedure:      {roles: handlers, object: colleaguesContact},
	contactv1connect.ContactServiceExtendWrapUpProcedure:       {roles: handlers, object: ownOffer},

	reminderv1connect.ReminderServiceCreateReminderProcedure:   {roles: handlers, object: colleaguesContact},
	reminderv1connect.ReminderServiceListRemindersProcedure:    {roles: everybody, passive: true},
	reminderv1connect.ReminderServiceUpdateReminderProcedure:   {roles: everybody, object: ownReminder},
	reminderv1connect.ReminderServiceCompleteReminderProcedure: {roles: everybody, object: ownReminder},
	reminderv1connect.ReminderServiceCancelReminderProcedure:   {roles: everybody, object: ownReminder},

	composev1connect.ComposeServiceProposeRecipientsProcedure: {roles: handlers, object: ownOffer, passive: true},
	composev1connect.ComposeServiceSendReplyProcedure:         {roles: handlers, object: workableOffer},
	composev1connect.ComposeServiceForwardMailProcedure:       {roles: handlers, object: workableOffer},
	composev1connect.ComposeServiceListQueuesProcedure:        {roles: handlers, passive: true},
	composev1connect.ComposeServiceStartMailProcedure:         {roles: handlers}, // in a queue of his team, with room for it

	sendingv1connect.SendingServiceUndoReplyProcedure:     {roles: handlers, object: ownOffer},
	sendingv1connect.SendingServiceScheduleReplyProcedure: {roles: handlers, object: workableOffer},
	sendingv1connect.SendingServiceListRepliesProcedure:   {roles: handlers, object: readableContact, passive: true},
	sendingv1connect.SendingServiceCancelReplyProcedure:   {roles: handlers, object: readableContact}, // whose the reply is, the row says,
	sendingv1connect.SendingServiceSendReplyNowProcedure:  {roles: handlers, object: readableContact}, // as here
	sendingv1connect.SendingServiceResendReplyProcedure:   {roles: handlers, object: readableContact}, // and here

	templatev1connect.TemplateServiceListTemplatesProcedure: {roles: handlers, object: ownOffer},
	templatev1connect.TemplateServiceFillTemplateProcedure:  {roles: handlers, object: workableOffer}, // it says what only the offer's contact shows

	adminv1connect.AdminServiceApplyConfigurationProcedure:        {roles: administrator},
	adminv1connect.AdminServiceExportConfigurationProcedure:       {roles: administrator},
	adminv1connect.AdminServicePreviewConfigurationProcedure:      {roles: administrator},
	adminv1connect.AdminServiceListConfigurationVersionsProcedure: {roles: administrator},
	adminv1connect.AdminServiceSetPasswordProcedure:               {roles: administrator},
	adminv1connect.AdminServiceRevokeSessionsProcedure:            {roles: administrator},
	adminv1connect.AdminServiceListAuditProcedure:                 {roles: administrator},

	supervisorv1connect.SupervisorServiceListBacklogProcedure:         {roles: supervisors, passive: true},
	supervisorv1connect.SupervisorServiceListAgentsProcedure:          {roles: supervisors, passive: true},
	supervisorv1connect.SupervisorServiceAssignContactProcedure:       {roles: supervisors, object: supervisedContact},
	supervisorv1connect.SupervisorServiceMoveContactProcedure:         {roles: supervisors, object: supervisedContact},
	supervisorv1connect.SupervisorServiceReprioritiseContactProcedure: {roles: supervisors, object: supervisedContact},
	supervisorv1connect.SupervisorServiceRequeueContactProcedure:      {roles: supervisors, object: supervisedContact},
	supervisorv1connect.SupervisorServiceUnstickContactProcedure:      {roles: supervisors, object: supervisedContact},
	supervisorv1connect.SupervisorServiceCloseContactsProcedure:       {roles: supervisors}, // each of its contacts is tested like the others
	supervisorv1connect.SupervisorServiceForceAgentStateProcedure:     {roles: supervisors, object: forcibleAgent},

	mailv1connect.MailServiceListScreenedProcedure:       {roles: supervisors, passive: true},
	mailv1connect.MailServiceReleaseMailProcedure:        {roles: supervisors}, // the mail is looked for in his mailboxes
	mailv1connect.MailServiceListBlockedSendersProcedure: {roles: supervisors, passive: true},
	mailv1connect.MailServiceBlockSenderProcedure:        {roles: supervisors},
	mailv1connect.MailServiceUnblockSenderProcedure:      {roles: supervisors},
	mailv1connect.MailServiceMergeContactsProcedure:      {roles: supervisors, object: supervisedContact}, // and the other is tested like it
	mailv1connect.MailServiceUndoMergeProcedure:          {roles: supervisors, object: supervisedContact},
	mailv1connect.MailServiceSplitContactProcedure:       {roles: supervisors, object: supervisedContact},

	attachmentv1connect.AttachmentServiceListFilesProcedure:  {roles: handlers, object: ownOffer, passive: true},
	attachmentv1connect.AttachmentServiceRemoveFileProcedure: {roles: handlers, object: ownOffer},
	attachmentv1connect.AttachmentServiceTakeFilesProcedure:  {roles: handlers, object: workableOffer},

	attachmentContent: {roles: handlers, object: readableAttachment},
	uploadContent:     {roles: handlers, object: workableOffer},
	fileContent:       {roles: handlers, object: heldFile},
	messageContent:    {roles: handlers, object: readableMessage},
}

// may tests a line of the table for a principal and a request.
func (line permission) may(ctx context.Context, s *store.Store, p Principal, request any) error {
	if p.Locked && !line.locked {
		return postroom.Unauthenticated("session_locked", "the session is locked: give your password again")
	}
	if !slices.Contains(line.roles, p.Role) {
		return postroom.Forbidden("your role may not do this")
	}
	if line.object == nil {
		return nil
	}
	return line.object(ctx, s, p, request)
}

// readableContact lets an agent read what he holds, is offered, handled or is reminded of, and contacts of a customer whom he serves now; a supervisor
// also what is in the queues of his team. Anything else is as unknown as a contact that does not exist.
func readableContact(ctx context.Context, s *store.Store, p Principal, request any) error {
	return namedContact(ctx, s, p, request, mayRead)
}

// colleaguesContact lets also those look at a contact, and leave a note on it, whose team serves its queue (R47).
func colleaguesContact(ctx context.Context, s *store.Store, p Principal, request any) error {
	return namedContact(ctx, s, p, request, func(p Principal, r store.Relation) bool { return mayRead(p, r) || r.Queue })
}

// reopenableContact lets those take a contact up again who handled it, whose team serves its queue, or who supervise it (R46).
func reopenableContact(ctx context.Context, s *store.Store, p Principal, request any) error {
	return namedContact(ctx, s, p, request, func(p Principal, r store.Relation) bool { return r.Handled || r.Queue || supervises(p, r) })
}

func mayRead(p Principal, r store.Relation) bool {
	return r.Holds || r.Offered || r.Handled || r.Serves || r.Reminded || supervises(p, r)
}

func supervises(p Principal, r store.Relation) bool {
	return p.Role == postroom.RoleSupervisor && r.InTeam
}

// namedContact tests the contact that a request names. One that somebody may not see is as unknown as one that does not exist.
func namedContact(ctx context.Context, s *store.Store, p Principal, request any, may func(Principal, store.Relation) bool) error {
	named, ok := request.(interface{ GetContactId() string })
	if !ok {
		return postroom.Internal("a permission asks for a contact that the request does not name", nil)
	}
	return related(ctx, s, p, postroom.ContactID(named.GetContactId()), may)
}

func related(ctx context.Context, s *store.Store, p Principal, id postroom.ContactID, may func(Principal, store.Relation) bool) error {
	if err := wellFormedID(string(id)); err != nil {
		return err
	}
	r, err := s.RelationToContact(ctx, id, p.Agent)
	if err != nil {
		return err
	}
	if may(p, r) {
		return nil
	}
	return postroom.NotFound(postroom.ReasonUnknownContact, "there is no such contact")
}

// ownOffer lets an agent act on his own offers only, whatever his role.
func ownOffer(ctx context.Context, s *store.Store, p Principal, request any) error {
	named, ok := request.(interface{ GetOfferId() string })
	if !ok {
		return postroom.Internal("a permission asks for an offer that the request does not name", nil)
	}
	if err := wellFormedID(named.GetOfferId()); err != nil {
		return err
	}
	_, err := s.ContactOfOffer(ctx, postroom.OfferID(named.GetOfferId()), p.Agent)
	return err
}

// workableOffer is ownOffer for what only somebody may do who has capacity for the offer's channel, or had it when he accepted (R2): whose
// profile has none does not answer customers there, whatever the desktop shows.
func workableOffer(ctx context.Context, s *store.Store, p Principal, request any) error {
	named, ok := request.(interface{ GetOfferId() string })
	if !ok {
		return postroom.Internal("a permission asks for an offer that the request does not name", nil)
	}
	if err := wellFormedID(named.GetOfferId()); err != nil {
		return err
	}
	work, err := s.MayWork(ctx, postroom.OfferID(named.GetOfferId()), p.Agent)
	switch {
	case err != nil:
		return err
	case work.Capacity == 0 && !work.Accepted:
		return postroom.Refused(postroom.ReasonNoCapacity, "your profile has no capacity for this channel")
	case !work.Own:
		return postroom.NotFound(postroom.ReasonUnknownOffer, "there is no such offer")
	}
	return nil
}

// readableAttachment lets read the attachments of readable contacts; request is the attachment's id.
func readableAttachment(ctx context.Context, s *store.Store, p Principal, request any) error {
	id, ok := request.(postroom.AttachmentID)
	if !ok {
		return postroom.Internal("a permission asks for an attachment that the request does not name", nil)
	}
	unknown := postroom.NotFound("unknown_attachment", "there is no such attachment")
	if wellFormedID(string(id)) != nil {
		return unknown
	}
	content, err := s.Attachment(ctx, id)
	if err != nil {
		return err
	}
	if content.Contact == "" {
		return unknown
	}
	err = related(ctx, s, p, content.Contact, mayRead)
	if postroom.KindOf(err) == postroom.KindNotFound {
		return unknown
	}
	return err
}

// heldFile lets read the files of the draft of a contact whoever holds that contact; request is the file's id.
func heldFile(ctx context.Context, s *store.Store, p Principal, request any) error {
	id, ok := request.(postroom.AttachmentID)
	if !ok {
		return postroom.Internal("a permission asks for a file that the request does not name", nil)
	}
	if wellFormedID(string(id)) != nil {
		return store.UnknownFile()
	}
	file, err := s.DraftFile(ctx, id)
	if err != nil {
		return err
	}
	err = related(ctx, s, p, file.Contact, func(_ Principal, r store.Relation) bool { return r.Holds })
	if postroom.KindOf(err) == postroom.KindNotFound {
		return store.UnknownFile()
	}
	return err
}

// readableMessage lets read the HTML of the messages of readable contacts; request is the message's id.
func readableMessage(ctx context.Context, s *store.Store, p Principal, request any) error {
	id, ok := request.(postroom.MessageID)
	if !ok {
		return postroom.Internal("a permission asks for a message that the request does not name", nil)
	}
	unknown := postroom.NotFound("unknown_message", "there is no such message")
	if wellFormedID(string(id)) != nil {
		return unknown
	}
	contact, err := s.ContactOfMessage(ctx, id)
	if err != nil {
		return err
	}
	if contact == "" {
		return unknown
	}
	err = related(ctx, s, p, contact, mayRead)
	if postroom.KindOf(err) == postroom.KindNotFound {
		return unknown
	}
	return err
}
