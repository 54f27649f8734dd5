package config_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestQueueThatNobodyCanServeIsRefused(t *testing.T) {
	t.Parallel()
	const what = `teams: nobody can serve the queue "billing": `
	back := "\n  - key: back\n    name: Back office\n"
	for _, m := range []struct {
		about, team, agents, want string
	}{
		{"no agent", back + "    profile: standard", "", what + "its teams have no agents"},
		{"no profile", back, "  - {key: kim, name: Kim, email: kim@postroom.example, team: back}\n", what + "no agent of its teams has capacity for email"},
		{"no capacity", back + "    profile: none", "  - {key: kim, name: Kim, email: kim@postroom.example, team: back}\n", what + "no agent of its teams has capacity"},
		{"no capacity of his own", back + "    profile: standard", "  - {key: kim, name: Kim, email: kim@postroom.example, team: back, profile: none}\n", what + "no agent"},
		{"capacity of his own", back, "  - {key: kim, name: Kim, email: kim@postroom.example, team: back, profile: focused}\n", ""},
		{"capacity of the team", back + "    profile: standard", "  - {key: kim, name: Kim, email: kim@postroom.example, team: back}\n", ""},
		{"a profile that is missing", back + "    profile: nothing", "  - {key: kim, name: Kim, email: kim@postroom.example, team: back}\n", `there is no profile "nothing"`},
	} {
		document := edit(t, "    teams: [front]\n    priority", "    teams: [back]\n    priority")
		document = strings.Replace(document, "\n\nagents:\n", m.team+"\n\nagents:\n"+m.agents, 1)
		got := mistakesOf(t, document)
		if m.want == "" && len(got) > 0 || m.want != "" && (len(got) != 1 || !strings.Contains(got[0], m.want)) {
			t.Errorf("%s: %q", m.about, got)
		}
	}
}

// R2, R32: whoever may serve a queue in the end has the skills that are still required then, and capacity by the most specific profile.
func TestQueueWhoseLastStageAdmitsNobodyIsRefused(t *testing.T) {
	t.Parallel()
	const kim, what = "  - {key: kim, name: Kim, email: kim@postroom.example, team: back}\n", `teams: nobody can serve the queue "vip": `
	for _, m := range []struct {
		about string
		edits []string
		want  string
	}{
		{"all skills fall away", nil, ""},
		{"nobody has the level", []string{"      - after: 15m\n        skills: {}\n", "", "skills: {korean: 3}", "skills: {vip: 5, korean: 5}", "vip: 8", "vip: 4"}, what + "no agent of its teams with capacity has the skills"},
		{"who has the skills has no capacity", []string{"        skills: {}\n", "        skills: {korean: 1}\n", "mina@postroom.example, team: front, ", "mina@postroom.example, team: front, profile: none, ",
			"team: front, skills: {korean: 10}", "team: front"}, what + "no agent of its teams with capacity has the skills"},
		{"a team that comes too has the skills", []string{"        skills: {}\n", "        skills: {korean: 1}\n    widening: [{after: 1h, teams: [back]}]\n", "skills: {korean: 10, vip: 8}", "profile: standard", "team: front, skills: {korean: 10}", "team: front",
			"\nagents:\n", "  - {key: back, name: Back office, profile: standard}\n\nagents:\n" + strings.Replace(kim, "back}", "back, skills: {korean: 1}}", 1)}, ""},
		{"capacity of the site", []string{"  - key: front\n", "  - {key: back, name: Back office, site: seoul}\n  - key: front\n", "    priority: 5\n    teams: [front]", "    priority: 5\n    teams: [back]",
			"\nagents:\n", "\nsites:\n  - {key: seoul, name: Seoul, profile: focused}\n\nagents:\n" + kim}, ""},
		{"no capacity of the site", []string{"  - key: front\n", "  - {key: back, name: Back office, site: seoul}\n  - key: front\n", "    priority: 5\n    teams: [front]", "    priority: 5\n    teams: [back]",
			"\nagents:\n", "\nsites:\n  - {key: seoul, name: Seoul, profile: none}\n\nagents:\n" + kim}, what + "no agent of its teams has capacity for email, by his own profile, his team's or his site's"},
		{"the team's profile is more specific", []string{"  - key: front\n", "  - {key: back, name: Back office, site: seoul, profile: none}\n  - key: front\n", "    priority: 5\n    teams: [front]", "    priority: 5\n    teams: [back]",
			"\nagents:\n", "\nsites:\n  - {key: seoul, name: Seoul, profile: focused}\n\nagents:\n" + kim}, what + "no agent of its teams has capacity"},
		{"a skill that is missing", []string{"        skills: {}\n", "        skills: {german: 3}\n", "skills: {korean: 3}", "skills: {german: 3}", "skills: {vip: 5, korean: 5}", "skills: {german: 3}"}, `there is no skill "german"`},
	} {
		document := sample()
		for i := 0; i < len(m.edits); i += 2 {
			if strings.Count(document, m.edits[i]) != 1 {
				t.Fatalf("%s: %q occurs %d times", m.about, m.edits[i], strings.Count(document, m.edits[i]))
			}
			document = strings.Replace(document, m.edits[i], m.edits[i+1], 1)
		}
		got := mistakesOf(t, document)
		if m.want == "" && len(got) > 0 || m.want != "" && (len(got) == 0 || !strings.Contains(got[0], m.want)) {
			t.Errorf("%s: %q", m.about, got)
		}
	}
}

