package api_test

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/postroom/postroom"
	adminv1 "github.com/postroom/postroom/internal/gen/postroom/admin/v1"
	agentv1 "github.com/postroom/postroom/internal/gen/postroom/agent/v1"
	"github.com/postroom/postroom/internal/testkit"
)

// exported is the present configuration as a file.
func exported(t testing.TB, boss desk) *adminv1.ExportConfigurationResponse {
	t.Helper()
	return got(boss.admin.ExportConfiguration(soon(t), &adminv1.ExportConfigurationRequest{}))(t)
}

func applied(t testing.TB, boss desk, document string) (*adminv1.ApplyConfigurationResponse, error) {
	t.Helper()
	return boss.admin.ApplyConfiguration(soon(t), &adminv1.ApplyConfigurationRequest{RequestId: newID(), Document: document, File: "/some/where/shop.yaml"})
}

func TestExportedConfigurationCanBeChangedAndApplied(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	was := exported(t, boss)
	if same := got(applied(t, boss, was.Document))(t); same.Version != was.Version || len(same.Changes) != 0 {
		t.Errorf("the same again: %v", same)
	}
	changed := got(applied(t, boss, strings.Replace(was.Document, "점심", "점심시간", 1)))(t)
	if changed.Version != was.Version+1 || len(changed.Changes) != 1 || changed.Changes[0].String() != (&adminv1.Change{Kind: "idle_code", Key: "lunch", Action: "change"}).String() {
		t.Errorf("with one change: %v", changed)
	}
	if now := exported(t, boss); now.Version != was.Version+1 || now.Document != strings.Replace(was.Document, "점심", "점심시간", 1) {
		t.Errorf("exported again, version %d:\n%s", now.Version, now.Document)
	}
	codes := got(as(t, a, "mina").agent.ListIdleCodes(soon(t), &agentv1.ListIdleCodesRequest{}))(t).Codes
	if len(codes) != 1 || codes[0].Code != "lunch" || codes[0].Name.En != "Lunch" || codes[0].Name.Ko != "점심시간" {
		t.Errorf("agents choose from %v", codes)
	}
	back := got(applied(t, boss, was.Document))(t)
	if back.Version != was.Version+2 || len(back.Changes) != 1 {
		t.Errorf("and back: %v", back)
	}
}

// R3: a configuration is applied as a whole, or not at all; what is wrong is said with file and line.
func TestConfigurationThatIsWrongChangesNothing(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	good := exported(t, boss).Document
	lineOf := func(what string) int { return 1 + strings.Count(good[:strings.Index(good, what)], "\n") }
	before := a.Text(t, "SELECT count(*) || ' ' || (SELECT count(*) FROM audit) FROM configuration")
	for name, c := range map[string]struct{ old, new, says string }{
		"a team that is not there": {"teams: [front]", "teams: [nowhere]", fmt.Sprintf("shop.yaml:%d:", lineOf("teams: [front]"))},
		"an unknown key":           {"rona_time:", "rona_timer:", fmt.Sprintf("shop.yaml:%d:", lineOf("rona_time:"))},
		"no YAML":                  {"queues:", "queues: [", "shop.yaml:"},
		"nothing":                  {good, "", "shop.yaml"},
	} {
		_, err := applied(t, boss, strings.Replace(good, c.old, c.new, 1))
		if r := refusalOf(err); r.code != connect.CodeInvalidArgument || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "/some/where") {
			t.Errorf("%s: %v (%s), want %q", name, err, r, c.says)
		}
	}
	for name, hidden := range map[string]string{"plain": card, "in YAML's own words": `\u0034111 1111 1111 1111`} {
		_, err := applied(t, boss, strings.Replace(good, "Lunch", `"`+hidden+`"`, 1))
		mustRefuse(t, "a card number "+name, err, connect.CodeFailedPrecondition, postroom.ReasonCardData)
		if found := detailOf(err).GetFindings(); len(found) == 0 || found[0].Place != "configuration" || found[0].Last4 != "1111" {
			t.Errorf("findings: %v", found)
		}
	}
	if after := a.Text(t, "SELECT count(*) || ' ' || (SELECT count(*) FROM audit) FROM configuration"); after != before {
		t.Errorf("%s versions and audit entries, %s before", after, before)
	}
	a.SignIn(t, "mina")
	a.Own(t, a.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	_, err := applied(t, boss, strings.Replace(good, "key: mina", "key: minna", 1)) // mina is not named any more
	mustRefuse(t, "dismissing somebody with work in hand", err, connect.CodeFailedPrecondition, "work_in_hand")
}

