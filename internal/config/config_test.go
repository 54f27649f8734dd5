package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/config"
)

// sample is the sample configuration, on loopback.
func sample() string {
	return config.Sample(config.SampleServers{Host: "127.0.0.1", IMAPPort: 17143, SMTPPort: 17025, Secret: "mailbox-support"})
}

func parse(document string) (postroom.Configuration, error) {
	return config.Parse("centre.yaml", postroom.SealText(document))
}

// mistakesOf lists what Parse says is wrong.
func mistakesOf(t *testing.T, document string) []string {
	t.Helper()
	_, err := parse(document)
	if err == nil {
		return nil
	}
	var e *postroom.Error
	if !errors.As(err, &e) || e.Kind != postroom.KindInvalid || e.Reason != config.ReasonInvalid {
		t.Fatalf("the error is %#v", err)
	}
	return strings.Split(e.Message, "\n")
}

// edit replaces what occurs once in the sample.
func edit(t *testing.T, old, new string) string {
	t.Helper()
	document := sample()
	if strings.Count(document, old) != 1 {
		t.Fatalf("%q occurs %d times in the sample", old, strings.Count(document, old))
	}
	return strings.Replace(document, old, new, 1)
}

func TestSampleConfigurationIsReadAsItSays(t *testing.T) {
	t.Parallel()
	c, err := parse(sample())
	if err != nil {
		t.Fatal(err)
	}
	server := postroom.MailServer{Host: "127.0.0.1", Port: 17143, TLS: postroom.TLSNone, Username: config.SampleAddress, Secret: "mailbox-support"}
	if got := c.Mailboxes[0]; got.IMAP != server || got.SMTP.Port != 17025 || got.Folder != "INBOX" || got.OnFinding != postroom.OriginalExpunge {
		t.Errorf("mailbox %+v", got)
	}
	billing := postroom.Queue{ID: "billing", Name: postroom.Name{English: "Billing", Korean: "청구"}, Channel: postroom.ChannelEmail, Mailbox: "support",
		Teams: []postroom.TeamID{"front"}, Priority: 2, RONATime: 90 * time.Second, Undo: postroom.DefaultUndo,
		WrapUpCodes: []postroom.WrapUpCode{"resolved", "refund", "information", "other"},
		WrapUpGuidance: postroom.Name{English: "A refund of more than 100 needs the number of its approval in the note.",
			Korean: "100을 넘는 환불은 메모에 승인 번호를 적으세요."},
		QueueRules: postroom.QueueRules{Type: postroom.RouteLongestAvailable, AgeingStep: time.Hour, OwnerLease: 30 * time.Minute}}
	if !reflect.DeepEqual(c.Queues[1], billing) {
		t.Errorf("queue %+v", c.Queues[1])
	}
	roles := map[postroom.Role]int{}
	for _, a := range c.Agents {
		roles[a.Role]++
	}
	if roles[postroom.RoleAgent] != 3 || roles[postroom.RoleSupervisor] != 1 || roles[postroom.RoleAdministrator] != 1 {
		t.Errorf("roles %v", roles)
	}
	if len(c.IdleCodes) != 4 || len(c.Templates) != 4 || !strings.HasSuffix(c.Templates[1].Body, "드림\n") {
		t.Errorf("idle codes %v, templates %v", c.IdleCodes, c.Templates)
	}
	if capacity := c.Profiles[2].Capacity; capacity == nil || len(capacity) != 0 {
		t.Errorf("capacity %v", capacity)
	}
}

func TestWhatIsLeftOutHasItsDefault(t *testing.T) {
	t.Parallel()
	document := sample()
	for _, line := range []string{"    folder: INBOX\n", "    rona_time: 90s\n", "    priority: 2 # served before general\n", "      tls: none # on this machine only\n",
		"      tls: none\n"} {
		document = strings.ReplaceAll(document, line, "")
	}
	c, err := parse(document)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mailboxes[0].Folder != "INBOX" || c.Mailboxes[0].IMAP.TLS != postroom.TLSImplicit || c.Queues[1].RONATime != postroom.DefaultRONATime ||
		c.Queues[1].Priority != 0 || c.Agents[0].Role != postroom.RoleAgent || c.WrapUpCodes[0].NoteRequired {
		t.Errorf("%+v", c)
	}
}

