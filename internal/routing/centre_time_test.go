package routing

import (
	"slices"
	"time"

	"github.com/postroom/postroom"
)

func (c *centre) someTime() time.Duration {
	switch c.roll(12) {
	case 0:
		return c.roll.seconds(time.Minute, 10*time.Hour)
	case 1, 2, 3:
		return c.roll.seconds(time.Minute, 15*time.Minute)
	}
	return c.roll.seconds(time.Second, time.Minute)
}

// jump sets the database's clock, forward or back. Nobody is told; the loops of the worker notice what is theirs.
func (c *centre) jump() {
	by := c.roll.seconds(-90*time.Minute, 90*time.Minute)
	if !c.roll.oneIn(4) {
		by /= 60
		by = by.Truncate(time.Second)
	}
	if c.offset+by > 6*time.Hour || c.offset+by < -6*time.Hour {
		by = -by
	}
	c.note("the clock is set by %v", by)
	c.offset += by
	for _, x := range c.contacts {
		x.stale = x.stale || by > 0 && !x.timer.IsZero()
	}
	c.seen.countIf(by > 0, sawJumpForward)
	c.seen.countIf(by < 0, sawJumpBack)
	c.advance(0)
}

// advance lets time pass, from one thing that is due to the next.
func (c *centre) advance(by time.Duration) {
	lag := c.roll.oneIn(8) // looks are late
	for end := c.real.Add(by); c.failed == nil; {
		due := end
		sooner := func(at time.Time) {
			if !at.IsZero() && at.Before(due) {
				due = later(at, c.real)
			}
		}
		for _, x := range c.contacts {
			sooner(x.timer)
			if x.phase == postroom.ContactParked {
				sooner(x.parkedUntil.Add(-c.offset))
			}
			if x.offer != nil && x.offer.state == postroom.OfferLive {
				sooner(x.offer.expires.Add(-c.offset))
			}
		}
		for _, q := range c.queues {
			if q.hours != nil {
				if !q.open {
					sooner(q.from.Add(-c.offset))
				}
				sooner(q.until.Add(-c.offset))
			}
		}
		c.countChanges(c.real, due)
		c.real = due
		c.fire()
		if !lag {
			c.settle()
		}
		if !due.Before(end) {
			return
		}
	}
}

// fire does what is due now.
func (c *centre) fire() {
	c.tickAll()
	for _, x := range slices.Clone(c.contacts) {
		switch {
		case x.phase == postroom.ContactParked && !c.now().Before(x.parkedUntil):
			c.resume(x)
		case x.phase == postroom.ContactOffered && !c.now().Before(x.offer.expires):
			c.expire(x.offer)
		case !x.timer.IsZero() && !c.real.Before(x.timer):
			x.timer = time.Time{}
			c.wake(x)
			c.seen.count(sawTimer)
		}
	}
}

func (c *centre) expire(o *simOffer) {
	a := o.agent
	if o.shown {
		c.note("%s misses %s", a.ID, o.contact.id)
		c.refuse(o, postroom.OfferExpired)
		if a.state == postroom.AgentAvailable {
			c.setState(a, postroom.AgentRONA)
			c.seen.count(sawRONA)
		}
		return
	}
	c.note("%s is not reached for %s", a.ID, o.contact.id)
	c.refuse(o, postroom.OfferUnreachable)
	if a.state == postroom.AgentAvailable {
		c.setState(a, postroom.AgentIdle)
	}
	c.seen.count(sawUnreachable)
}

// countChanges counts the changes of clocks that time passes over.
func (c *centre) countChanges(from, to time.Time) {
	from, to = from.Add(c.offset), to.Add(c.offset)
	for _, q := range c.queues {
		if q.hours == nil || !from.Before(to) {
			continue
		}
		_, before := from.In(zoneOf(q.hours.TimeZone)).Zone()
		_, after := to.In(zoneOf(q.hours.TimeZone)).Zone()
		c.seen.countIf(before < after, sawSkippedHour)
		c.seen.countIf(before > after, sawDoubledHour)
	}
}
