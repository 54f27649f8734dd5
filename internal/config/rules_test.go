package config_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/postroom/postroom"
)

// refusedRules go on with refused, with what routing needs: the rules of queues, skills, sites, modes and hours (R32).
var refusedRules = []struct{ about, old, new, at, want string }{
	{"a routing type that is none", "routing_type: skills_best_available", "routing_type: best", "routing_type: best", "routing_type: expected one of longest_available_agent, skills_longest_available, skills_best_available"},
	{"skills where none are looked at", "routing_type: skills_best_available # of those who have the skills, the one whose levels add up to most\n    skills: {vip: 5, korean: 5}\n    relaxation: # after these times of waiting, this is enough\n      - after: 5m\n        skills: {korean: 3}\n      - after: 15m\n        skills: {}\n", "skills: {vip: 5}\n", "skills: {vip: 5", "skills: the routing type longest_available_agent looks at no skills"},
	{"relaxation where no skills are looked at", "rona_time: 90s\n    wrap_up_codes: [resolved, refund", "relaxation: [{after: 5m, skills: {}}]\n    wrap_up_codes: [resolved, refund", "relaxation: [{", "relaxation: the routing type longest_available_agent looks at no skills"},
	{"no skills where they decide", "    skills: {vip: 5, korean: 5}\n    relaxation: # after these times of waiting, this is enough\n      - after: 5m\n        skills: {korean: 3}\n      - after: 15m\n        skills: {}\n", "", "routing_type: skills_best", "routing_type: skills_best_available needs skills"},
	{"a skill twice", "skills: {vip: 5, korean: 5}", "skills: {vip: 5, korean: 5, vip: 4}", "skills: {vip: 5", `skills: the skill "vip" is given twice`},
	{"no such skill", "skills: {vip: 5, korean: 5}", "skills: {vip: 5, korean: 5, german: 4}", "german", `skills: there is no skill "german"; there are korean, vip`},
	{"no such skill of an agent", "skills: {korean: 10}", "skills: {korean: 10, german: 4}", "german", `skills: there is no skill "german"`},
	{"a level of nothing", "skills: {korean: 10}", "skills: {korean: 0}", "{korean: 0}", "skills: korean: out of range: expected 1–10"},
	{"a level that is too high", "skills: {vip: 5, korean: 5}", "skills: {vip: 11, korean: 5}", "vip: 11", "skills: vip: out of range: expected 1–10"},
	{"a list of skills", "skills: {vip: 5, korean: 5}", "skills: [vip, korean]", "[vip", "skills: expected skills with levels, as in {korean: 5}; found a list"},
	{"a relaxation that demands more", "skills: {korean: 3}", "skills: {korean: 6}", "skills: {korean: 6}", `skills: "korean" 5 was enough before: a relaxation cannot demand more`},
	{"a relaxation that demands something else", "        skills: {}", "        skills: {vip: 1}", "skills: {vip: 1}", `skills: "vip" was not required before`},
	{"relaxations at one time", "- after: 15m", "- after: 5m # too", "after: 5m # too", "after: relaxations follow each other by time"},
	{"relaxations that go back", "- after: 15m", "- after: 1m", "after: 1m", "after: relaxations follow each other by time"},
	{"a relaxation at once", "- after: 5m", "- after: 0s", "after: 0s", "after: out of range: expected 1s–720h"},
	{"a relaxation without skills", "      - after: 15m\n        skills: {}\n", "      - after: 15m\n", "- after: 15m", `the key "skills" is missing in a relaxation`},
	{"a relaxation that comes too late", "    service_level: 1h", "    max_time: 15m\n    overflow: general", "after: 15m", "after: no contact waits for so long: max_time is 15m"},
	{"a widening by a team that it has", "    service_level: 1h", "    widening: [{after: 5m, teams: [front]}]", "widening", `teams: the team "front" serves the queue already`},
	{"a widening by no team", "    service_level: 1h", "    widening: [{after: 5m, teams: []}]", "widening", "teams: the list is empty"},
	{"a widening by no such team", "    service_level: 1h", "    widening: [{after: 5m, teams: [back]}]", "widening", `teams: there is no team "back"`},
	{"a limit without overflow", "    service_level: 1h", "    max_time: 1h", "max_time: 1h", "max_time: a limit needs overflow"},
	{"another limit without overflow", "    service_level: 1h", "    max_waiting: 100", "max_waiting: 100", "max_waiting: a limit needs overflow"},
	{"overflow without a limit", "    service_level: 1h", "    overflow: general", "overflow: general", "overflow: needs max_time or max_waiting"},
	{"a choice of the mailbox that it has", "    service_level: 1h", "    from: [support]", "from: [support]", `from: "support" is the queue's mailbox, which agents may write from anyway`},
	{"no such mailbox to write from", "    service_level: 1h", "    from: [sales]", "from: [sales]", `from: there is no mailbox "sales"`},
	{"a choice of nothing", "    service_level: 1h", "    from: []", "from: []", "from: the list is empty"},
	{"overflow into itself", "    service_level: 1h", "    max_waiting: 100\n    overflow: vip", "overflow: vip", "overflow: the queue overflows into itself"},
	{"no such overflow", "    service_level: 1h", "    max_waiting: 100\n    overflow: vips", "overflow: vips", `overflow: there is no queue "vips"`},
	{"no limit of contacts", "    service_level: 1h", "    max_waiting: 0\n    overflow: general", "max_waiting: 0", "max_waiting: out of range: expected 1–1000000"},
	{"a service level of months", "service_level: 1h", "service_level: 721h", "721h", "service_level: out of range: expected 1s–720h"},
	{"a preferred time of weeks", "    service_level: 1h", "    preferred_time: 169h", "169h", "preferred_time: out of range: expected 1s–168h"},
	{"an ageing step of seconds", "    service_level: 1h", "    ageing_step: 59s", "59s", "ageing_step: out of range: expected 1m–168h"},
	{"an owner lease of days", "    service_level: 1h", "    owner_lease: 25h", "25h", "owner_lease: out of range: expected 1m–24h"},
	{"no such hours", "hours: always\n", "hours: never\n", "hours: never", `hours: there is no set of business hours "never"; there are always`},
	{"auto wrap-up without a code", "    service_level: 1h", "    wrap_up: {auto: 60s}", "wrap_up: {auto", `wrap_up: the key "default" is missing in rules for wrap-up`},
	{"auto wrap-up too soon", "    service_level: 1h", "    wrap_up: {auto: 4s, default: resolved}", "wrap_up: {auto", "auto: out of range: expected 5s–15m"},
	{"a default without auto wrap-up", "    service_level: 1h", "    wrap_up: {default: resolved}", "wrap_up: {default", `the key "auto" is missing`},
	{"auto wrap-up with another queue's code", "    service_level: 1h", "    wrap_up: {auto: 60s, default: spam}", "wrap_up: {auto", `wrap_up: the default "spam" is not one of the queue's`},
	{"auto wrap-up with a code that requires a note", "    service_level: 1h", "    wrap_up: {auto: 60s, default: other}", "wrap_up: {auto", `wrap_up: the default "other" requires a note`},
	{"too many extensions", "    service_level: 1h", "    wrap_up: {auto: 60s, default: resolved, extensions: 11}", "wrap_up: {auto", "extensions: out of range: expected 0–10"},
	{"a time zone that is none", "time_zone: Asia/Seoul", "time_zone: Asia/Soul", "Asia/Soul", "time_zone: malformed: expected the name of a time zone"},
	{"the time zone of a process", "time_zone: Asia/Seoul", "time_zone: Local", "Local", "time_zone: malformed"},
	{"hours that never open", "    week:\n      mon-sun: 00:00-24:00 #", "    week: {} #", "week: {}", "week: no day is named: it would never be open"},
	{"a day without a span", "mon-sun: 00:00-24:00", "mon-sun: []", "mon-sun: []", "week: mon-sun: no span is given"},
	{"a day that is none", "mon-sun: 00:00-24:00", "monday: 00:00-24:00", "monday", "week: not a day or days: expected mon, tue"},
	{"a day twice", "      mon-sun: 00:00-24:00", "      mon: 09:00-12:00\n      mon: 13:00-18:00", "mon: 13:00", "week: mon: given twice, first in line"},
	{"spans that overlap", "mon-sun: 00:00-24:00", "mon-sun: [09:00-12:01, 12:00-18:00]", "mon-sun", "week: mon-sun: 12:00-18:00 overlaps 09:00-12:01 on mon"},
	{"spans of two lines that overlap", "mon-sun: 00:00-24:00", "mon-fri: 09:00-18:00\n      fri-sun: 08:00-09:01", "fri-sun", "week: fri-sun: 08:00-09:01 overlaps 09:00-18:00 on fri"},
	{"a span that ends before it begins", "mon-sun: 00:00-24:00", "mon-sun: 22:00-06:00", "mon-sun", "week: mon-sun: the span ends before it begins: one over midnight is written as two"},
	{"a span of nothing", "mon-sun: 00:00-24:00", "mon-sun: 09:00-09:00", "mon-sun", "the span ends before it begins"},
	{"a span past the day", "mon-sun: 00:00-24:00", "mon-sun: 09:00-24:01", "mon-sun", "week: mon-sun: malformed: expected a span"},
	{"minutes that are none", "mon-sun: 00:00-24:00", "mon-sun: 09:60-18:00", "mon-sun", "malformed: expected a span"},
	{"hours that are a number", "mon-sun: 00:00-24:00", "mon-sun: 24", "mon-sun", "week: mon-sun: expected a span, as in 09:00-18:00; found a number"},
	{"a holiday that is no date", "    time_zone: Asia/Seoul", "    time_zone: Asia/Seoul\n    holidays:\n      - {date: 2026-02-29, name: Leap day}", "2026-02-29", "date: malformed: expected a date, as in 2026-03-01"},
	{"a holiday twice", "    time_zone: Asia/Seoul", "    time_zone: Asia/Seoul\n    holidays:\n      - {date: 2026-03-01, name: One}\n      - {date: 2026-03-01, name: Two}", "name: Two", "date: this day is given twice, first in line"},
	{"a mode that is none", "name: One at a time, capacity", "name: One at a time, mode: single, capacity", "mode: single", "mode: expected one of blended, blended_real_time, exclusive"},
	{"no such site", "    profile: standard\n", "    profile: standard\n    site: seoul\n", "site: seoul", `site: there is no site "seoul"`},
	{"an agent who forces states", "skills: {korean: 10}", "may_force_states: true", "may_force_states", "may_force_states: only a supervisor may"},
}

