package config

import (
	"slices"

	"github.com/postroom/postroom"
)

var queues = object[postroom.Queue]{
	one: "a queue",
	fresh: postroom.Queue{Channel: postroom.ChannelEmail, RONATime: postroom.DefaultRONATime, Undo: postroom.DefaultUndo,
		QueueRules: postroom.QueueRules{}.WithDefaults()},
	fields: []field[postroom.Queue]{
		{"key", required, "Names the queue.", func(q *postroom.Queue) value { return key(queue, &q.ID) }},
		{"name", required, "What people see.", func(q *postroom.Queue) value { return name(&q.Name) }},
		{"channel", optional, "Only email is delivered.", func(q *postroom.Queue) value { return choice(&q.Channel, postroom.ChannelEmail) }},
		{"mailbox", required, "Replies are sent from here.", func(q *postroom.Queue) value { return refer(mailbox, &q.Mailbox) }},
		{"from", optional, "The other mailboxes from which agents may write. Without it they have no choice (R15).",
			func(q *postroom.Queue) value { return referAll(mailbox, &q.From) }},
		{"teams", required, "Who serves the queue. At least one of their agents, or of those of widening, needs capacity for its channel and the skills that " +
			"it requires in the end.",
			func(q *postroom.Queue) value { return referAll(team, &q.Teams) }},
		{"priority", optional, "Higher is served first.", func(q *postroom.Queue) value { return whole(&q.Priority, 0, maxPriority) }},
		{"ageing_step", optional, "How long a contact waits for one more level of priority, so that nobody starves.",
			func(q *postroom.Queue) value {
				return period(&q.AgeingStep, postroom.MinAgeingStep, postroom.MaxAgeingStep)
			}},
		{"rona_time", optional, "How long an offer may stay unanswered before the agent is Not Responding (R9). A change acts on later offers.",
			func(q *postroom.Queue) value { return period(&q.RONATime, postroom.MinRONATime, postroom.MaxRONATime) }},
		{"routing_type", optional, "Whom a contact is offered to: of the teams' agents the one who has waited longest for work; the same of those who have the " +
			"skills; or of those the one whose levels in the required skills add up to most.",
			func(q *postroom.Queue) value { return choice(&q.Type, postroom.RoutingTypes()...) }},
		{"skills", optional, "What an agent needs, and how well. For the two routing types by skills, which need one.",
			func(q *postroom.Queue) value { return requirements(&q.Skills, "") }},
		{"relaxation", optional, "What is enough instead after a time of waiting; it may only become less.",
			func(q *postroom.Queue) value { return nestedAll(relaxations, &q.Relaxation) }},
		{"widening", optional, "Teams that serve the queue too after a time of waiting.",
			func(q *postroom.Queue) value { return nestedAll(widenings, &q.Widening) }},
		{"service_level", optional, "How soon a contact should be answered: its due time.",
			func(q *postroom.Queue) value {
				return period(&q.ServiceLevel, postroom.MinThreshold, postroom.MaxServiceLevel)
			}},
		{"max_time", optional, "After this time of waiting a contact goes to the overflow queue.",
			func(q *postroom.Queue) value {
				return period(&q.MaxTime, postroom.MinThreshold, postroom.MaxTimeInQueue)
			}},
		{"max_waiting", optional, "While so many contacts wait, others go to the overflow queue at once.",
			func(q *postroom.Queue) value { return whole(&q.MaxWaiting, 1, postroom.MaxWaitingContacts) }},
		{"overflow", optional, "The overflow queue; goes with max_time, max_waiting or both.",
			func(q *postroom.Queue) value { return refer(queue, &q.Overflow) }},
		{"hours", optional, "When contacts are offered. Without it: always.", func(q *postroom.Queue) value { return refer(hours, &q.Hours) }},
		{"preferred_time", optional, "How long a customer who writes again waits for the agent who answered last (R22). Without it he does not.",
			func(q *postroom.Queue) value {
				return period(&q.PreferredTime, postroom.MinThreshold, postroom.MaxPreferredTime)
			}},
		{"manual_pick", optional, "Whether agents may take a waiting contact themselves (R33).", func(q *postroom.Queue) value { return toggle(&q.ManualPick) }},
		{"owner_lease", optional, "How long the desktop of an agent may be away until his contacts go back to the queue, with their drafts (R12).",
			func(q *postroom.Queue) value {
				return period(&q.OwnerLease, postroom.MinOwnerLease, postroom.MaxOwnerLease)
			}},
		{"wrap_up_codes", required, "What agents may choose in wrap-up, in the order shown.",
			func(q *postroom.Queue) value { return referAll(wrapUpCode, &q.WrapUpCodes) }},
		{"wrap_up", optional, "Whether a wrap-up completes by itself. Without it, it does not (R24).",
			func(q *postroom.Queue) value { return wrapUp(&q.WrapUp) }},
		{"undo", optional, "How long a reply waits before it is sent, so that it can be taken back (R20). A wrap-up that is completed ends the wait.",
			func(q *postroom.Queue) value { return period(&q.Undo, 0, postroom.MaxUndo) }},
		{"signature", optional, "What stands below replies, in the language that the customer writes.", func(q *postroom.Queue) value { return signature(&q.Signature) }},
		{"acknowledgement", optional, "The template that a customer is sent by itself when his mail opens a contact (R34); in his language, else in English. Without it " +
			"nothing is sent.", func(q *postroom.Queue) value { return refer(library, &q.Acknowledgement) }},
		{"wrap_up_guidance", optional, "What the organisation asks of a wrap-up, shown above its form (R24).",
			func(q *postroom.Queue) value { return guidance(&q.WrapUpGuidance) }},
	},
	check: checkQueue,
}

