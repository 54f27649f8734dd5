package api_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/api"
	"github.com/postroom/postroom/internal/auth"
	errorv1 "github.com/postroom/postroom/internal/gen/postroom/error/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// rule is what R40 and the words of the API's definition say of a call.
type rule struct {
	who    string // "open", "everybody", "handlers" (agents and supervisors), "supervisors" (and administrators) or "administrators"
	locked bool   // a locked session will do
	// what it names: "", "contact", "offer", "reminder", "attachment" or "message"; "supervised", a contact that somebody acts on; "agent" or "forcible", which
	// are agents
	object string
	says   string // what who may call it is answered, if the walk's request is not good enough for ok
	of     access // of a contact: what it takes; nil: what reading takes
}

// rules were written from the requirements, not from the API's own table.
var rules = map[string]rule{
	"/postroom.auth.v1.AuthService/SignIn":     {who: "open"},
	"/postroom.auth.v1.AuthService/SignOut":    {who: "everybody", locked: true},
	"/postroom.auth.v1.AuthService/Unlock":     {who: "everybody", locked: true},
	"/postroom.auth.v1.AuthService/GetSession": {who: "everybody", locked: true},

	"/postroom.agent.v1.AgentService/GetState":      {who: "handlers"},
	"/postroom.agent.v1.AgentService/SetState":      {who: "handlers"},
	"/postroom.agent.v1.AgentService/ListIdleCodes": {who: "handlers"},
	"/postroom.agent.v1.AgentService/Heartbeat":     {who: "handlers"},
	"/postroom.agent.v1.AgentService/Watch":         {who: "handlers"},
	"/postroom.agent.v1.AgentService/ListAgentLog":  {who: "everybody", object: "agent"},

	"/postroom.contact.v1.ContactService/ListActiveContacts": {who: "handlers"},
	"/postroom.contact.v1.ContactService/GetContact":         {who: "handlers", object: "contact"},
	"/postroom.contact.v1.ContactService/ListContactEvents":  {who: "handlers", object: "contact"},
	"/postroom.contact.v1.ContactService/ListWrapUpCodes":    {who: "handlers", object: "contact"},
	"/postroom.routing.v1.RoutingService/ExplainRouting":     {who: "handlers", object: "contact"},
	"/postroom.contact.v1.ContactService/MarkOfferShown":     {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/PickContact":        {who: "handlers", object: "contact", of: looks},
	"/postroom.contact.v1.ContactService/AcceptOffer":        {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/DeclineOffer":       {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/SaveDraft":          {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/QuickReply":         {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/CloseContact":       {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/CompleteWrapUp":     {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/TransferContact":    {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/ParkContact":        {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/ReturnToContact":    {who: "handlers", object: "offer"},
	"/postroom.contact.v1.ContactService/ReopenContact":      {who: "handlers", object: "contact", of: reopens},
	"/postroom.contact.v1.ContactService/AddNote":            {who: "handlers", object: "contact", of: looks},
	"/postroom.contact.v1.ContactService/ListNotes":          {who: "handlers", object: "contact", of: looks},
	"/postroom.contact.v1.ContactService/LookAtContact":      {who: "handlers", object: "contact", of: looks},
	"/postroom.contact.v1.ContactService/ExtendWrapUp":       {who: "handlers", object: "offer"},

	"/postroom.reminder.v1.ReminderService/CreateReminder":   {who: "handlers", object: "contact", of: looks},
	"/postroom.reminder.v1.ReminderService/ListReminders":    {who: "everybody"},
	"/postroom.reminder.v1.ReminderService/UpdateReminder":   {who: "everybody", object: "reminder"},
	"/postroom.reminder.v1.ReminderService/CompleteReminder": {who: "everybody", object: "reminder"},
	"/postroom.reminder.v1.ReminderService/CancelReminder":   {who: "everybody", object: "reminder"},

	"/postroom.compose.v1.ComposeService/ProposeRecipients": {who: "handlers", object: "offer", says: "invalid_argument/malformed"},
	"/postroom.compose.v1.ComposeService/ForwardMail":       {who: "handlers", object: "offer"},
	"/postroom.compose.v1.ComposeService/ListQueues":        {who: "handlers"},
	"/postroom.compose.v1.ComposeService/StartMail":         {who: "handlers"},
	"/postroom.compose.v1.ComposeService/SendReply":         {who: "handlers", object: "offer"},

	"/postroom.sending.v1.SendingService/UndoReply":     {who: "handlers", object: "offer"},
	"/postroom.sending.v1.SendingService/ScheduleReply": {who: "handlers", object: "offer"},
	"/postroom.sending.v1.SendingService/ListReplies":   {who: "handlers", object: "contact"},
	"/postroom.sending.v1.SendingService/CancelReply":   {who: "handlers", object: "contact"},
	"/postroom.sending.v1.SendingService/SendReplyNow":  {who: "handlers", object: "contact"},
	"/postroom.sending.v1.SendingService/ResendReply":   {who: "handlers", object: "contact"},

	"/postroom.template.v1.TemplateService/ListTemplates": {who: "handlers", object: "offer"},
	"/postroom.template.v1.TemplateService/FillTemplate":  {who: "handlers", object: "offer", says: "not_found/unknown_template"},

	"/postroom.admin.v1.AdminService/ApplyConfiguration":        {who: "administrators"},
	"/postroom.admin.v1.AdminService/ExportConfiguration":       {who: "administrators"},
	"/postroom.admin.v1.AdminService/PreviewConfiguration":      {who: "administrators", says: "invalid_argument/configuration_invalid"},
	"/postroom.admin.v1.AdminService/ListConfigurationVersions": {who: "administrators"},
	"/postroom.admin.v1.AdminService/SetPassword":               {who: "administrators"},
	"/postroom.admin.v1.AdminService/RevokeSessions":            {who: "administrators"},
	"/postroom.admin.v1.AdminService/ListAudit":                 {who: "administrators"},

	"/postroom.supervisor.v1.SupervisorService/ListBacklog":         {who: "supervisors"},
	"/postroom.supervisor.v1.SupervisorService/ListAgents":          {who: "supervisors"},
	"/postroom.supervisor.v1.SupervisorService/AssignContact":       {who: "supervisors", object: "supervised"},
	"/postroom.supervisor.v1.SupervisorService/MoveContact":         {who: "supervisors", object: "supervised"},
	"/postroom.supervisor.v1.SupervisorService/ReprioritiseContact": {who: "supervisors", object: "supervised"},
	"/postroom.supervisor.v1.SupervisorService/RequeueContact":      {who: "supervisors", object: "supervised"},
	"/postroom.supervisor.v1.SupervisorService/UnstickContact":      {who: "supervisors", object: "supervised"},
	"/postroom.supervisor.v1.SupervisorService/CloseContacts":       {who: "supervisors"},
	"/postroom.supervisor.v1.SupervisorService/ForceAgentState":     {who: "supervisors", object: "forcible"},

	"/postroom.mail.v1.MailService/ListScreened":       {who: "supervisors"},
	"/postroom.mail.v1.MailService/ReleaseMail":        {who: "supervisors"},
	"/postroom.mail.v1.MailService/ListBlockedSenders": {who: "supervisors"},
	"/postroom.mail.v1.MailService/BlockSender":        {who: "supervisors"},
	"/postroom.mail.v1.MailService/UnblockSender":      {who: "supervisors"},
	"/postroom.mail.v1.MailService/MergeContacts":      {who: "supervisors", object: "supervised"},
	"/postroom.mail.v1.MailService/UndoMerge":          {who: "supervisors", object: "supervised"},
	"/postroom.mail.v1.MailService/SplitContact":       {who: "supervisors", object: "supervised"},

	"/postroom.attachment.v1.AttachmentService/ListFiles":  {who: "handlers", object: "offer"},
	"/postroom.attachment.v1.AttachmentService/RemoveFile": {who: "handlers", object: "offer"},
	"/postroom.attachment.v1.AttachmentService/TakeFiles":  {who: "handlers", object: "offer"},

	contentURL: {who: "handlers", object: "attachment"},
	uploadURL:  {who: "handlers", object: "offer", says: "invalid_argument/malformed"}, // the walk's upload has no id
	fileURL:    {who: "handlers", object: "file"},
	messageURL: {who: "handlers", object: "message"},
}

const (
	contentURL = "/content/attachments/"
	uploadURL  = "/content/uploads/"
	fileURL    = "/content/files/"
	messageURL = "/content/messages/"
)

// procedures are all procedures of all services that are compiled in, by their path.
func procedures() map[string]protoreflect.MethodDescriptor {
	found := map[string]protoreflect.MethodDescriptor{}
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "postroom.") {
			return true
		}
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				m := s.Methods().Get(j)
				found[fmt.Sprintf("/%s/%s", s.FullName(), m.Name())] = m
			}
		}
		return true
	})
	return found
}

