package config_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/config"
)

// anyLine is text of one line, often of letters that mean something to YAML.
func anyLine() *rapid.Generator[string] {
	awkward := rapid.SampledFrom([]string{"no", "null", "~", "true", "0x1f", "1e3", "12", "1_000", "010", ".inf", "- a", "a: b", "#x", "a #b", "a:", "&a", "*a", "!a", "%a", "@a", "`a", "|", ">", "'", `"`,
		`\`, `a\nb`, "{a", "a}", "[a", "a]", "a, b", "?", "? a", "---", "...", "<<", "=", "일반 문의", "e\u0301", "👩‍👩‍👧", "a\u2028b", "a\u00a0b", "\ufeffa", "2026-01-01", "1:30", "a'b", `a"b`, "a,b"})
	free := rapid.StringN(1, 40, -1).Filter(func(s string) bool {
		return !strings.ContainsFunc(s, unicode.IsControl) && strings.TrimSpace(s) == s
	})
	return rapid.OneOf(awkward, free)
}

// anyText is text of several lines.
func anyText() *rapid.Generator[string] {
	part := rapid.OneOf(anyLine(), rapid.SampledFrom([]string{"", "", " ", "  indented", "\ttab", "trailing ", "# no comment", "key: value", "- entry", "---", "|", "\t"}))
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 1, 8).Draw(t, "lines"), "\n") + rapid.SampledFrom([]string{"", "\n", "\n\n"}).Draw(t, "end")
	}).Filter(func(s string) bool { return strings.TrimSpace(s) != "" })
}