func allOf(skills []string) map[postroom.SkillID]int {
	if len(skills) == 0 {
		return nil
	}
	all := map[postroom.SkillID]int{}
	for _, k := range skills {
		all[postroom.SkillID(k)] = postroom.MaxSkillLevel
	}
	return all
}

// anyHours are business hours that Parse accepts: up to two spans a day, at least one in all.
func anyHours(t *rapid.T, id postroom.HoursID, name func() postroom.Name) postroom.BusinessHours {
	h := postroom.BusinessHours{ID: id, Name: name(), TimeZone: rapid.SampledFrom([]string{"UTC", "Asia/Seoul", "America/New_York", "Australia/Lord_Howe"}).Draw(t, "zone")}
	for _, day := range []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday} {
		for _, s := range rapid.SampledFrom([][2][2]int{{{0, 1440}}, {{540, 720}, {720, 1080}}, {{0, 1}, {1439, 1440}}, {}}).Draw(t, "spans") {
			if s[1] > 0 {
				h.Open = append(h.Open, postroom.OpenTime{Day: day, From: s[0], To: s[1]})
			}
		}
	}
	if h.Open == nil {
		h.Open = []postroom.OpenTime{{Day: time.Sunday, From: 61, To: 62}}
	}
	for _, date := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"2026-03-01", "2028-02-29", "1999-12-31"}), 0, 3, rapid.ID[string]).Draw(t, "holidays") {
		h.Holidays = append(h.Holidays, postroom.Holiday{Date: date, Name: name()})
	}
	return h
}

