package routing

import (
	"fmt"
	"time"

	"github.com/postroom/postroom"
)

// Sentences say an explanation in English, one fact a line, for the command line (R35).
func (e Explanation) Sentences(now time.Time) []string {
	lines := []string{fmt.Sprintf("Contact %s has waited %s of open time in queue %s (%s), at stage %d.", e.Contact, round(e.Waited), e.Queue, e.Rule, e.Step)}
	switch {
	case e.Change.Overflow != "":
		lines = append(lines, fmt.Sprintf("It goes to queue %s, as it has waited for the maximum time.", e.Change.Overflow))
	case e.Change.Next > 0:
		lines = append(lines, fmt.Sprintf("Time changes its wait next in %s.", round(e.Change.Next)))
	}
	switch {
	case e.Eligible > 0:
		lines = append(lines, fmt.Sprintf("%d of %d agents could take it now.", e.Eligible, len(e.Agents)))
	case !e.NextAt.IsZero():
		lines = append(lines, fmt.Sprintf("Nobody can take it now; %s will, in %s, if all else stays as it is.", e.NextAgent, round(e.NextAt.Sub(now))))
	default:
		lines = append(lines, "Nobody can take it now, and time alone does not change that.")
	}
	for _, a := range e.Agents {
		if len(a.Missing) == 0 {
			lines = append(lines, fmt.Sprintf("Agent %s lacks nothing.", a.Agent))
		}
		for _, m := range a.Missing {
			lines = append(lines, fmt.Sprintf("Agent %s %s.", a.Agent, m.Sentence(now)))
		}
	}
	return lines
}

// Sentence says what is missing as the rest of a sentence that begins with the agent: "has no room".
func (m Missing) Sentence(now time.Time) string {
	left := round(m.Until.Sub(now))
	switch m.What {
	case LackTeam:
		if m.Until.IsZero() {
			return "is in no team that may take it"
		}
		return fmt.Sprintf("is in no team that may take it yet: his joins at stage %d, in %s", m.Step, left)
	case LackSkill:
		has := fmt.Sprintf("lacks skill %s at level %d (has %d)", m.Skill, m.Level, m.Has)
		if m.Until.IsZero() {
			return has
		}
		return fmt.Sprintf("%s; not required from stage %d on, in %s", has, m.Step, left)
	case LackState:
		if m.State == postroom.AgentIdle && m.IdleCode != "" {
			return fmt.Sprintf("is not available: %s (%s)", m.State, m.IdleCode)
		}
		return fmt.Sprintf("is not available: %s", m.State)
	case LackIdleNext:
		return fmt.Sprintf("will be idle (%s) after the contacts in hand", m.IdleCode)
	case LackRoom:
		return "has no room"
	case LackRefusal:
		return fmt.Sprintf("refused it lately: not asked again for %s", left)
	case LackTarget:
		return fmt.Sprintf("may not take it: it waits for %s alone, for %s", m.Agent, left)
	case LackHours:
		if m.Until.IsZero() {
			return "waits for the queue, which never opens"
		}
		return fmt.Sprintf("waits for the queue, which opens in %s", left)
	}
	return "lacks " + string(m.What)
}

// Sentences say a reason in English, one fact a line.
func (r Reason) Sentences() []string {
	lines := []string{fmt.Sprintf("Rule %s, configuration %d, stage %d, effective priority %.3f.", r.Rule, r.Configuration, r.Step, r.Priority)}
	for _, s := range r.Skills {
		lines = append(lines, fmt.Sprintf("Required: skill %s at level %d.", s.Skill, s.Level))
	}
	switch {
	case r.Targeted:
		lines = append(lines, "The contact waited for this agent alone.")
	case r.Trigger == TriggerAgent && r.Next != nil:
		lines = append(lines, fmt.Sprintf("The agent became able: first of %d contacts, before %s with %.3f.", r.Compared, r.Next.Contact, r.Next.Priority))
	case r.Trigger == TriggerAgent:
		lines = append(lines, fmt.Sprintf("The agent became able: first of %d contacts.", r.Compared))
	default:
		lines = append(lines, fmt.Sprintf("The contact looked: %d agents could take it, %d of them refused it lately.", r.Candidates, r.SetAside))
	}
	if r.OnlyOne {
		lines = append(lines, "The agent had refused it, and nobody else was left.")
	}
	for i, c := range r.First {
		lines = append(lines, fmt.Sprintf("%d. agent %s, free since %s, score %d, refused %d times.", i+1, c.Agent, c.FreeSince.Format(time.RFC3339), c.Score, c.Refused))
	}
	for _, l := range Lacks() {
		if n := r.Lacked[l]; n > 0 {
			lines = append(lines, fmt.Sprintf("%d agents lacked: %s.", n, l))
		}
	}
	return lines
}

// round makes a duration readable: whole seconds.
func round(d time.Duration) time.Duration { return max(0, d.Round(time.Second)) }
