package postroom_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/postroom/postroom"
)

var update = flag.Bool("update", false, "rewrite the documents that are drawn from the code")

const stateMachinesPage = "docs/state-machines.md"

// The page is drawn from the tables, so it cannot say anything else than they do.
func TestTheStateMachinesPageIsDrawnFromTheTables(t *testing.T) {
	t.Parallel()
	meanings := constantComments(t)
	var page bytes.Buffer
	page.WriteString(`# State machines

Drawn from the tables in the root package by its test; after a change of a table run ` + "`go test . -update`" + `.
What is not drawn here cannot happen: internal/store compares every change that its tests make with these tables, and names the rows that nothing reaches yet.
R and I name the requirements and invariants in [requirements.md](requirements.md).
`)
	draw(&page, meanings, postroom.ContactMachine,
		"A contact is one customer request being handled. Being in a queue *is* the phase `waiting`. Every change is a row of `contact_event`.")
	draw(&page, meanings, postroom.SegmentMachine,
		"A segment is one stay of a contact in a queue or with an agent. A stay in a queue is left; one with an agent is handled and wrapped up, or taken from him.")
	draw(&page, meanings, postroom.OfferMachine,
		"An offer proposes one contact to one agent. Accepted, it is ownership. `live`, `accepted` and `wrapup` take one of the agent's slots.")
	draw(&page, meanings, postroom.AgentMachine,
		"The state of an agent says whether he takes work; what he holds is counted, not a state. Every change is a row of `agent_log`.\n"+
			"Events that leave a state as it is are drawn where they are allowed; only those that people should see are recorded.")
	draw(&page, meanings, postroom.ReminderMachine,
		"A reminder is set for a date and a time on somebody's wall, and fires once. One that has fired and is put off is set again.")

	if *update {
		if err := os.WriteFile(stateMachinesPage, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(stateMachinesPage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, page.Bytes()) {
		t.Errorf("%s does not say what the tables say: run go test . -update", stateMachinesPage)
	}
}

// draw appends a machine: a diagram, what its states mean, and its table with the rule of each row.
func draw[S, E ~string](page *bytes.Buffer, meanings map[string]map[string]string, m postroom.Machine[S, E], intro string) {
	fmt.Fprintf(page, "\n## %s\n\n%s\n\n```mermaid\nstateDiagram-v2\n", strings.ToUpper(m.Name[:1])+m.Name[1:], intro)
	for _, s := range m.Initial {
		fmt.Fprintf(page, "    [*] --> %s\n", s)
	}
	for _, row := range m.Table {
		fmt.Fprintf(page, "    %s --> %s : %s\n", row.From, row.To, row.Event)
	}
	for _, s := range m.Final {
		fmt.Fprintf(page, "    %s --> [*]\n", s)
	}
	page.WriteString("```\n\n| state | meaning |\n|---|---|\n")
	states := meanings[reflect.TypeFor[S]().Name()]
	for _, s := range m.States() {
		fmt.Fprintf(page, "| `%s` | %s |\n", s, states[string(s)])
	}
	page.WriteString("\n| from | event | to | rule |\n|---|---|---|---|\n")
	events := meanings[reflect.TypeFor[E]().Name()]
	for _, row := range m.Table {
		event := string(row.Event)
		if meaning := events[event]; meaning != "" {
			event += ": " + meaning
		}
		fmt.Fprintf(page, "| `%s` | %s | `%s` | %s |\n", row.From, event, row.To, row.Rule)
	}
}

// constantComments reads what the package says beside its string constants: type → value → comment.
func constantComments(t *testing.T) map[string]map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, typed := spec.Type.(*ast.Ident)
			value, literal := spec.Values[0].(*ast.BasicLit)
			if !typed || !literal || value.Kind != token.STRING {
				return true
			}
			if comments[kind.Name] == nil {
				comments[kind.Name] = map[string]string{}
			}
			comments[kind.Name][strings.Trim(value.Value, `"`)] = strings.TrimSpace(spec.Comment.Text())
			return true
		})
	}
	return comments
}