func TestEveryCallHasALineInBothTables(t *testing.T) {
	t.Parallel()
	listed := api.ListedCalls()
	for call := range procedures() {
		if _, ruled := rules[call]; !ruled {
			t.Errorf("%s: write down who may call it", call)
		}
		if !listed[call] {
			t.Errorf("%s is not in the permission table", call)
		}
	}
	for call := range listed {
		if _, ruled := rules[call]; !ruled {
			t.Errorf("%s is in the permission table, and nobody wrote down who may call it", call)
		}
	}
	if len(procedures()) < 25 {
		t.Errorf("%d procedures: this test looks at the wrong names", len(procedures()))
	}
}

// A path that is served beside the services needs a look at who may have it: all there are stand here.
func TestEveryOtherPathIsKnown(t *testing.T) {
	t.Parallel()
	known := []string{`"GET "+attachmentContent+"{id}"`, `"GET "+messageContent+"{id}/html"`, `"GET "+fileContent+"{id}"`, `"PUT "+uploadContent+"{offer}/{id}"`, `"GET /healthz"`, `"GET /readyz"`, `"/"`}
	files, err := os.ReadDir(".")
	must(t, err)
	var found []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		source, err := os.ReadFile(f.Name())
		must(t, err)
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), source, 0)
		must(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			if s, ok := call.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Handle" || s.Sel.Name == "HandleFunc") {
				found = append(found, string(source[call.Args[0].Pos()-1:call.Args[0].End()-1]))
			}
			return true
		})
	}
	slices.Sort(found)
	slices.Sort(known)
	if !slices.Equal(found, known) {
		t.Errorf("served are %q, known are %q", found, known)
	}
}

func TestEveryCallObeysThePermissionTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, difference := range walk(t, w, w.Server.Handler()) {
		t.Error(difference)
	}
}

// The walk must notice an opened line, a missing guard, and a line that is not there.
func TestTheWalkNoticesAnOpenDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const (
		contact = "/postroom.contact.v1.ContactService/GetContact"
		offer   = "/postroom.contact.v1.ContactService/AcceptOffer"
		export  = "/postroom.admin.v1.AdminService/ExportConfiguration"
		stream  = "/postroom.agent.v1.AgentService/Watch"
		unstick = "/postroom.supervisor.v1.SupervisorService/UnstickContact"
		pick    = "/postroom.contact.v1.ContactService/PickContact"
		force   = "/postroom.supervisor.v1.SupervisorService/ForceAgentState"
		log     = "/postroom.agent.v1.AgentService/ListAgentLog"
	)
	for name, door := range map[string]struct {
		handler http.Handler
		call    string
	}{
		"any contact":     {w.Server.OpenToAnyObject(contact), contact},
		"any offer":       {w.Server.OpenToAnyObject(offer), offer},
		"unstick any":     {w.Server.OpenToAnyObject(unstick), unstick},
		"agents unstick":  {w.Server.OpenToEverybody(unstick), unstick},
		"pick any":        {w.Server.OpenToAnyObject(pick), pick},
		"force any":       {w.Server.OpenToAnyObject(force), force},
		"any log":         {w.Server.OpenToAnyObject(log), log},
		"any attachment":  {w.Server.OpenToAnyObject(contentURL), contentURL},
		"any message":     {w.Server.OpenToAnyObject(messageURL), messageURL},
		"any file":        {w.Server.OpenToAnyObject(fileURL), fileURL},
		"any upload":      {w.Server.OpenToAnyObject(uploadURL), uploadURL},
		"every role":      {w.Server.OpenToEverybody(export), export},
		"locked sessions": {w.Server.OpenToLocked(stream), stream},
		"no line":         {w.Server.WithoutLine(contact), contact},
		"no guard":        {w.Server.Unguarded(), contact},
	} {
		if differences := walk(t, w, door.handler, door.call); len(differences) == 0 {
			t.Errorf("%s: the walk notices nothing", name)
		}
	}
	if differences := walk(t, w, w.Server.Handler(), contact, offer, export, stream, unstick, pick, force, log, contentURL); len(differences) > 0 {
		t.Errorf("with all doors closed it says %q", differences)
	}
}