// maxPriority is a queue's highest priority (R32).
const maxPriority = 9

var relaxations = object[postroom.Relaxation]{
	one: "a relaxation",
	fields: []field[postroom.Relaxation]{
		{"after", required, "The time of waiting, in open hours.",
			func(x *postroom.Relaxation) value {
				return period(&x.After, postroom.MinThreshold, postroom.MaxTimeInQueue)
			}},
		{"skills", required, "What is required from then on, in place of all before; {} for nothing.",
			func(x *postroom.Relaxation) value { return requirements(&x.Skills, "{}") }},
	},
}

var widenings = object[postroom.Widening]{
	one: "a widening",
	fields: []field[postroom.Widening]{
		{"after", required, "The time of waiting, in open hours.",
			func(w *postroom.Widening) value {
				return period(&w.After, postroom.MinThreshold, postroom.MaxTimeInQueue)
			}},
		{"teams", required, "Who serves the queue too from then on.", func(w *postroom.Widening) value { return referAll(team, &w.Teams) }},
	},
}

var wrapUps = object[postroom.WrapUpRules]{
	one: "rules for wrap-up",
	fields: []field[postroom.WrapUpRules]{
		{"auto", required, "After this time a wrap-up completes by itself.",
			func(w *postroom.WrapUpRules) value {
				return period(&w.Auto, postroom.MinAutoWrapUp, postroom.MaxAutoWrapUp)
			}},
		{"extensions", optional, "How often an agent may take that time again.",
			func(w *postroom.WrapUpRules) value { return whole(&w.Extensions, 0, postroom.MaxExtensions) }},
		{"default", required, "The code that is recorded: one of the queue's, which needs no note.",
			func(w *postroom.WrapUpRules) value { return refer(wrapUpCode, &w.Default) }},
	},
}

// wrapUp is left out where nothing completes by itself.
func wrapUp(to *postroom.WrapUpRules) value {
	return wrapUpValue{nestedValue[postroom.WrapUpRules]{wrapUps, to}}
}

type wrapUpValue struct {
	nestedValue[postroom.WrapUpRules]
}

func (v wrapUpValue) write(column int) string {
	if *v.to == (postroom.WrapUpRules{}) {
		return ""
	}
	return v.nestedValue.write(column)
}