// R3, R32. Each row edits the sample once; the mistake is reported alone, in the line named by at, with a reason that holds want.
var refused = []struct{ about, old, new, at, want string }{
	{"an unknown key", "    folder: INBOX", "    foldr: INBOX", "foldr", `unknown key "foldr" in a mailbox; known are key, address`},
	{"an unknown section", "idle_codes:", "reasons: []\nidle_codes:", "reasons", `unknown key "reasons" in the configuration; known are mailboxes`},
	{"a key that is given twice", "    priority: 2", "    mailbox: support\n    priority: 2", "mailbox: support\n    priority", "given twice, first in line"},
	{"a number for text", "name: Postroom Support\n", "name: 2024\n", "2024", "name: expected text, found a number: write it in quotes"},
	{"true for text", "name: Postroom Support\n", "name: true\n", "name: true", "write it in quotes"},
	{"nothing for text", "name: Postroom Support\n", "name:\n", "name:\n", "name: has no value"},
	{"a list for text", "name: Postroom Support\n", "name: [a]\n", "name: [a]", "expected text, found a list"},
	{"text for a list", "teams: [front]\n    rona_time: 90s\n    wrap_up_codes: [resolved, information", "teams: front\n    rona_time: 90s\n    wrap_up_codes: [resolved, information", "teams: front", "teams: expected a list, found text"},
	{"text for a server", "imap:\n      host: 127.0.0.1\n      port: 17143\n      tls: none # on this machine only\n      username: support@postroom.example\n      secret: mailbox-support #", "imap: localhost #", "imap: localhost", "expected a mail server, which is keys with values; found text"},
	{"text for an entry of a list", "  - {key: break,", "  - break\n  - {key: break2,", "- break\n", "expected an idle code"},
	{"text for a number", "priority: 2", `priority: "2"`, `"2"`, "priority: expected a whole number in decimal digits, 0–9; found text"},
	{"another notation", "priority: 2", "priority: 0x2", "0x2", "priority: expected a whole number"},
	{"a missing key", "    on_finding: expunge\n", "", "- key: support", `the key "on_finding" is missing in a mailbox (one of keep, move, expunge)`},
	{"OAuth over http", "    on_finding: expunge\n", "    on_finding: expunge\n    oauth: {token_url: http://login.mail.example/token, client_id: postroom}\n", "oauth:", "token_url: malformed: expected an https address"},
	{"neither secret nor OAuth", "      secret: mailbox-support # the name", "      # the name", "    imap:", "the key \"secret\" is missing"},
	{"OAuth for nobody", "    on_finding: expunge\n", "    on_finding: expunge\n    oauth: {token_url: https://login.mail.example/token, client_id: postroom}\n", "oauth:", "both servers have a secret"},
	{"another word", "on_finding: expunge", "on_finding: delete", "on_finding", "on_finding: expected one of keep, move, expunge"},
	{"a key that is defined twice", "key: jiwoo", "key: mina", "박지우", `key: the agent "mina" is defined twice, first in line`},
	{"a key in capitals", "key: jiwoo", "key: Jiwoo", "박지우", "key: not a key: at most 64 lower-case letters"},
	{"a key that is too long", "key: jiwoo", "key: " + strings.Repeat("j", 65), "박지우", "key: not a key"},
	{"no such team", "    teams: [front]\n    priority", "    teams: [front, frnt]\n    priority", "frnt", `teams: there is no team "frnt"; there are front`},
	{"a team twice", "    teams: [front]\n    priority", "    teams: [front,\n      front]\n    priority", "      front", `teams: the team "front" is listed twice`},
	{"no such mailbox of a queue", "ko: 청구}\n    mailbox: support", "ko: 청구}\n    mailbox: info", "mailbox: info", `there is no mailbox "info"; there are support`},
	{"no such wrap-up code", "[resolved, refund,", "[resolved, refunds,", "refunds", `there is no wrap-up code "refunds"`},
	{"no such queue of a rule", "    queue: billing\n  - key: invoices-ko", "    queue: bills\n  - key: invoices-ko", "queue: bills", `there is no queue "bills"; there are billing, general`},
	{"no such queue of an entry point", "mailbox: support, queue: general}", "mailbox: support, queue: genral}", "genral", `there is no queue "genral"`},
	{"no such mailbox of an entry point", "mailbox: support, queue: general}", "mailbox: suport, queue: general}", "suport", `there is no mailbox "suport"`},
	{"no such team of an agent", "email: jiwoo@postroom.example, team: front", "email: jiwoo@postroom.example, team: back", "team: back", `there is no team "back"`},
	{"no such profile of an agent", "profile: focused", "profile: focussed", "focussed", `there is no profile "focussed"`},
	{"no such profile of a team", "    profile: standard", "    profile: standrd", "standrd", `there is no profile "standrd"`},
	{"a RONA time of nothing", "priority: 2 # served before general\n    rona_time: 90s", "rona_time: 0s", "rona_time: 0s", "rona_time: out of range: expected 1s–100m"},
	{"a RONA time of hours", "priority: 2 # served before general\n    rona_time: 90s", "rona_time: 1h40m1s", "1h40m1s", "rona_time: out of range"},
	{"a RONA time without unit", "priority: 2 # served before general\n    rona_time: 90s", "rona_time: 90", "rona_time: 90\n", "a time in whole seconds with its unit"},
	{"a RONA time of parts of seconds", "priority: 2 # served before general\n    rona_time: 90s", "rona_time: 1.5s", "1.5s", "a time in whole seconds"},
	{"a capacity that is too large", "capacity: {email: 1}", "capacity: {email: 11}", "11}", "capacity: email: out of range: expected 0–10"},
	{"a capacity below nothing", "capacity: {email: 1}", "capacity: {email: -1}", "-1}", "capacity: email: expected a whole number"},
	{"a capacity of no channel", "capacity: {email: 1}", "capacity: {mail: 1}", "{mail", "capacity: not a channel: expected one of email"},
	{"a priority that is too high", "priority: 2", "priority: 10", "10", "priority: out of range: expected 0–9"},
	{"a port that is none", "port: 17143", "port: 65536", "65536", "port: out of range: expected 1–65535"},
	{"a channel that is not delivered", "    priority: 2", "    channel: voice\n    priority: 2", "channel: voice", "channel: expected one of email"},
	{"a malformed address", "address: support@postroom.example\n", "address: support@\n", "support@\n", "address: malformed: expected a mail address"},
	{"a display name in an address", "email: tom@postroom.example", "email: Tom <tom@postroom.example>", "Tom <", "email: malformed"},
	{"a host with a port", "host: 127.0.0.1\n      port: 17143", "host: localhost:17143\n      port: 17143", "localhost:", "host: malformed"},
	{"no TLS to another host", "host: 127.0.0.1\n      port: 17143", "host: mail.postroom.example\n      port: 17143", "tls: none # on", "tls: none is for loopback hosts only"},
	{"an address that looks like loopback", "host: 127.0.0.1\n      port: 17143", "host: 127.0.0.1.evil.example\n      port: 17143", "tls: none # on", "tls: none is for loopback hosts only"},
	{"a rule without condition", "    subject_contains: invoice\n", "", "- key: invoices\n", "a rule without a condition would take all mail"},
	{"a header without its content", "    subject_contains: invoice\n", "    header: List-Id\n", "    header: List-Id", "header and header_contains go together"},
	{"a queue without wrap-up codes", "wrap_up_codes: [resolved, refund, information, other]", "wrap_up_codes: []", "wrap_up_codes: []", "at least one wrap-up code is needed"},
	{"a queue without teams", "    teams: [front]\n    priority", "    teams: []\n    priority", "teams: []", "at least one team is needed"},
	{"an agent without team", "email: jiwoo@postroom.example, team: front", "email: jiwoo@postroom.example", "박지우", "only an administrator may be without a team"},
	{"an idle code of the system", "key: lunch", "key: disconnected", "disconnected", "set by the system"},
	{"a template twice", "language: ko\n    name: {en: We", "language: en\n    name: {en: We", "- key: received\n    language: en\n    name: {en: We are looking into it (K", `the template "received/en" is defined twice`},
	{"an acknowledgement without a template", "    priority: 2 # served before general\n", "    acknowledgement: nothing\n", "    acknowledgement", `acknowledgement: there is no template in any language "nothing"; there are received, refund`},
	{"an acknowledgement with a blank", "    priority: 2 # served before general\n", "    acknowledgement: refund\n", "    acknowledgement", `nobody fills in the template "refund/en", which has a blank or names the agent`},
	{"an unknown variable in a template", "Hello {{customer.name}},\n\n      about", "Hello,\n\n      {{customer.nam}}, about", "{{customer.nam}}", "body: there is no variable {{customer.nam}}; there are customer.name"},
	{"a variable without an end", "of {{received}}: we", "of {{received: we", "of {{received: we", "does not end it in the same line"},
	{"a variable of one line", "    body: |\n      Hello {{customer.name}},\n\n      thank you for your message. We are looking into it and will answer within one working day.\n\n      Kind regards\n      Postroom Support\n", "    body: \"Hello {{customer.name}}\\n{{nobody}}\"\n", "    body: \"Hello", "there is no variable {{nobody}}"},
	{"an entry point twice", "queue: general}", "queue: general}\n  - {address: Support@Postroom.Example, mailbox: support, queue: billing}", "queue: billing}", "the entry point of this address is defined twice"},
	{"a section without entries", "entry_points:\n  - {address: support@postroom.example, mailbox: support, queue: general}", "entry_points: []", "entry_points: []", "the list is empty"},
	{"an anchor", "name: Tom Reed", "name: &tom Tom Reed", "Tom Reed", "anchors, aliases and merge keys are not allowed"},
	{"an alias", "name: Tom Reed", "name: *tom", "*tom", "anchors, aliases and merge keys are not allowed"},
	{"a merge key", "    priority: 2", "    <<: {priority: 2}\n    priority: 2", "<<", "anchors, aliases and merge keys are not allowed"},
	{"a tag", "priority: 2", "priority: !!int 2", "!!int", "tags are not allowed"},
	{"a second document", "queues:\n", "---\nqueues:\n", "---", "no second ---"},
	{"a tab for space", "    priority: 2", "\tpriority: 2", "\tpriority", "not valid YAML: "},
	{"an open bracket", "wrap_up_codes: [resolved, refund, information, other]", "wrap_up_codes: [resolved", "", "not valid YAML: "},
	{"a control character", "name: Tom Reed", "name: Tom\x00Reed", "Tom", "a control character"},
	{"an escaped control character", "name: Tom Reed", `name: "Tom\aReed"`, "Tom", "name: the text holds a line end or another control character"},
	{"text that is not UTF-8", "name: Tom Reed", "name: Tom\xffReed", "Tom", "the document is not UTF-8"},
	{"a name over two lines", "name: Tom Reed", `name: "Tom\nReed"`, "Tom", "name: the text holds a line end"},
	{"an English name missing", "name: {en: Lunch, ko: 점심}", "name: {ko: 점심}", "점심", `the key "en" is missing in a name`},
	{"another language", "name: {en: Lunch, ko: 점심}", "name: {en: Lunch, fr: Midi}", "Midi", `unknown key "fr" in a name; known are en, ko`},
}

