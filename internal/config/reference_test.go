package config

import (
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/configuration.md")

const (
	documentation = "../../docs/configuration.md"
	begin, end    = "<!-- keys: begin -->\n", "<!-- keys: end -->\n"
)

// referenced is what the documentation says of a section or an object.
type referenced interface{ reference() string }

func (s section[T]) reference() string {
	need := "Required, with at least one entry. "
	if s.need == optional {
		need = "Optional. "
	}
	return "## " + s.name + "\n\n" + s.about + " " + need + "A list; each entry is " + s.of.one + ":\n\n" + s.of.reference()
}

func (s single[T]) reference() string {
	return "## " + s.name + "\n\n" + s.about + " Optional. It is " + s.of.one + ":\n\n" + s.of.reference()
}

func (o object[T]) reference() string {
	var b strings.Builder
	b.WriteString("| key | value | default | meaning |\n|---|---|---|---|\n")
	for _, f := range o.fields {
		without := o.fresh
		standard := "**required**"
		if f.need == optional {
			standard = f.bind(&without).write(0)
			if standard != "" {
				standard = "`" + standard + "`"
			}
		}
		b.WriteString("| `" + f.name + "` | " + cell(f.bind(&without).describe()) + " | " + standard + " | " + cell(f.about) + " |\n")
	}
	return b.String()
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "*", `\*`).Replace(s) }

func TestDocumentationSaysEveryKey(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, s := range sections {
		b.WriteString(s.(referenced).reference() + "\n")
	}
	b.WriteString("## A relaxation\n\nAn entry of `relaxation` of a queue:\n\n" + relaxations.reference() + "\n")
	b.WriteString("## A widening\n\nAn entry of `widening` of a queue:\n\n" + widenings.reference() + "\n")
	b.WriteString("## Rules for wrap-up\n\nThe value of `wrap_up` of a queue:\n\n" + wrapUps.reference() + "\n")
	b.WriteString("## A holiday\n\nAn entry of `holidays`:\n\n" + holidays.reference() + "\n")
	b.WriteString("## A mail server\n\nThe values of `imap` and `smtp`:\n\n" + servers.reference() + "\n")
	b.WriteString("## A way to sign\n\nThe value of `dkim` of a mailbox:\n\n" + signings.reference() + "\n")
	b.WriteString("## A way to sign in with OAuth 2\n\nThe value of `oauth` of a mailbox:\n\n" + authorizings.reference() + "\n")
	b.WriteString("## A name in two languages\n\nA missing Korean name is shown in English (R4).\n\n" + nameInLanguages.reference())
	text, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the tables", documentation)
	}
	wanted := "\n" + b.String() + "\n"
	if old == wanted {
		return
	}
	if !*update {
		t.Fatalf("%s is out of date: go test ./internal/config -run Documentation -update", documentation)
	}
	if err := os.WriteFile(documentation, []byte(before+begin+wanted+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A field whose binding points into another object than it is given would be read into nothing.
func TestEachFieldIsBoundToAFieldOfItsOwn(t *testing.T) {
	t.Parallel()
	checkBindings(t, mailboxes)
	checkBindings(t, servers)
	checkBindings(t, signings)
	checkBindings(t, authorizings)
	checkBindings(t, signatures)
	checkBindings(t, entryPoints)
	checkBindings(t, rules)
	checkBindings(t, queues)
	checkBindings(t, relaxations)
	checkBindings(t, widenings)
	checkBindings(t, wrapUps)
	checkBindings(t, businessHours)
	checkBindings(t, holidays)
	checkBindings(t, sites)
	checkBindings(t, skills)
	checkBindings(t, teams)
	checkBindings(t, agents)
	checkBindings(t, profiles)
	checkBindings(t, idleCodes)
	checkBindings(t, wrapUpCodes)
	checkBindings(t, templates)
	checkBindings(t, attachments.of)
}

func checkBindings[T any](t *testing.T, o object[T]) {
	t.Helper()
	if fields := fieldsOf(reflect.TypeFor[T]()); fields != len(o.fields) {
		t.Errorf("%s has %d fields and %d keys", o.one, fields, len(o.fields))
	}
	var into T
	bound := map[uintptr]string{}
	for _, f := range o.fields {
		v := reflect.ValueOf(f.bind(&into))
		if to := v.FieldByName("to"); to.IsValid() {
			if other, taken := bound[to.Pointer()]; taken {
				t.Errorf("%s: %s and %s are one", o.one, f.name, other)
			}
			bound[to.Pointer()] = f.name
		}
	}
}

// fieldsOf counts the fields of a struct, those of a struct embedded in it in place of that one.
func fieldsOf(t reflect.Type) int {
	n := 0
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			n += fieldsOf(f.Type)
			continue
		}
		n++
	}
	return n
}