// checkQueue looks at what the keys of a queue demand of each other.
func checkQueue(r *reader, at spots, q postroom.Queue) {
	checkSkills(r, at, q)
	checkTeams(r, at, q)
	checkReach(r, at, q)
	if slices.Contains(q.From, q.Mailbox) {
		r.wrong(at.of("from"), "%s is the queue's mailbox, which agents may write from anyway", quoted(string(q.Mailbox)))
	}
	limited := q.MaxTime > 0 || q.MaxWaiting > 0
	switch {
	case limited && q.Overflow == "":
		limit := "max_time"
		if q.MaxTime == 0 {
			limit = "max_waiting"
		}
		r.wrong(at.of(limit), "a limit needs overflow, which says where contacts go")
	case !limited && q.Overflow != "":
		r.wrong(at.of("overflow"), "needs max_time or max_waiting: nothing would go there")
	case q.Overflow == q.ID:
		r.wrong(at.of("overflow"), "the queue overflows into itself")
	}
	if q.WrapUp.Default != "" && !slices.Contains(q.WrapUpCodes, q.WrapUp.Default) {
		r.wrong(at.of("wrap_up"), "the default %s is not one of the queue's wrap-up codes", quoted(string(q.WrapUp.Default)))
	}
}

func checkSkills(r *reader, at spots, q postroom.Queue) {
	if q.Type == postroom.RouteLongestAvailable {
		for _, k := range []string{"skills", "relaxation"} {
			if _, given := at.keys[k]; given {
				r.wrong(at.of(k), "the routing type %s looks at no skills", q.Type)
			}
		}
		return
	}
	if len(q.Skills) == 0 {
		r.wrong(at.of("routing_type"), "%s needs skills, and the queue requires none", q.Type)
		return
	}
	enough := q.Skills
	for i, x := range q.Relaxation {
		entry := r.entries[at.of("relaxation")][i]
		if i > 0 && x.After <= q.Relaxation[i-1].After {
			r.wrong(entry.of("after"), "relaxations follow each other by time, each later than the one before")
		}
		for _, s := range x.Skills {
			before := levelOf(enough, s.Skill)
			switch {
			case before == 0:
				r.wrong(entry.of("skills"), "%s was not required before: a relaxation cannot demand more", quoted(string(s.Skill)))
			case s.Level > before:
				r.wrong(entry.of("skills"), "%s %d was enough before: a relaxation cannot demand more", quoted(string(s.Skill)), before)
			}
		}
		enough = x.Skills
	}
}

// levelOf is the level that is required of a skill; 0 if none is.
func levelOf(required []postroom.SkillRequirement, skill postroom.SkillID) int {
	for _, s := range required {
		if s.Skill == skill {
			return s.Level
		}
	}
	return 0
}

func checkTeams(r *reader, at spots, q postroom.Queue) {
	has := slices.Clone(q.Teams)
	for i, w := range q.Widening {
		entry := r.entries[at.of("widening")][i]
		if i > 0 && w.After <= q.Widening[i-1].After {
			r.wrong(entry.of("after"), "widenings follow each other by time, each later than the one before")
		}
		for _, t := range w.Teams {
			if slices.Contains(has, t) {
				r.wrong(entry.of("teams"), "the team %s serves the queue already", quoted(string(t)))
			}
		}
		has = append(has, w.Teams...)
	}
}

// checkReach finds thresholds that no contact waits for, because it has gone to the overflow queue by then.
func checkReach(r *reader, at spots, q postroom.Queue) {
	if q.MaxTime == 0 {
		return
	}
	for i, x := range q.Relaxation {
		if x.After >= q.MaxTime {
			r.wrong(r.entries[at.of("relaxation")][i].of("after"), "no contact waits for so long: max_time is %s", inUnits(q.MaxTime))
		}
	}
	for i, w := range q.Widening {
		if w.After >= q.MaxTime {
			r.wrong(r.entries[at.of("widening")][i].of("after"), "no contact waits for so long: max_time is %s", inUnits(q.MaxTime))
		}
	}
}