func TestEachMistakeIsRefusedWithItsLineAndReason(t *testing.T) {
	t.Parallel()
	for _, m := range slices.Concat(refused, refusedRules) {
		t.Run(m.about, func(t *testing.T) {
			t.Parallel()
			document := edit(t, m.old, m.new)
			got := mistakesOf(t, document)
			if len(got) == 0 || !strings.Contains(got[0], m.want) {
				t.Fatalf("expected %q, got %q", m.want, got)
			}
			if m.at == "" {
				return
			}
			begin := strings.Index(document, m.at)
			if begin < 0 {
				t.Fatalf("%q is not in the document", m.at)
			}
			where := fmt.Sprintf("centre.yaml:%d: ", 1+strings.Count(document[:begin], "\n"))
			if !strings.HasPrefix(got[0], where) {
				t.Errorf("expected line %s, got %q", where, got)
			}
			if len(got) > 1 {
				t.Errorf("one mistake is reported as %d: %q", len(got), got)
			}
		})
	}
}

func TestMistakeIsFoundInEachLine(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n"} {
		lines := strings.Split(strings.TrimSuffix(sample(), "\n"), "\n")
		indent := regexp.MustCompile(`^( *)(- )?[a-z_]+:`)
		found := 0
		for i, l := range lines {
			m := indent.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			found++
			with := append(append(append([]string(nil), lines[:i]...), strings.Repeat(" ", len(m[1])+len(m[2]))+"bogus: 1"), lines[i:]...)
			if m[2] != "" { // before the rest of the entry
				with[i] = m[1] + "- bogus: 1"
				with[i+1] = strings.Replace(l, "- ", "  ", 1)
			}
			want := fmt.Sprintf(`centre.yaml:%d: unknown key "bogus"`, i+1)
			if got := mistakesOf(t, strings.Join(with, end)+end); len(got) != 1 || !strings.HasPrefix(got[0], want) {
				t.Errorf("expected %s, got %q", want, got)
			}
		}
		if found < 50 {
			t.Errorf("only %d lines were tried", found)
		}
	}
}