// walk makes every call, or those given, as every subject on every object, and describes each answer that is not as the rules say. Mutations
// carry a malformed request_id: who gets past the guard is told so, and changes nothing.
func walk(t *testing.T, w *world, h http.Handler, calls ...string) (differences []string) {
	t.Helper()
	if len(calls) == 0 {
		for call := range rules {
			calls = append(calls, call)
		}
	}
	for _, s := range subjects {
		mine := s.token(t, w)
		for _, call := range calls {
			stranger := ""
			for _, o := range w.objects(s, rules[call].object) {
				if of := rules[call].of; of != nil {
					o.may = of(s.person, o)
				}
				token := mine
				if strings.HasSuffix(call, "/SignOut") {
					token = s.token(t, w) // it ends with the call
				}
				answer := w.call(t, h, call, token, o.id)
				if want := expected(s, call, o); !slices.Contains(want, answer.says) {
					differences = append(differences, fmt.Sprintf("%s calls %s (%s): %s, want %s", s.name, call, o.name, answer.says, want))
				}
				if o.may || o.name == malformed {
					continue
				}
				if stranger == "" {
					stranger = answer.whole
				}
				if stranger != answer.whole {
					differences = append(differences, fmt.Sprintf("%s calls %s (%s): told apart from another that he may not see:\n%s\n%s",
						s.name, call, o.name, answer.whole, stranger))
				}
			}
		}
	}
	return differences
}

// objects are what a subject tries a call on.
func (w *world) objects(s subject, kind string) []object {
	switch kind {
	case "contact":
		return append([]object{{malformed, "x", false}}, w.contacts[s.person]...)
	case "supervised":
		objects := []object{{malformed, "x", false}}
		for _, o := range w.contacts[s.person] {
			o.may = o.supervisable(s)
			objects = append(objects, o)
		}
		return objects
	case "agent", "forcible":
		above := s.role == postroom.RoleSupervisor || s.role == postroom.RoleAdministrator
		own := s.person
		if s.role == postroom.RoleAdministrator {
			own = "admin"
		}
		return []object{{"himself", string(own), true}, {"a colleague", "tom", above}, {"another team's", "nari", s.role == postroom.RoleAdministrator},
			{"retired", "rex", false}, {unknown, "nobody", false}}
	case "attachment":
		return append([]object{{malformed, "x", false}}, w.attachments[s.person]...)
	case "file":
		return append([]object{{malformed, "x", false}}, w.files[s.person]...)
	case "message":
		return append([]object{{malformed, "x", false}}, w.messages[s.person]...)
	case "reminder":
		person := s.person
		if s.role == postroom.RoleAdministrator {
			person = "admin"
		}
		return append([]object{{malformed, "x", false}, {unknown, testkit.NewID(), false}}, w.reminders[person]...)
	case "offer":
		objects := []object{{malformed, "x", false}, {"a colleague's", string(w.foreign), false}, {unknown, testkit.NewID(), false}}
		for _, own := range w.offers[s.person] {
			objects = append(objects, object{"his own", string(own), true})
		}
		return objects
	}
	return []object{{"", "", true}}
}

// expected are the answers that the rules allow.
func expected(s subject, call string, o object) []string {
	r := rules[call]
	switch {
	case r.who == "open":
		return []string{"unauthenticated/sign_in_failed"} // the walk gives no name
	case s.role == "":
		return []string{"unauthenticated/session_ended"}
	case s.locked && !r.locked:
		return []string{"unauthenticated/session_locked"}
	case r.who == "handlers" && s.role == postroom.RoleAdministrator, r.who == "administrators" && s.role != postroom.RoleAdministrator,
		r.who == "supervisors" && s.role == postroom.RoleAgent:
		return []string{"permission_denied/forbidden"}
	case r.object == "attachment" && !o.may:
		return []string{"not_found/unknown_attachment"}
	case r.object == "message" && !o.may:
		return []string{"not_found/unknown_message"}
	case r.object == "file" && !o.may:
		return []string{"not_found/unknown_file"}
	case o.name == malformed:
		return []string{"invalid_argument/malformed"}
	case !o.may:
		noun := map[string]string{"supervised": "contact", "forcible": "agent"}[r.object]
		return []string{"not_found/unknown_" + cmp.Or(noun, r.object)}
	case strings.HasSuffix(call, "/Unlock"): // the walk gives no password
		return []string{"unauthenticated/sign_in_failed", "failed_precondition/too_many_attempts"}
	case procedures()[call] != nil && procedures()[call].Input().Fields().ByName("request_id") != nil:
		return []string{"invalid_argument/malformed"}
	case r.says != "":
		return []string{r.says}
	}
	return []string{"ok"}
}

// answer is what a call was answered: whole is all that the caller sees, but for times.
type answer struct{ says, whole string }