func keys(t *rapid.T, what string, least int) []string {
	return rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z0-9_-]{1,12}`), least, 5, rapid.ID[string]).Draw(t, what)
}

// someOf is a selection of keys, at least one, in any order.
func someOf[K ~string](t *rapid.T, what string, from []string) []K {
	var chosen []K
	for _, k := range rapid.Permutation(from).Draw(t, what)[:rapid.IntRange(1, len(from)).Draw(t, "how many")] {
		chosen = append(chosen, K(k))
	}
	return chosen
}

// anyConfiguration is a configuration that Parse accepts.
func anyConfiguration() *rapid.Generator[postroom.Configuration] {
	return rapid.Custom(func(t *rapid.T) postroom.Configuration {
		one := func(from []string) string { return rapid.SampledFrom(from).Draw(t, "one") }
		text := func() string { return anyLine().Draw(t, "text") }
		name := func() postroom.Name {
			return postroom.Name{English: text(), Korean: rapid.OneOf(rapid.Just(""), anyLine()).Draw(t, "korean")}
		}
		server := func() postroom.MailServer {
			s := postroom.MailServer{Host: one([]string{"localhost", "127.0.0.1", "::1"}), TLS: rapid.SampledFrom([]postroom.TLSMode{postroom.TLSNone, postroom.TLSStart, postroom.TLSImplicit}).Draw(t, "tls"),
				Port: rapid.IntRange(1, 65535).Draw(t, "port"), Username: text(), Secret: one([]string{"a", "1e3", "null", "12", "a.b-c_d", "POSTROOM_SECRET_A1"})}
			if s.TLS != postroom.TLSNone {
				s.Host = one([]string{"mail.shop.example", "10.0.0.1", "2001:db8::1"})
			}
			return s
		}
		var c postroom.Configuration
		mailboxKeys, queueKeys, teamKeys := keys(t, "mailboxes", 1), keys(t, "queues", 1), keys(t, "teams", 1)
		profileKeys, codes := keys(t, "profiles", 1), keys(t, "wrap-up codes", 1)
		for _, k := range profileKeys {
			capacity := map[postroom.Channel]int{postroom.ChannelEmail: rapid.IntRange(1, postroom.MaxCapacity).Draw(t, "email")}
			if rapid.Bool().Draw(t, "voice too") {
				capacity[postroom.ChannelVoice] = rapid.IntRange(0, postroom.MaxCapacity).Draw(t, "voice")
			}
			c.Profiles = append(c.Profiles, postroom.MultimediaProfile{ID: postroom.ProfileID(k), Name: text(), Mode: rapid.SampledFrom(postroom.Modes()).Draw(t, "mode"), Capacity: capacity})
		}
		siteKeys, skillKeys := append(keys(t, "sites", 0), ""), keys(t, "skills", 0)
		for _, k := range siteKeys[:len(siteKeys)-1] {
			c.Sites = append(c.Sites, postroom.Site{ID: postroom.SiteID(k), Name: name(), Profile: postroom.ProfileID(one(append(profileKeys, "")))})
		}
		for _, k := range skillKeys {
			c.Skills = append(c.Skills, postroom.Skill{ID: postroom.SkillID(k), Name: name()})
		}
		hoursKeys := append(keys(t, "hours", 0), "")
		for _, k := range hoursKeys[:len(hoursKeys)-1] {
			c.Hours = append(c.Hours, anyHours(t, postroom.HoursID(k), name))
		}
		for _, k := range teamKeys {
			c.Teams = append(c.Teams, postroom.Team{ID: postroom.TeamID(k), Name: name(), Site: postroom.SiteID(one(siteKeys)), Profile: postroom.ProfileID(one(append(profileKeys, "")))})
			c.Agents = append(c.Agents, postroom.Agent{ID: postroom.AgentID("x" + k), Name: text(), Email: "a.b@shop.example", Role: rapid.SampledFrom(postroom.Roles()).Draw(t, "role"),
				Team: postroom.TeamID(k), Profile: postroom.ProfileID(one(profileKeys)), Skills: allOf(skillKeys)})
		}
		c.Agents = append(c.Agents, postroom.Agent{ID: "admin", Name: text(), Email: "admin@shop.example", Role: postroom.RoleAdministrator})
		for _, k := range codes {
			c.WrapUpCodes = append(c.WrapUpCodes, postroom.WrapUpCodeEntry{Code: postroom.WrapUpCode(k), Name: name(), NoteRequired: rapid.Bool().Draw(t, "note")})
			c.IdleCodes = append(c.IdleCodes, postroom.IdleCodeEntry{Code: postroom.IdleCode(k), Name: name()})
		}
		for i, k := range queueKeys {
			c.Queues = append(c.Queues, postroom.Queue{ID: postroom.QueueID(k), Name: name(), Channel: postroom.ChannelEmail, Mailbox: postroom.MailboxID(one(mailboxKeys)),
				Teams: someOf[postroom.TeamID](t, "teams of the queue", teamKeys), Priority: rapid.IntRange(0, 9).Draw(t, "priority"),
				RONATime: time.Duration(rapid.IntRange(1, 6000).Draw(t, "rona")) * time.Second, WrapUpCodes: someOf[postroom.WrapUpCode](t, "codes of the queue", codes)})
			c.Queues[i].QueueRules = anyRules(t, c.Queues[i].Teams, teamKeys, skillKeys, append(queueKeys[:i:i], ""))
			if others := slices.DeleteFunc(slices.Clone(mailboxKeys), func(k string) bool { return k == string(c.Queues[i].Mailbox) }); len(others) > 0 && rapid.Bool().Draw(t, "from") {
				c.Queues[i].From = someOf[postroom.MailboxID](t, "mailboxes of the queue", others)
			}
			c.Queues[i].Hours = postroom.HoursID(one(hoursKeys))
			c.Queues[i].WrapUp = anyWrapUp(t, c, c.Queues[i])
			if rapid.Bool().Draw(t, "signature") {
				c.Queues[i].Signature = postroom.Name{English: anyText().Filter(shortEnough).Draw(t, "signature")}
				if rapid.Bool().Draw(t, "Korean signature") {
					c.Queues[i].Signature.Korean = anyText().Filter(shortEnough).Draw(t, "Korean signature")
				}
			}
			c.Queues[i].Undo = time.Duration(rapid.IntRange(0, 60).Draw(t, "undo")) * time.Second
			if rapid.Bool().Draw(t, "guidance") {
				c.Queues[i].WrapUpGuidance = name()
			}
		}
		for i, k := range mailboxKeys {
			m := postroom.Mailbox{ID: postroom.MailboxID(k), Address: fmt.Sprintf("Info+%d@shop.example", i), Name: text(), Folder: fmt.Sprintf("%s %d", text(), i), IMAP: server(), SMTP: server(),
				OnFinding: rapid.SampledFrom([]postroom.Original{postroom.OriginalKeep, postroom.OriginalMove, postroom.OriginalExpunge}).Draw(t, "on finding")}
			m.PlusAddressing = rapid.Bool().Draw(t, "plus addressing")
			if rapid.Bool().Draw(t, "signs") {
				m.DKIM = postroom.DKIM{Selector: "mail-2026", Secret: "dkim-key"}
			}
			if rapid.Bool().Draw(t, "authserv-ids") {
				m.AuthServIDs, m.SpamHeader = []string{"mx1.shop.example", "relay_2"}, rapid.Bool().Draw(t, "spam header")
			}
			if rapid.Bool().Draw(t, "OAuth") {
				m.SMTP.Secret = ""
				m.OAuth = postroom.OAuth{TokenURL: "https://login.mail.example/token", ClientID: text(), Scope: "mail offline_access", Mechanism: postroom.OAuthXOAuth2}
				if rapid.Bool().Draw(t, "client secret") {
					m.OAuth.ClientSecret = "oauth-client"
				}
			}
			if rapid.Bool().Draw(t, "Sent folder") {
				m.SentFolder = text()
			}
			c.Mailboxes = append(c.Mailboxes, m)
			c.EntryPoints = append(c.EntryPoints, postroom.EntryPoint{Address: strings.ToLower(m.Address), Mailbox: m.ID, Queue: postroom.QueueID(one(queueKeys))})
		}
		for _, k := range keys(t, "rules", 0) {
			r := postroom.RoutingRule{ID: k, Queue: postroom.QueueID(one(queueKeys)), SubjectContains: text()}
			if rapid.Bool().Draw(t, "more conditions") {
				r.Recipient, r.Sender, r.Header, r.HeaderContains = "*+vip@shop.example", "*@bank.example", "List-Id", text()
			}
			c.Rules = append(c.Rules, r)
		}
		for _, k := range keys(t, "templates", 0) {
			c.Templates = append(c.Templates, postroom.Template{ID: k, Language: one([]string{"en", "ko"}), Name: name(), Body: anyText().Filter(withoutBraces).Draw(t, "body")})
		}
		return c
	})
}

func withoutBraces(s string) bool { return !strings.Contains(s, "{{") } // which begin a variable

func shortEnough(s string) bool { return utf8.RuneCountInString(s) <= postroom.MaxSignature }

func TestFormattedConfigurationIsReadAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyConfiguration().Draw(t, "configuration")
		document, err := config.Format(c)
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		read, err := parse(string(document))
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		if !reflect.DeepEqual(read, c) {
			t.Fatalf("read %#v\nwant %#v\n%s", read, c, document)
		}
		if again, err := config.Format(read); err != nil || !bytes.Equal(again, document) {
			t.Fatalf("a second time it is\n%s\n%v", again, err)
		}
	})
}

func TestFormattedSampleReadsWell(t *testing.T) {
	t.Parallel()
	c, err := parse(sample())
	if err != nil {
		t.Fatal(err)
	}
	document, err := config.Format(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"Secrets are named", "\nmailboxes:\n  - key: support\n    address: support@postroom.example\n    name: Postroom Support\n    folder: INBOX\n    on_finding: expunge\n    plus_addressing: true\n    imap:\n      host: 127.0.0.1\n      port: 17143\n",
		"    name: {en: Billing, ko: 청구}\n    channel: email\n", "    rona_time: 90s\n    routing_type: longest_available_agent\n", "    owner_lease: 30m\n    wrap_up_codes: [resolved, refund, information, other]\n", "    skills: {vip: 5, korean: 5}\n    relaxation:\n      - after: 5m\n        skills: {korean: 3}\n      - after: 15m\n        skills: {}\n    service_level: 1h\n    hours: always\n",
		"    time_zone: Asia/Seoul\n    week:\n      mon-sun: 00:00-24:00\n", "    skills: {korean: 10, vip: 8}\n", "    mode: blended\n", "    capacity: {email: 3}\n", "    capacity: {}\n",
		"    body: |\n      {{customer.name}}님, 안녕하세요.\n\n      보내", "    note_required: true\n", "    profile: none\n",
	} {
		if !strings.Contains(string(document), part) {
			t.Errorf("it lacks\n%s", part)
		}
	}
	if t.Failed() {
		t.Logf("%s", document)
	}
}

func TestConfigurationThatCannotBeAppliedIsWrittenWithTheReason(t *testing.T) {
	t.Parallel()
	c, err := parse(sample())
	if err != nil {
		t.Fatal(err)
	}
	c.Queues[0].Mailbox = "gone"
	document, err := config.Format(c)
	if postroom.ReasonOf(err) != config.ReasonInvalid || !strings.Contains(err.Error(), `there is no mailbox "gone"`) || !bytes.Contains(document, []byte("mailbox: gone")) {
		t.Errorf("%v\n%s", err, document)
	}
	if document, err := config.Format(postroom.Configuration{}); err == nil || len(document) == 0 {
		t.Errorf("nothing is written as %q, %v", document, err)
	}
}

func TestFormatLeavesTheConfigurationAsItIs(t *testing.T) {
	t.Parallel()
	c, err := parse(sample())
	if err != nil {
		t.Fatal(err)
	}
	c.EntryPoints[0].Address, c.Queues[0].RONATime, c.Mailboxes[0].Folder, c.Profiles[2].Capacity = "Support@postroom.example", 0, "", nil
	document, err := config.Format(c)
	if err != nil || !bytes.Contains(document, []byte("rona_time: 90s")) {
		t.Errorf("%v\n%s", err, document)
	}
	if c.EntryPoints[0].Address != "Support@postroom.example" || c.Queues[0].RONATime != 0 || c.Mailboxes[0].Folder != "" || c.Profiles[2].Capacity != nil {
		t.Errorf("it became %+v", c)
	}
}

// Whatever is accepted is written and read back; whatever is refused is refused with lines and reasons; nothing panics.
func FuzzParse(f *testing.F) {
	f.Add(sample())
	for _, m := range slices.Concat(refused, refusedRules) {
		f.Add(strings.Replace(sample(), m.old, m.new, 1))
	}
	f.Add("a: |+\n  b\n\n# c\n- d: {e: [f, 'g', \"h\"]}\n")
	f.Fuzz(func(t *testing.T, document string) {
		c, err := parse(document)
		if err != nil {
			if postroom.ReasonOf(err) != config.ReasonInvalid {
				t.Fatal(err)
			}
			return
		}
		written, err := config.Format(c)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
	})
}