func TestAllMistakesAreReportedAtOnceInOrder(t *testing.T) {
	t.Parallel()
	document := edit(t, "priority: 2", "priority: 12")
	for old, new := range map[string]string{"on_finding: expunge\n": "on_finding: drop\n", "key: jiwoo": "key: Jiwoo", "port: 17143": "port: 0",
		"    profile: standard": "    profile: usual", "[resolved, refund": "[resolved, refunded", "email: mina@": "email: mina"} {
		document = strings.Replace(document, old, new, 1)
	}
	got := mistakesOf(t, document)
	if len(got) != 7 {
		t.Fatalf("%d mistakes: %q", len(got), got)
	}
	last := 0
	for _, m := range got {
		var line int
		if _, err := fmt.Sscanf(m, "centre.yaml:%d:", &line); err != nil || line < last {
			t.Errorf("%q after line %d", m, last)
		}
		last = line
	}
}

func TestMistakesAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range 80 {
		fmt.Fprintf(&b, "  - {key: r%d, sender: a@b.example, queue: q%d}\n", i, i)
	}
	got := mistakesOf(t, b.String())
	if len(got) != config.MaxMistakes || !strings.HasSuffix(got[len(got)-1], "more)") {
		t.Errorf("%d mistakes, the last %q", len(got), got[len(got)-1])
	}
}