// call makes a call as a browser's script or curl would, with JSON.
func (w *world) call(t *testing.T, h http.Handler, path string, bearer auth.Token, object string) answer {
	t.Helper()
	method, isProcedure := procedures()[path]
	suffix := map[string]string{messageURL: "/html", uploadURL: "/x"}[path]
	verb := cmp.Or(map[string]string{uploadURL: http.MethodPut}[path], http.MethodGet)
	request := httptest.NewRequestWithContext(soon(t), verb, path+object+suffix, nil)
	if isProcedure {
		fields := map[string]string{}
		for i := range method.Input().Fields().Len() {
			switch f := method.Input().Fields().Get(i); f.Name() {
			case "contact_id", "offer_id", "reminder_id":
				fields[string(f.Name())] = object
			case "agent":
				if kind := rules[path].object; kind == "agent" || kind == "forcible" {
					fields[string(f.Name())] = object
				}
			case "request_id":
				fields[string(f.Name())] = "not a UUID"
			}
		}
		body, err := json.Marshal(fields)
		must(t, err)
		request = httptest.NewRequestWithContext(soon(t), http.MethodPost, path, bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		if method.IsStreamingServer() {
			return w.firstOf(t, h, path, bearer, body)
		}
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	request.Host = "127.0.0.1"
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	whole := fmt.Sprint(recorder.Code, recorder.Header(), recorder.Body)
	switch {
	case recorder.Code == http.StatusOK:
		return answer{"ok", whole}
	case isProcedure:
		return answer{saysJSON(recorder.Body.Bytes()), whole}
	}
	return answer{saysText(recorder), whole}
}

// firstOf begins a stream over a real connection, and takes the first thing that it says.
func (w *world) firstOf(t *testing.T, h http.Handler, path string, bearer auth.Token, body []byte) answer {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	defer server.CloseClientConnections()
	message := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	request, err := http.NewRequestWithContext(soon(t), http.MethodPost, server.URL+path, bytes.NewReader(message))
	must(t, err)
	request.Header.Set("Content-Type", "application/connect+json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	response, err := server.Client().Do(request)
	must(t, err)
	defer response.Body.Close()
	var head [5]byte
	if _, err := io.ReadFull(response.Body, head[:]); err != nil {
		return answer{"nothing", err.Error()}
	}
	if head[0] == 0 {
		return answer{"ok", ""}
	}
	end := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(response.Body, end)
	must(t, err)
	var trailer struct{ Error json.RawMessage }
	must(t, json.Unmarshal(end, &trailer))
	return answer{saysJSON(trailer.Error), string(end)}
}

// saysJSON reads code and reason from an error of the Connect protocol.
func saysJSON(body []byte) string {
	var e struct {
		Code    string
		Details []struct{ Value string }
	}
	if json.Unmarshal(body, &e) != nil || len(e.Details) != 1 {
		return "no error of ours: " + string(body)
	}
	var detail errorv1.ErrorDetail
	raw, err := base64.RawStdEncoding.DecodeString(e.Details[0].Value)
	if err != nil || proto.Unmarshal(raw, &detail) != nil {
		return "no detail of ours: " + string(body)
	}
	return e.Code + "/" + detail.Reason
}

// saysText reads code and reason from an answer to a content URL, which says what a call would in words.
func saysText(r *httptest.ResponseRecorder) string {
	words := map[string]string{
		"unauthenticated: sign in first":                                   "unauthenticated/session_ended",
		"unauthenticated: the session is locked: give your password again": "unauthenticated/session_locked",
		"permission_denied: your role may not do this":                     "permission_denied/forbidden",
		"not_found: there is no such attachment":                           "not_found/unknown_attachment",
		"not_found: there is no such message":                              "not_found/unknown_message",
		"not_found: there is no such file":                                 "not_found/unknown_file",
		"not_found: there is no such offer":                                "not_found/unknown_offer",
		"invalid_argument: an id must be a UUID":                           "invalid_argument/malformed",
	}
	statuses := map[string]int{connect.CodeUnauthenticated.String(): 401, connect.CodePermissionDenied.String(): 403, connect.CodeNotFound.String(): 404,
		connect.CodeInvalidArgument.String(): 400}
	said := strings.TrimSpace(r.Body.String())
	code, _, _ := strings.Cut(said, ":")
	if words[said] == "" || statuses[code] != r.Code {
		return fmt.Sprintf("%d %q", r.Code, said)
	}
	return words[said]
}
