package routing

import (
	"reflect"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// settle lets everybody look who has a reason to, in any order, until nobody has.
func (c *centre) settle() {
	for n := 0; len(c.looks)+len(c.wanting) > 0 && c.failed == nil; n++ {
		if n > 100_000 {
			c.fail("looking does not end: %d contacts and %d agents", len(c.looks), len(c.wanting))
		}
		c.lookOnce()
	}
}

func (c *centre) lookOnce() {
	i := c.roll(len(c.looks) + len(c.wanting))
	if i < len(c.looks) {
		x := c.looks[i]
		c.looks = slices.Delete(c.looks, i, i+1)
		x.looking = false
		c.offerContact(x)
		return
	}
	i -= len(c.looks)
	a := c.wanting[i]
	c.wanting = slices.Delete(c.wanting, i, i+1)
	c.lookFor(a)
}

// tries is how often a lost claim leads to another choice.
const tries = 8

// offerContact is a contact's own look.
func (c *centre) offerContact(x *simContact) {
	if x.phase != postroom.ContactWaiting {
		return
	}
	change := c.rules.progress(c.wait(x), c.now())
	c.watchProgress(x, change)
	x.timer, x.stale, x.left = time.Time{}, false, false
	if change.Overflow != "" {
		c.seen.count(sawOverflow)
		c.enqueue(x, change.Overflow, nil, time.Time{})
		return
	}
	if change.Step > x.step {
		c.seen.count(sawStage)
		x.step = change.Step
		x.version++
	}
	if change.DropTarget {
		c.countDrop(x)
		x.target, x.targetUntil = nil, time.Time{}
		x.version++
	}
	next := change.Next
	for try := 0; c.rowOpen(x.queue); try++ {
		if try == tries {
			next = time.Second
			break
		}
		candidates := c.candidates(x)
		d := c.rules.agent(x.queue.Type, candidates, c.now())
		c.watchAgentChoice(x, d)
		if c.roll.oneIn(4) {
			shuffled := shuffle(c.roll, candidates)
			if again := c.rules.agent(x.queue.Type, shuffled, c.now()); !reflect.DeepEqual(d, again) {
				c.fail("another order of the candidates leads to %+v instead of %+v", again, d)
			}
		}
		if d.Agent == "" {
			next = sooner(next, d.LookAgain)
			x.left = slices.ContainsFunc(candidates, func(one postroom.Candidate) bool { return one.LookDue })
			c.seen.countIf(x.left, sawLeft)
			break
		}
		c.watchUrgency(x, c.byID[d.Agent])
		raced := c.race()
		c.watchReason(d.Reason.Under(c.wait(x), c.now()))
		if c.claim(x, c.byID[d.Agent], x.version, raced) {
			c.seen.count(sawByContact)
			c.seen.countIf(d.Reason.OnlyOne, sawOnlyOne)
			c.seen.countIf(d.Reason.SetAside > 0 && !d.Reason.OnlyOne, sawSetAside)
			c.seen.countIf(x.step > 0, sawStageUsed)
			return
		}
		if x.phase != postroom.ContactWaiting {
			return
		}
	}
	if next > 0 {
		x.timer = c.real.Add(next)
	}
}

func (c *centre) countDrop(x *simContact) {
	switch {
	case !x.refusals[x.target].Last.IsZero():
		c.seen.count(sawTargetRefused)
	case x.target.state == postroom.AgentLoggedOut:
		c.seen.count(sawTargetGone)
	default:
		c.seen.count(sawTargetExpired)
	}
}

func (c *centre) rowOpen(q *simQueue) bool {
	return q.hours == nil || !c.now().Before(q.from) && c.now().Before(q.until)
}

func (c *centre) candidates(x *simContact) []postroom.Candidate {
	var found []postroom.Candidate
	lane := x.queue.inLane[x.step]
	if x.target != nil {
		lane = []*simAgent{x.target}
	}
	for _, a := range lane {
		if c.rules.able(a) && a.room[x.queue.Channel] > 0 {
			found = append(found, postroom.Candidate{Agent: a.ID, FreeSince: later(a.since, a.offeredAt), Score: x.queue.lanes[x.step][a],
				Refusals: x.refusals[a], LookDue: c.rules.lookDue(a)})
		}
	}
	return found
}

// lookFor finds work for an agent until he is full or nothing is left for him.
func (c *centre) lookFor(a *simAgent) {
	a.wants = false
	for lost := 0; lost < tries; {
		heads := c.heads(a)
		d := c.rules.contact(heads, c.now())
		c.watchContactChoice(a, d)
		if c.roll.oneIn(4) {
			if again := c.rules.contact(shuffle(c.roll, heads), c.now()); !reflect.DeepEqual(d, again) {
				c.fail("another order of the contacts leads to %+v instead of %+v", again, d)
			}
		}
		for _, id := range d.Later {
			c.seen.count(sawLater)
			c.wake(c.contact(id))
		}
		if d.Contact == "" || c.failed != nil {
			return
		}
		x := c.contact(d.Contact)
		raced := c.race()
		c.watchReason(d.Reason)
		if !c.claim(x, a, d.Version, raced) {
			lost++
			continue
		}
		c.seen.count(sawByAgent)
		c.seen.countIf(d.Reason.OnlyOne, sawOnlyOne)
		c.seen.countIf(x.step > 0, sawStageUsed)
	}
	c.want(a) // the reconciler looks again
}

// heads are the contacts that an agent's is chosen from: of each lane those that he refused lately up to the first that he did not, and all
// that wait for him.
func (c *centre) heads(a *simAgent) []postroom.WaitingContact {
	now := c.now()
	var heads []postroom.WaitingContact
	for _, q := range c.queues {
		if !c.rowOpen(q) || a.room[q.Channel] == 0 || !c.rules.able(a) {
			continue
		}
		lanes := make([][]*simContact, len(q.steps))
		for _, x := range c.contacts {
			if x.phase != postroom.ContactWaiting || x.queue != q {
				continue
			}
			if x.target == a {
				heads = append(heads, c.asSeen(x, a))
			} else if _, ok := q.lanes[x.step][a]; ok && x.target == nil {
				lanes[x.step] = append(lanes[x.step], x)
			}
		}
		for _, lane := range lanes {
			inOrder(lane)
			for _, x := range lane {
				heads = append(heads, c.asSeen(x, a))
				if r := x.refusals[a]; r.Last.IsZero() || !now.Before(r.Last.Add(postroom.ExclusionTime)) {
					break
				}
			}
		}
	}
	return heads
}

func (c *centre) asSeen(x *simContact, a *simAgent) postroom.WaitingContact {
	w := postroom.WaitingContact{Contact: x.id, Version: x.version, Queue: x.queue.ID, Type: x.queue.Type, Step: x.step, Score: x.queue.lanes[x.step][a],
		Priority: x.priority + x.queue.Priority, AgeingStep: x.queue.AgeingStep, ArrivedAt: x.arrived, Targeted: x.target != nil, Refusals: x.refusals[a]}
	if x.target != nil || w.Refusals.Last.IsZero() {
		return w
	}
	for _, other := range x.queue.inLane[x.step] {
		r := x.refusals[other]
		if other != a && c.rules.able(other) && other.room[x.queue.Channel] > 0 && (r.Last.IsZero() || !c.now().Before(r.Last.Add(postroom.ExclusionTime))) {
			w.Others++
		}
	}
	return w
}

func (c *centre) contact(id postroom.ContactID) *simContact {
	return c.contacts[slices.IndexFunc(c.contacts, func(x *simContact) bool { return x.id == id })]
}

// race lets something happen between a choice and its claim, now and then; it reports whether it did.
func (c *centre) race() bool {
	if c.racing || !c.roll.oneIn(8) {
		return false
	}
	c.racing = true
	c.personActs()
	c.racing = false
	return true
}

// claim makes a choice an offer. Without a race, a claim that could be lost is a wrong decision.
func (c *centre) claim(x *simContact, a *simAgent, version int64, raced bool) bool {
	if wrong := c.wrongClaim(x, a); wrong != "" || x.version != version {
		if !raced {
			c.fail("%s is offered to %s: %s", x.id, a.ID, wrong)
		}
		c.seen.count(sawLostClaim)
		return false
	}
	o := &simOffer{contact: x, agent: a, channel: x.queue.Channel, state: postroom.OfferLive, expires: c.now().Add(x.queue.RONATime), shown: !c.roll.oneIn(4)}
	c.seen.countIf(x.target == a, sawTargetTaken)
	x.phase, x.offer, x.timer = postroom.ContactOffered, o, time.Time{}
	x.version++
	c.hold(o)
	return true
}

func (c *centre) hold(o *simOffer) {
	a := o.agent
	a.offers = append(a.offers, o)
	a.held[o.channel]++
	a.offeredAt = c.now()
	c.refresh(a)
}

func shuffle[T any](roll dice, in []T) []T {
	out := slices.Clone(in)
	for i := len(out) - 1; i > 0; i-- {
		j := roll(i + 1)
		out[i], out[j] = out[j], out[i]
	}
	return out
}