func TestSecretIsNamedAndNeverGiven(t *testing.T) {
	t.Parallel()
	const line = "      secret: mailbox-support # the name"
	for ref, want := range map[string]string{"imap.support_1": "imap.support_1", "env:POSTROOM_SECRET_IMAP": "POSTROOM_SECRET_IMAP"} {
		c, err := parse(edit(t, line, "      secret: "+ref+" # the name"))
		if err != nil || c.Mailboxes[0].IMAP.Secret != want {
			t.Errorf("%s: %v", ref, err)
		}
		document, err := config.Format(c)
		if err != nil || !bytes.Contains(document, []byte(strings.Trim(ref, " "))) {
			t.Errorf("%s is written as\n%s\n%v", ref, document, err)
		}
	}
	for _, form := range []string{
		"secret: Hunter2", "secret: hunter2!", "secret: .hunter2", "secret: ../hunter2", "secret: mail/hunter2", "secret: /etc/hunter2", "secret: env:hunter2",
		"secret: env:HUNTER2", "secret: env:POSTROOM_DATABASE_URL_HUNTER2", "secret: POSTROOM_SECRET_HUNTER2", `secret: "hunter2 x"`, "secret: {hunter2: hunter2}",
		"secret: [hunter2]", "secret: |\n        hunter2 x", "secret: |hunter2", "secret: >6hunter2", "secret: &hunter2 x", "secret: *hunter2", "secret: !hunter2 x", "secret: %hunter2",
		"secret: @hunter2", `secret: "hunter2\q"`, "secret: 'hunter2", "secret: hunter2: hunter2", "secret hunter2", "password: hunter2", "passwd: hunter2",
		"secret: hunter2\n      password: Hunter2", "Hunter2: hunter2", "secret: ? hunter2", "secret: hunter2]\n      - hunter2", "secret: \"hunter2",
	} {
		got := mistakesOf(t, edit(t, line, "      "+form+" # the name"))
		all := strings.ToLower(strings.Join(got, "\n"))
		if len(got) == 0 || strings.Contains(all, "hunter2") {
			t.Errorf("%s: %q", form, got)
		}
	}
	if got := mistakesOf(t, edit(t, line, "      password: hunter2 # the name")); !strings.Contains(strings.Join(got, "\n"), "write secret: and the name of a file") {
		t.Errorf("%q", got)
	}
}