// R32: overflow leads somewhere. Each circle is one mistake, at the first of its queues.
func TestOverflowInACircleIsRefused(t *testing.T) {
	t.Parallel()
	overflow := func(to map[string]string) string {
		document := sample()
		for q, into := range to {
			document = strings.Replace(document, "  - key: "+q+"\n    name:", "  - key: "+q+"\n    max_waiting: 10\n    overflow: "+into+" # of "+q+"\n    name:", 1)
		}
		return document
	}
	for _, m := range []struct {
		to   map[string]string
		want string // the circle, which begins at its first queue
	}{
		{map[string]string{"vip": "billing", "billing": "general"}, ""},
		{map[string]string{"billing": "general", "vip": "general"}, ""},
		{map[string]string{"billing": "vip", "vip": "billing"}, "billing → vip → billing"},
		{map[string]string{"general": "vip", "vip": "billing", "billing": "general"}, "general → vip → billing → general"},
		{map[string]string{"general": "vip", "vip": "billing", "billing": "vip"}, "billing → vip → billing"}, // general leads into it
	} {
		document := overflow(m.to)
		got := mistakesOf(t, document)
		if m.want == "" {
			if len(got) > 0 {
				t.Errorf("%v: %q", m.to, got)
			}
			continue
		}
		first, _, _ := strings.Cut(m.want, " ")
		line := 1 + strings.Count(document[:strings.Index(document, "# of "+first)], "\n")
		if want := fmt.Sprintf("centre.yaml:%d: overflow: contacts would go round in a circle: %s", line, m.want); len(got) != 1 || got[0] != want {
			t.Errorf("%v: %q, expected %q", m.to, got, want)
		}
	}
}

func TestMailboxIsEnteredAndWatchedOnce(t *testing.T) {
	t.Parallel()
	begin, end := strings.Index(sample(), "  - key: support"), strings.Index(sample(), "\nentry_points")
	second := strings.NewReplacer("key: support", "key: second", "address: support@", "address: Second@").Replace(sample()[begin:end])
	for _, m := range []struct {
		about, mailbox string
		want           []string
	}{
		{"the same folder", second, []string{"its folder is watched already", `no entry point leads from the mailbox "second"`}},
		{"another folder", strings.Replace(second, "INBOX", "Sales", 1), []string{`no entry point leads from the mailbox "second"`}},
		{"the same address", strings.NewReplacer("Second@", "SUPPORT@", "INBOX", "Sales").Replace(second), []string{"its address is that of another mailbox", "no entry point"}},
	} {
		got := mistakesOf(t, sample()[:end]+m.mailbox+sample()[end:])
		if len(got) != len(m.want) {
			t.Fatalf("%s: %q", m.about, got)
		}
		for i := range got {
			if !strings.Contains(got[i], m.want[i]) {
				t.Errorf("%s: %q", m.about, got)
			}
		}
	}
}
