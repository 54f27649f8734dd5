package routing

import (
	"time"

	"github.com/postroom/postroom"
)

// watchAll tests what must hold after every step, and at rest.
func (c *centre) watchAll(settled bool) {
	c.watchHolders()
	if c.failed != nil || !settled {
		return
	}
	c.seen.count(sawRest)
	rona := map[postroom.Channel]bool{}
	for _, x := range c.contacts {
		if x.phase != postroom.ContactWaiting {
			continue
		}
		c.watchRest(x)
		for _, a := range x.queue.watched[x.step] {
			if a.state == postroom.AgentRONA && x.queue.wall.isOpen(c.now()) {
				rona[x.queue.Channel] = true
				break
			}
		}
	}
	c.seen.countIf(len(rona) > 1, sawRONABlocksChannels)
	if len(c.contacts) > 0 && c.roll.oneIn(50) {
		if x := c.contacts[c.roll(len(c.contacts))]; x.phase == postroom.ContactWaiting && !x.stale {
			c.watchExplanation(x)
		}
	}
}

// watchHolders: I1, and that phases and offers agree.
func (c *centre) watchHolders() {
	held := map[*simContact]int{}
	for _, a := range c.agents {
		for _, o := range a.offers {
			if !o.segmentOnly {
				held[o.contact]++
			}
		}
	}
	for _, x := range c.contacts {
		want := 0
		switch x.phase {
		case postroom.ContactOffered, postroom.ContactOwned, postroom.ContactWrapUp:
			want = 1
		}
		if held[x] != want {
			c.fail("%s is %s, and held by %d (I1)", x.id, x.phase, held[x])
		}
	}
}

// watchRest: at rest a contact that waits belongs to nobody who is free, unless a pause forbids it; and whatever time changes next, a
// timer is set for it.
func (c *centre) watchRest(x *simContact) {
	who, until := c.rightAgent(x, c.takers(x))
	if x.stale && who != nil && len(x.refusals) > 0 {
		return // its pause ended early, by a clock that was set forward: its timer is late by as much
	}
	if x.left && x.timer.Sub(c.real) <= LookTime {
		return // those took something else; somebody who refused it may be asked now, in a moment
	}
	if who != nil {
		c.fail("%s waits at stage %d of %s, and %s is free: the choice looked over him", x.id, x.step, x.queue.ID, who.ID)
		return
	}
	if x.queue.hours != nil && x.queue.open != x.queue.wall.isOpen(c.now()) {
		c.fail("queue %s is open: %v, by the clock on the wall it is not so", x.queue.ID, x.queue.open)
	}
	c.seen.countIf(!x.queue.wall.isOpen(c.now()), sawClosed)
	c.seen.countIf(x.target != nil, sawTargetWaits)
	c.seen.countIf(x.step > 0, sawStageWaits)
	if x.stale {
		c.seen.count(sawStale)
		return
	}
	stage, over, next := c.stage(x)
	if over || stage != x.step {
		c.fail("%s stands at stage %d of %s: by its open time it is at %d, over %v", x.id, x.step, x.queue.ID, stage, over)
	}
	if !until.IsZero() && (next.IsZero() || until.Before(next)) {
		next = until
		c.seen.count(sawPaused)
	}
	if next.IsZero() || next.Sub(c.start) > 40*24*time.Hour {
		return
	}
	if x.timer.IsZero() || x.timer.Add(c.offset).After(next) {
		c.fail("time changes the wait of %s at %v, and its timer is at %v", x.id, next, x.timer.Add(c.offset))
	}
}

// watchExplanation: an explanation says of each agent what the watch says, and who it names becomes able when it says so (R35).
func (c *centre) watchExplanation(x *simContact) {
	var facts []postroom.AgentFacts
	for _, a := range c.agents {
		facts = append(facts, postroom.AgentFacts{Agent: a.Agent, State: a.state, IdleAfter: a.idleAfter, Room: a.room[x.queue.Channel],
			FreeSince: later(a.since, a.offeredAt), Refusals: x.refusals[a]})
	}
	e := Explain(c.wait(x), facts, c.now())
	if e.Eligible != 0 {
		c.fail("%s waits, and %d could take it: %+v", x.id, e.Eligible, e.Agents[0])
	}
	if e.Step != x.step || len(e.Agents) != len(c.agents) || len(e.Sentences(c.now())) < 2+len(c.agents) {
		c.fail("the explanation of %s is not of it: %+v", x.id, e)
	}
	for _, m := range e.Agents {
		a := c.byID[m.Agent]
		lacks := map[Lack]bool{}
		for _, one := range m.Missing {
			lacks[one.What] = true
			c.seen.lacks[one.What]++
		}
		if r := x.refusals[a]; lacks[LackRefusal] != (setAside(r, c.now()) && (othersFresh(c, x, a) || c.now().Before(pauseEnds(r)))) {
			c.fail("%s: of %s, who refused it, is said %+v", x.id, a.ID, m.Missing)
		}
		_, suits := mayTake(x.queue, x.step, a)
		if x.target == nil && suits == (lacks[LackTeam] || lacks[LackSkill]) || lacks[LackState] == (a.state == postroom.AgentAvailable) ||
			lacks[LackHours] == x.queue.wall.isOpen(c.now()) || lacks[LackTarget] != (x.target != nil && x.target != a) ||
			a.state == postroom.AgentAvailable && a.idleAfter == "" && lacks[LackRoom] == hasRoom(a, x.queue.Channel) {
			c.fail("%s: %s lacks %+v", x.id, a.ID, m.Missing)
		}
	}
	c.seen.count(sawExplanation)
	if e.NextAt.IsZero() || e.NextAt.Sub(c.start) > 30*24*time.Hour {
		return
	}
	// As things stand, at NextAt he is the one.
	c.seen.count(sawExplainedNext)
	row, offset := *x, c.offset
	c.offset += e.NextAt.Sub(c.now())
	stage, over, _ := c.stage(x)
	x.step = stage
	if x.target != nil && !c.now().Before(x.targetUntil) {
		x.target = nil
	}
	if who, _ := c.rightAgent(x, c.takers(x)); over || who == nil {
		c.fail("%s: at %v %s should be able to take it", x.id, e.NextAt, e.NextAgent)
	}
	*x, c.offset = row, offset
}

// othersFresh says whether somebody else could be offered a contact who has not refused it lately.
func othersFresh(c *centre, x *simContact, but *simAgent) bool {
	for _, a := range c.takers(x) {
		if a != but && !setAside(x.refusals[a], c.now()) {
			return true
		}
	}
	return false
}