func TestTextsAreListedAsTheyWillBeStored(t *testing.T) {
	t.Parallel()
	document := edit(t, "name: Tom Reed", `name: "4111 1111 11\x31\x31 \u0031111"`)
	document = strings.Replace(document, "    body: |\n      Hello {{customer.name}},\n\n", "    body: >\n      4111\n      1111\n      1111 1111\n", 1)
	c, err := parse(document)
	if err != nil {
		t.Fatal(err)
	}
	hidden := 0
	texts := config.Texts(c)
	for _, text := range texts {
		if strings.Contains(text, "4111 1111 1111 1111") {
			hidden++
		}
	}
	if hidden != 2 {
		t.Errorf("%d of 2 hidden numbers are in %q", hidden, texts)
	}
	for _, text := range []string{"Postroom Support", "support@postroom.example", "청구서", "청구", "김미나", "One at a time", "Front desk", "점심", "Refund", "확인 중", "INBOX", "127.0.0.1"} {
		if !slices.Contains(texts, text) {
			t.Errorf("%q is not in %q", text, texts)
		}
	}
}

func TestDocumentThatIsNoConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		"": `the section "mailboxes" is missing`, "\n# nothing\n": `the section "mailboxes" is missing`, "---\n": "is missing", "hello": "expected the sections of a configuration (mailboxes, entry_points",
		"- a": "found a list", "null": "found nothing", "{": "not valid YAML", "a: b: c": "not valid YAML", "? a\n: b": "keys that begin with ?",
		strings.Repeat(" ", config.MaxDocument+1): "larger than 1 MiB", strings.Repeat("[", 5000): "too many levels", strings.Repeat("- ", 5000): "too many levels",
		strings.Repeat("a: ", 5000): "too many levels", "\x00": "control character",
	} {
		if got := mistakesOf(t, document); len(got) == 0 || !strings.Contains(got[0], want) {
			t.Errorf("%.20q: %.3q", document, got)
		}
	}
	var wide strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&wide, "k%d: v\n", i)
	}
	if got := mistakesOf(t, wide.String()); !strings.Contains(got[0], "too many keys") {
		t.Errorf("%.3q", got)
	}
	if got := mistakesOf(t, "\uFEFF"+strings.ReplaceAll(sample(), "\n", "\r\n")); got != nil {
		t.Errorf("a document with a byte order mark and CRLF: %q", got)
	}
}

func TestExamplesOfTheDocumentationAreRight(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) == 0 {
		t.Error("there are none")
	}
	for _, e := range examples {
		if _, err := parse(e[1]); err != nil {
			t.Errorf("%v", err)
		}
	}
}
