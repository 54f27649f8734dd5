package routing

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// The watch says in its own words, without the package's rules, what routing owes: it tests every decision when it is made, and the whole
// centre after every step. Times are compared exactly.

// holds counts what an agent holds, by offers.
func holds(a *simAgent, count func(postroom.Channel) bool) int {
	n := 0
	for _, o := range a.offers {
		if count(o.channel) {
			n++
		}
	}
	return n
}

// hasRoom is R2 in other words.
func hasRoom(a *simAgent, ch postroom.Channel) bool {
	same := holds(a, func(other postroom.Channel) bool { return other == ch })
	talks := holds(a, func(other postroom.Channel) bool {
		return other != ch && (other == postroom.ChannelVoice || other == postroom.ChannelChat)
	})
	switch {
	case a.profile.Mode == postroom.ModeExclusive && len(a.offers) > 0:
		return false
	case a.profile.Mode == postroom.ModeBlendedRealTime && (ch == postroom.ChannelVoice || ch == postroom.ChannelChat) && talks > 0:
		return false
	}
	return same < a.profile.Capacity[ch]
}

// free: Available, staying so, and with room (I3, I2).
func free(a *simAgent, ch postroom.Channel) bool {
	return a.state == postroom.AgentAvailable && a.idleAfter == "" && hasRoom(a, ch)
}