// R3: who did what to which object, before and after; R39: never a value of a secret.
func TestAuditSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	must(t, func() error {
		_, err := applied(t, boss, strings.Replace(exported(t, boss).Document, "점심", "점심시간", 1))
		return err
	}())
	got(boss.admin.SetPassword(soon(t), &adminv1.SetPasswordRequest{RequestId: newID(), Agent: "mina", Password: testkit.Password}))(t)
	got(boss.admin.RevokeSessions(soon(t), &adminv1.RevokeSessionsRequest{RequestId: newID(), Agent: "tom"}))(t)
	list := func(before int64, limit int32) []*adminv1.AuditEntry {
		return got(boss.admin.ListAudit(soon(t), &adminv1.ListAuditRequest{BeforeId: before, Limit: limit}))(t).Entries
	}
	newest := list(0, 3)
	for i, want := range [][3]string{{"agent:admin", "revoke sessions", "account/tom"}, {"agent:admin", "set password", "account/mina"},
		{"agent:admin", "configuration: change", "idle_code/lunch"}} {
		if e := newest[i]; [3]string{e.Actor, e.Action, e.Object} != want || e.At == nil {
			t.Errorf("entry %d: %v, want %v", i, e, want)
		}
	}
	if e := newest[2]; !strings.Contains(e.Before, "점심\"") || !strings.Contains(e.After, "점심시간\"") {
		t.Errorf("before %s, after %s", e.Before, e.After)
	}
	all := list(0, 0)
	var pages []*adminv1.AuditEntry
	for before := int64(0); ; before = pages[len(pages)-1].Id {
		page := list(before, 4)
		pages = append(pages, page...)
		if len(page) < 4 {
			break
		}
	}
	if len(all) < 10 || len(pages) != len(all) {
		t.Errorf("%d entries at once, %d in pages", len(all), len(pages))
	}
	for i := range all {
		if all[i].Id != pages[i].Id || (i > 0 && all[i].Id >= all[i-1].Id) {
			t.Errorf("entry %d is %d, in pages %d", i, all[i].Id, pages[i].Id)
		}
	}
	silent(t, "the audit", fmt.Sprint(all), testkit.Password, "argon2id", boss.token.Reveal())
	silent(t, "the export", exported(t, boss).Document, "argon2id")
}

func TestNewPasswordEndsSessionsAndReplacesTheOldOne(t *testing.T) {
	t.Parallel()
	a := offline(t)
	a.Enrol(t, "mina")
	boss, other := as(t, a, "admin"), as(t, a, "tom")
	me := as(t, a, "mina")
	set := func(agent, password string) error {
		_, err := boss.admin.SetPassword(soon(t), &adminv1.SetPasswordRequest{RequestId: newID(), Agent: agent, Password: password})
		return err
	}
	for what, password := range map[string]string{"eleven characters": "한글비밀번호열한자리요", "none": "", "257": strings.Repeat("x", 257)} {
		mustRefuse(t, "a password of "+what, set("mina", password), connect.CodeInvalidArgument, "password_length")
	}
	mustRefuse(t, "a password of nobody", set("nobody", testkit.Password), connect.CodeNotFound, postroom.ReasonUnknownAgent)
	got(me.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t)

	const fresh = "열두글자짜리한글비밀번호"
	must(t, set("mina", fresh))
	_, err := me.agent.GetState(soon(t), &agentv1.GetStateRequest{})
	mustRefuse(t, "a session from before", err, connect.CodeUnauthenticated, postroom.ReasonSessionEnded)
	got(other.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t)
	_, err = signIn(t, a, "mina", testkit.Password)
	mustRefuse(t, "the old password", err, connect.CodeUnauthenticated, postroom.ReasonSignInFailed)
	got(signIn(t, a, "mina", fresh))(t)
	silent(t, "the log", a.Log.String(), fresh, testkit.Password)
}

func TestRevocationEndsAllSessionsOfOneAgent(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss, one, two, other := as(t, a, "admin"), as(t, a, "mina"), as(t, a, "mina"), as(t, a, "tom")
	revoke := func(agent string) error {
		_, err := boss.admin.RevokeSessions(soon(t), &adminv1.RevokeSessionsRequest{RequestId: newID(), Agent: agent})
		return err
	}
	must(t, revoke("mina"))
	for _, d := range []desk{one, two} {
		_, err := d.agent.GetState(soon(t), &agentv1.GetStateRequest{})
		mustRefuse(t, "a revoked session", err, connect.CodeUnauthenticated, postroom.ReasonSessionEnded)
	}
	got(other.agent.GetState(soon(t), &agentv1.GetStateRequest{}))(t)
	must(t, revoke("mina")) // she has none
	for _, nobody := range []string{"", "nobody", card} {
		mustRefuse(t, "to revoke the sessions of "+nobody, revoke(nobody), connect.CodeNotFound, postroom.ReasonUnknownAgent)
	}
	silent(t, "the audit", a.Text(t, "SELECT string_agg(object, ' ') FROM audit"), "4111", "nobody")
}

