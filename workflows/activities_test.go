package workflows

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/postroom/postroom"
)

// line is a line of the call table, without its types' parameters.
type line struct {
	name    string
	in, out reflect.Type
	options callOptions
}

func lineOf[In, Out any](c call[In, Out]) line {
	return line{c.name, reflect.TypeFor[In](), reflect.TypeFor[Out](), c.options("why")}
}

func callTable() []line {
	return []line{lineOf(loadContact), lineOf(routeContact), lineOf(offerContact), lineOf(expireOffer), lineOf(acceptOffer), lineOf(declineOffer),
		lineOf(reply), lineOf(closeContact), lineOf(completeWrapUp), lineOf(extendWrapUp), lineOf(autoWrapUp), lineOf(transferContact), lineOf(parkContact),
		lineOf(returnToContact), lineOf(resumeContact), lineOf(undoReply), lineOf(acknowledgeContact), lineOf(sendReply), lineOf(probeReply), lineOf(loadReminder), lineOf(fireReminder),
		lineOf(watchMailbox)}
}

// unfit says what does not fit between a call table and a contract: a name that the contract does not know, another type, a method that no line
// calls, a name that is there twice.
func unfit(table []line, contract reflect.Type) (flaws []string) {
	called := map[string]int{}
	for _, l := range table {
		called[l.name]++
		m, known := contract.MethodByName(l.name)
		if !known {
			flaws = append(flaws, l.name+": the contract does not know it")
			continue
		}
		want := reflect.FuncOf([]reflect.Type{reflect.TypeFor[context.Context](), l.in}, []reflect.Type{l.out, reflect.TypeFor[error]()}, false)
		if m.Type != want {
			flaws = append(flaws, l.name+": the contract says "+m.Type.String()+", the table "+want.String())
		}
	}
	for i := range contract.NumMethod() {
		if n := called[contract.Method(i).Name]; n != 1 {
			flaws = append(flaws, contract.Method(i).Name+": called by "+strconv.Itoa(n)+" lines of the table")
		}
	}
	return flaws
}

// Calls are made by name, so the compiler does not compare the table with the contract.
func TestCallTableFitsTheContract(t *testing.T) {
	t.Parallel()
	if flaws := unfit(callTable(), reflect.TypeFor[Activities]()); len(flaws) > 0 {
		t.Error(flaws)
	}
}