// thresholds of a queue, in order, the first at zero.
func thresholds(q *simQueue) []time.Duration {
	all := []time.Duration{0}
	for _, r := range q.Relaxation {
		all = append(all, r.After)
	}
	for _, w := range q.Widening {
		all = append(all, w.After)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// mayTake says whether a stage admits an agent, and his score (R32).
func mayTake(q *simQueue, stage int, a *simAgent) (score int, ok bool) {
	all := thresholds(q)
	at := all[min(stage, len(all)-1)]
	in := q.Teams[0] == a.Team
	for _, w := range q.Widening {
		in = in || w.After <= at && w.Teams[0] == a.Team
	}
	required, latest := q.Skills, time.Duration(-1)
	for _, r := range q.Relaxation {
		if r.After <= at && r.After > latest {
			required, latest = r.Skills, r.After
		}
	}
	for _, r := range required {
		if a.Skills[r.Skill] < r.Level {
			return 0, false
		}
		score += a.Skills[r.Skill]
	}
	return score, in
}

// watchLanes: who may take a queue's contacts at which stage, in the watch's words.
func (c *centre) watchLanes(q *simQueue) {
	q.watched = nil
	for stage := range thresholds(q) {
		var lane []*simAgent
		for _, a := range c.agents {
			if _, ok := mayTake(q, stage, a); ok {
				lane = append(lane, a)
			}
		}
		q.watched = append(q.watched, lane)
	}
	if len(q.watched) != len(q.steps) {
		c.fail("queue %s has %d stages, wanted %d", q.ID, len(q.steps), len(q.watched))
	}
}

// setAside and pauseEnds are R11.
func setAside(r postroom.Refusals, now time.Time) bool {
	return r.Declined+r.Missed > 0 && now.Sub(r.Last) < 10*time.Minute
}

func pauseEnds(r postroom.Refusals) time.Time {
	if r.Declined == 0 {
		return time.Time{} // whoever missed it is asked at once, if nobody else is left
	}
	pauses := []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute}
	return r.Last.Add(pauses[min(r.Declined, len(pauses))-1])
}

// before says whether a is served before b: priority + age ÷ step, in µs × minutes of the other's step, which fit.
func (c *centre) before(a, b *simContact) bool {
	level := func(x *simContact) (int64, int64) {
		step := x.queue.AgeingStep
		return int64(x.priority+x.queue.Priority)*step.Microseconds() + c.now().Sub(x.arrived).Microseconds(), int64(step / time.Minute)
	}
	pa, sa := level(a)
	pb, sb := level(b)
	if pa*sb != pb*sa {
		return pa*sb > pb*sa
	}
	return a.id < b.id
}

// takers are the agents who could be offered a waiting contact now, but for what they refused.
func (c *centre) takers(x *simContact) []*simAgent {
	if !x.queue.wall.isOpen(c.now()) {
		return nil
	}
	if x.target != nil {
		if free(x.target, x.queue.Channel) {
			return []*simAgent{x.target}
		}
		return nil
	}
	var found []*simAgent
	for _, a := range x.queue.watched[x.step] {
		if free(a, x.queue.Channel) {
			found = append(found, a)
		}
	}
	return found
}

// rightAgent is who a waiting contact belongs to now; with nobody, until is when somebody's pause ends.
func (c *centre) rightAgent(x *simContact, takers []*simAgent) (who *simAgent, until time.Time) {
	now := c.now()
	better := func(a, b *simAgent) bool {
		sa, _ := mayTake(x.queue, x.step, a)
		sb, _ := mayTake(x.queue, x.step, b)
		if x.queue.Type == postroom.RouteSkillsBest && x.target == nil && sa != sb {
			return sa > sb
		}
		return cmp.Or(later(a.since, a.offeredAt).Compare(later(b.since, b.offeredAt)), cmp.Compare(a.ID, b.ID)) < 0
	}
	var fresh, again *simAgent
	for _, a := range takers {
		switch r := x.refusals[a]; {
		case !setAside(r, now):
			if fresh == nil || better(a, fresh) {
				fresh = a
			}
		case !now.Before(pauseEnds(r)):
			if again == nil || better(a, again) {
				again = a
			}
		case until.IsZero() || pauseEnds(r).Before(until):
			until = pauseEnds(r)
		}
	}
	if fresh != nil {
		return fresh, time.Time{}
	}
	if again != nil {
		return again, time.Time{}
	}
	return nil, until
}

// stage is the stage that a wait has reached by its open time; over, that it overflows; next, when time changes it again.
func (c *centre) stage(x *simContact) (stage int, over bool, next time.Time) {
	q, now := x.queue, c.now()
	waited := q.wall.open(x.queued, now)
	stage = x.step
	all := thresholds(q)
	sooner := func(d time.Duration) {
		if at, known := q.wall.after(x.queued, d); known && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for i, after := range all {
		if i > stage && waited >= after {
			stage = i
		}
	}
	if stage+1 < len(all) {
		sooner(all[stage+1])
	}
	if q.MaxTime > 0 && q.Overflow != "" && q.Overflow != q.ID {
		over = waited >= q.MaxTime
		sooner(q.MaxTime)
	}
	if x.target != nil && (next.IsZero() || x.targetUntil.Before(next)) {
		next = x.targetUntil
	}
	return stage, over, next
}

func (c *centre) watchProgress(x *simContact, change Change) {
	wanted, over, next := c.stage(x)
	if over != (change.Overflow != "") || over && change.Overflow != x.queue.Overflow {
		c.fail("%s: overflow %q, wanted %v", x.id, change.Overflow, over)
	}
	if over {
		return
	}
	if change.Step != wanted {
		c.fail("%s: stage %d, by its open time it is %d", x.id, change.Step, wanted)
	}
	if x.target == nil && change.DropTarget {
		c.fail("%s: a target that is not there is dropped", x.id)
	}
	if x.target != nil {
		drop := x.target.state == postroom.AgentLoggedOut || x.refusals[x.target].Declined+x.refusals[x.target].Missed > 0 || !c.now().Before(x.targetUntil)
		if drop != change.DropTarget {
			c.fail("%s: target dropped %v, wanted %v", x.id, change.DropTarget, drop)
		}
		if drop {
			return
		}
	}
	if !next.IsZero() && c.now().Add(change.Next) != next && !(change.Next == 0 && next.Sub(c.start) > 40*24*time.Hour) {
		c.fail("%s: time changes its wait at %v, not in %v from %v", x.id, next, change.Next, c.now())
	}
}

func (c *centre) watchAgentChoice(x *simContact, d AgentDecision) {
	takers := c.takers(x)
	others := slices.DeleteFunc(slices.Clone(takers), c.rules.lookDue)
	who, until := c.rightAgent(x, others)
	if who != nil && setAside(x.refusals[who], c.now()) &&
		slices.ContainsFunc(takers, func(a *simAgent) bool { return c.rules.lookDue(a) && !setAside(x.refusals[a], c.now()) }) {
		who = nil
	}
	if soon := c.now().Add(time.Second); len(others) < len(takers) && (until.IsZero() || soon.Before(until)) {
		until = soon
	}
	switch {
	case who == nil && d.Agent != "":
		c.fail("%s is offered to %s, who may not have it", x.id, d.Agent)
	case who != nil && who.ID != d.Agent:
		c.fail("%s is offered to %q instead of %s", x.id, d.Agent, who.ID)
	case who == nil && !until.IsZero() && c.now().Add(d.LookAgain) != until:
		c.fail("%s looks again in %v instead of at %v", x.id, d.LookAgain, until)
	case who == nil && !until.IsZero():
		c.seen.count(sawBackOff)
	case who == nil:
		c.seen.count(sawNobody)
	}
}

// watchUrgency: whoever is offered a contact by its own look has none waiting that is more urgent.
func (c *centre) watchUrgency(x *simContact, a *simAgent) {
	for _, other := range c.contacts {
		if other != x && other.phase == postroom.ContactWaiting && !other.looking && !other.stale && c.before(other, x) && len(other.refusals) == 0 &&
			slices.Contains(c.takers(other), a) {
			c.fail("%s looks, and is offered to %s, for whom %s waits, which is more urgent", x.id, a.ID, other.id)
		}
	}
}

func (c *centre) watchContactChoice(a *simAgent, d ContactDecision) {
	var best *simContact
	for _, x := range c.contacts {
		if x.phase != postroom.ContactWaiting || !slices.Contains(c.takers(x), a) {
			continue
		}
		if r := x.refusals[a]; setAside(r, c.now()) {
			fresh := slices.ContainsFunc(c.takers(x), func(other *simAgent) bool { return !setAside(x.refusals[other], c.now()) })
			if fresh || c.now().Before(pauseEnds(r)) {
				continue
			}
		}
		if best == nil || c.before(x, best) {
			best = x
		}
	}
	switch {
	case best == nil && d.Contact != "":
		c.fail("%s is offered %s, which is not his to take", a.ID, d.Contact)
	case best != nil && best.id != d.Contact:
		c.fail("%s is offered %q instead of %s: %+v", a.ID, d.Contact, best.id, c.heads(a))
	case best == nil:
		c.seen.count(sawNothing)
	}
}

// wrongClaim says what forbids an offer: I1, I2, I3, and who may take what when.
func (c *centre) wrongClaim(x *simContact, a *simAgent) string {
	switch {
	case x.phase != postroom.ContactWaiting:
		return "it does not wait (I1)"
	case a.state != postroom.AgentAvailable:
		return "he is not Available, but " + string(a.state) + " (I3)"
	case a.idleAfter != "":
		return "he will be Idle after his contacts (R13)"
	case !hasRoom(a, x.queue.Channel):
		return "he has no room (I2)"
	case !x.queue.wall.isOpen(c.now()):
		return "the queue is closed (R32)"
	case x.target != nil && x.target != a:
		return "it waits for somebody else (R32)"
	}
	if _, ok := mayTake(x.queue, x.step, a); !ok && x.target == nil {
		return "he may not take it at this stage (R32)"
	}
	for _, other := range c.agents {
		for _, o := range other.offers {
			if o.contact == x && !o.segmentOnly {
				return "somebody holds it (I1)"
			}
		}
	}
	return ""
}

func (c *centre) watchReason(r Reason) {
	if !c.roll.oneIn(64) {
		return
	}
	text, err := json.Marshal(r)
	if err != nil || len(text) > MaxReason || len(r.Sentences()) == 0 {
		c.fail("a reason of %d bytes: %v", len(text), err)
	}
	c.seen.count(sawReason)
}