// anyRules are the rules of a queue that Parse accepts.
func anyRules(t *rapid.T, has []postroom.TeamID, teams, skills, overflow []string) postroom.QueueRules {
	span := func(what string, least, most time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(int64(least/time.Second), int64(most/time.Second)).Draw(t, what)) * time.Second
	}
	orNone := func(d time.Duration) time.Duration {
		return rapid.SampledFrom([]time.Duration{0, d}).Draw(t, "or none")
	}
	r := postroom.QueueRules{
		Type:          postroom.RouteLongestAvailable,
		AgeingStep:    span("ageing", postroom.MinAgeingStep, postroom.MaxAgeingStep),
		OwnerLease:    span("lease", postroom.MinOwnerLease, postroom.MaxOwnerLease),
		ServiceLevel:  orNone(span("service level", postroom.MinThreshold, postroom.MaxServiceLevel)),
		PreferredTime: orNone(span("preferred", postroom.MinThreshold, postroom.MaxPreferredTime)),
		ManualPick:    rapid.Bool().Draw(t, "pick"),
	}
	if to := postroom.QueueID(rapid.SampledFrom(overflow).Draw(t, "overflow")); to != "" {
		r.Overflow, r.MaxTime, r.MaxWaiting = to, orNone(100*time.Hour), rapid.IntRange(1, postroom.MaxWaitingContacts).Draw(t, "waiting")
	}
	if len(skills) > 0 && rapid.Bool().Draw(t, "by skills") {
		r.Type = rapid.SampledFrom([]postroom.RoutingType{postroom.RouteSkillsBest, postroom.RouteSkillsLongest}).Draw(t, "type")
		for i, k := range rapid.Permutation(skills).Draw(t, "required") {
			r.Skills = append(r.Skills, postroom.SkillRequirement{Skill: postroom.SkillID(k), Level: i + 2})
		}
		less := slices.Clone(r.Skills)
		for i := range rapid.IntRange(0, 3).Draw(t, "relaxations") {
			if less = slices.Clone(less[min(i, len(less)):]); len(less) > 0 {
				less[0].Level--
			} else {
				less = nil
			}
			r.Relaxation = append(r.Relaxation, postroom.Relaxation{After: time.Duration(i+1) * 61 * time.Second, Skills: less})
		}
	}
	after := time.Duration(0)
	for _, k := range teams {
		if !slices.Contains(has, postroom.TeamID(k)) && rapid.Bool().Draw(t, "widened") {
			after += time.Hour
			r.Widening = append(r.Widening, postroom.Widening{After: after, Teams: []postroom.TeamID{postroom.TeamID(k)}})
		}
	}
	return r
}

func anyWrapUp(t *rapid.T, c postroom.Configuration, q postroom.Queue) postroom.WrapUpRules {
	for _, code := range c.WrapUpCodes {
		if slices.Contains(q.WrapUpCodes, code.Code) && !code.NoteRequired && rapid.Bool().Draw(t, "auto wrap-up") {
			return postroom.WrapUpRules{Auto: time.Duration(rapid.IntRange(5, 900).Draw(t, "auto")) * time.Second,
				Extensions: rapid.IntRange(0, postroom.MaxExtensions).Draw(t, "extensions"), Default: code.Code}
		}
	}
	return postroom.WrapUpRules{}
}