// The control: each kind of flaw is found.
func TestCallTableThatDoesNotFitIsFound(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func([]line) []line{
		"a misspelt name":   func(l []line) []line { l[0].name = "LoadContcat"; return l },
		"another input":     func(l []line) []line { l[3].in = reflect.TypeFor[OfferCommand](); return l },
		"another output":    func(l []line) []line { l[0].out = reflect.TypeFor[Watched](); return l },
		"a line missing":    func(l []line) []line { return l[1:] },
		"a line twice":      func(l []line) []line { return append(l, l[2]) },
		"two names swapped": func(l []line) []line { l[3].name, l[4].name = l[4].name, l[3].name; return l },
	} {
		if len(unfit(spoil(callTable()), reflect.TypeFor[Activities]())) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

// This file's list of the lines is complete: the source has no other.
func TestEveryLineOfTheCallTableIsTested(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "activities.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var source []string
	ast.Inspect(file, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if generic, ok := literal.Type.(*ast.IndexListExpr); !ok || generic.X.(*ast.Ident).Name != "call" {
			return true
		}
		name, err := strconv.Unquote(literal.Elts[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, name)
		return true
	})
	var tested []string
	for _, l := range callTable() {
		tested = append(tested, l.name)
	}
	if !slices.Equal(source, tested) {
		t.Errorf("the source has %v, tested are %v", source, tested)
	}
}

// Steps on the database are local activities, mail is a normal one; each says how long it may take and how it is tried again.
func TestEveryCallHasItsTimesAndItsRetriesChosen(t *testing.T) {
	t.Parallel()
	for _, l := range callTable() {
		mail := l.name == "SendReply" || l.name == "ProbeReply" || l.name == "WatchMailbox"
		if (l.options.remote != nil) != mail || (l.options.local == nil) != mail {
			t.Errorf("%s: local %t, normal %t", l.name, l.options.local != nil, l.options.remote != nil)
			continue
		}
		if mail {
			o := l.options.remote
			if o.StartToCloseTimeout <= 0 || o.HeartbeatTimeout < 3*5*time.Second || o.RetryPolicy == nil || o.Summary != "why" {
				t.Errorf("%s: %+v: a heartbeat comes every 5 s", l.name, o)
			}
			if p := o.RetryPolicy; p.MaximumAttempts != 0 || p.InitialInterval <= 0 || p.MaximumInterval < p.InitialInterval || p.BackoffCoefficient < 1 {
				t.Errorf("%s: %+v", l.name, p)
			}
			continue
		}
		o := l.options.local
		// A workflow task may take 10 s, and a local activity that takes longer holds it open with heartbeats: it must end some time.
		if o.StartToCloseTimeout <= 0 || o.StartToCloseTimeout > time.Minute || o.ScheduleToCloseTimeout < 24*time.Hour || o.RetryPolicy == nil || o.Summary != "why" {
			t.Errorf("%s: %+v", l.name, o)
		}
		if p := o.RetryPolicy; p.MaximumAttempts != 0 || p.InitialInterval <= 0 || p.MaximumInterval > time.Minute || p.BackoffCoefficient < 1 {
			t.Errorf("%s: %+v: a step is tried until the database is back", l.name, p)
		}
	}
	if watch := lineOf(watchMailbox).options.remote; !watch.WaitForCancellation || watch.StartToCloseTimeout < time.Hour {
		t.Errorf("a watch lasts half an hour, and its successor waits for it: %+v", watch)
	}
	if send := lineOf(sendReply).options.remote; send.ScheduleToCloseTimeout < 48*time.Hour {
		t.Errorf("a reply is tried for 48 hours: %+v", send)
	}
}

// harmless are the types at which a payload may end: ids, keys of the configuration, states, codes, times and numbers.
var harmless = map[reflect.Type]bool{
	reflect.TypeFor[postroom.ContactID](): true, reflect.TypeFor[postroom.OfferID](): true, reflect.TypeFor[postroom.OutboxID](): true, reflect.TypeFor[postroom.MessageID](): true,
	reflect.TypeFor[postroom.CompositionID](): true,
	reflect.TypeFor[postroom.AgentID]():       true, reflect.TypeFor[postroom.QueueID](): true, reflect.TypeFor[postroom.MailboxID](): true,
	reflect.TypeFor[postroom.ReminderID](): true, reflect.TypeFor[postroom.ReminderState](): true,
	reflect.TypeFor[postroom.ContactPhase](): true, reflect.TypeFor[postroom.Delivery](): true, reflect.TypeFor[postroom.WrapUpCode](): true,
	reflect.TypeFor[postroom.WrapUpStatus](): true, reflect.TypeFor[postroom.Sentiment](): true,
	reflect.TypeFor[time.Time](): true, reflect.TypeFor[time.Duration](): true, reflect.TypeFor[bool](): true, reflect.TypeFor[int](): true, reflect.TypeFor[int64](): true,
}

// plain are the fields of a plain type that are harmless all the same.
var plain = map[string]string{
	"ContactSnapshot.Epoch": "names a life of the database",
	"Command.RequestID":     "a UUID, by its validator",
	"Command.RPC":           "a name of the API",
	"Command.BodyHash":      "a keyed digest",
	"Seen.Message":          "a UUID, by its validator",
}

// open lists the places of a payload type that could hold text.
func open(of reflect.Type) (places []string) {
	switch {
	case harmless[of]:
		return nil
	case of.Kind() == reflect.Slice:
		return open(of.Elem())
	case of.Kind() != reflect.Struct:
		return []string{of.String()}
	}
	for i := range of.NumField() {
		f := of.Field(i)
		if name := of.Name() + "." + f.Name; plain[name] == "" {
			for _, place := range open(f.Type) {
				places = append(places, name+" "+place)
			}
		}
	}
	return places
}

// No field of a payload can hold a mail, an address or a note, whatever the code that fills it does.
func TestPayloadsHaveNoPlaceForText(t *testing.T) {
	t.Parallel()
	payloads := []reflect.Type{reflect.TypeFor[ContactState](), reflect.TypeFor[ContactResult](), reflect.TypeFor[MailboxState](),
		reflect.TypeFor[ReminderRun](), reflect.TypeFor[ReminderResult]()}
	for _, l := range callTable() {
		payloads = append(payloads, l.in, l.out)
	}
	for _, p := range payloads {
		if places := open(p); len(places) > 0 {
			t.Errorf("%s: %v", p, places)
		}
	}
}

func TestPayloadWithAPlaceForTextIsFound(t *testing.T) {
	t.Parallel()
	for _, p := range []reflect.Type{
		reflect.TypeFor[struct{ Note string }](), reflect.TypeFor[struct{ Bodies [][]byte }](), reflect.TypeFor[struct{ Subject postroom.Text }](),
		reflect.TypeFor[struct{ Any any }](), reflect.TypeFor[struct{ Names map[string]int }](), reflect.TypeFor[struct{ Snapshot struct{ Epoch string } }](),
	} {
		if len(open(p)) == 0 {
			t.Errorf("%s: no place found", p)
		}
	}
}

// What runs carry is read by later versions of the program: a zero value is left out, and what is left out reads as zero.
func TestCarriedStateSurvivesItsWayThroughJSON(t *testing.T) {
	t.Parallel()
	for _, state := range []ContactState{
		{},
		{Contact: "c"},
		{Contact: "c", Run: 2, Known: postroom.ContactSnapshot{Contact: "c", Epoch: "e", Version: 3, Phase: postroom.ContactOffered, Queue: "q", Offer: "o", Agent: "a",
			ExpiresAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Remaining: time.Second, LookAgain: time.Minute, Sends: []postroom.PendingSend{{Outbox: "x", DueIn: 1}}}},
	} {
		b, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		var back ContactState
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, state) {
			t.Errorf("%+v came back as %+v (%v)", state, back, err)
		}
	}
}