// R3: each version says who, when and what; the audit of a version gives before and after; what was applied can be read again.
func TestVersionsOfTheConfigurationSayWhoWhenAndWhat(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	was := exported(t, boss)
	document := strings.Replace(strings.Replace(was.Document, "점심", "점심시간", 1), "rona_time: ", "priority: 3 # a comment stays\n    rona_time: ", 1)
	document = strings.Replace(document, "    priority: 0\n", "", 1)
	now := got(applied(t, boss, document))(t)

	versions := got(boss.admin.ListConfigurationVersions(soon(t), &adminv1.ListConfigurationVersionsRequest{}))(t).Versions
	if len(versions) != int(now.Version) || versions[0].Version != now.Version || versions[0].Actor != "agent:admin" || versions[0].At == nil {
		t.Fatalf("%v", versions)
	}
	var changed []string
	for _, c := range versions[0].Changes {
		changed = append(changed, c.Action+" "+c.Kind+" "+c.Key)
	}
	if strings.Join(changed, ", ") != "change idle_code lunch, change queue general" {
		t.Errorf("it changed %q", changed)
	}
	if page := got(boss.admin.ListConfigurationVersions(soon(t), &adminv1.ListConfigurationVersionsRequest{BeforeVersion: now.Version, Limit: 1}))(t).Versions; len(page) != 1 || page[0].Version != was.Version {
		t.Errorf("the page before: %v", page)
	}
	entries := got(boss.admin.ListAudit(soon(t), &adminv1.ListAuditRequest{Version: now.Version}))(t).Entries
	if len(entries) != 2 || entries[0].Object != "queue/general" || entries[0].Version != now.Version || !strings.Contains(entries[0].Before, `"Priority": 0`) ||
		!strings.Contains(entries[0].After, `"Priority": 3`) {
		t.Errorf("audit of the version: %v", entries)
	}
	if then := got(boss.admin.ExportConfiguration(soon(t), &adminv1.ExportConfigurationRequest{Version: now.Version}))(t); then.Document != document || then.Version != now.Version {
		t.Errorf("version %d was\n%s", then.Version, then.Document)
	}
	_, err := boss.admin.ExportConfiguration(soon(t), &adminv1.ExportConfigurationRequest{Version: 4711})
	mustRefuse(t, "a version that never was", err, connect.CodeNotFound, "unknown_version")
}

// R3: a preview goes through the same door and changes nothing.
func TestPreviewSaysWhatApplyWouldDoAndDoesNothing(t *testing.T) {
	t.Parallel()
	a := offline(t)
	boss := as(t, a, "admin")
	was := exported(t, boss)
	preview := func(document string) (*adminv1.PreviewConfigurationResponse, error) {
		return boss.admin.PreviewConfiguration(soon(t), &adminv1.PreviewConfigurationRequest{Document: document, File: "/some/where/shop.yaml"})
	}
	changed := strings.Replace(was.Document, "점심", "점심시간", 1)
	said := got(preview(changed))(t)
	if said.Version != was.Version || len(said.Changes) != 1 || said.Changes[0].Key != "lunch" {
		t.Errorf("it says %v", said)
	}
	if now := exported(t, boss); now.Version != was.Version || now.Document != was.Document {
		t.Errorf("version %d:\n%s", now.Version, now.Document)
	}
	_, err := preview(strings.Replace(was.Document, "teams: [front]", "teams: [nowhere]", 1))
	if r := refusalOf(err); r.code != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "shop.yaml:") {
		t.Errorf("a mistake: %v", err)
	}
	_, err = preview(strings.Replace(was.Document, "Lunch", `"`+card+`"`, 1))
	mustRefuse(t, "a card number", err, connect.CodeFailedPrecondition, postroom.ReasonCardData)
	a.SignIn(t, "mina")
	a.Own(t, a.Arrive(t, "kim@customer.example", "Parcel"), "mina")
	_, err = preview(strings.Replace(was.Document, "key: mina", "key: minna", 1))
	mustRefuse(t, "dismissing somebody with work in hand", err, connect.CodeFailedPrecondition, "work_in_hand")
}
