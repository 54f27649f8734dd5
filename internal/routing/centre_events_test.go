package routing

import (
	"fmt"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// step lets one thing happen, then the looks that follow, most of the time; and tests what must hold.
func (c *centre) step() {
	switch n := c.roll(100); {
	case n < 15:
		c.arrive()
	case n < 83:
		c.personActs()
	case n < 98:
		c.advance(c.someTime())
	case c.roll.oneIn(4):
		c.jump()
	default:
		c.configure()
	}
	settled := !c.roll.oneIn(3)
	if settled {
		c.settle()
	}
	c.watchAll(settled)
}

func (c *centre) note(format string, args ...any) {
	if len(c.trail) > 40 {
		c.trail = c.trail[1:]
	}
	c.trail = append(c.trail, fmt.Sprintf(format, args...))
}

// maxContacts are open at a time.
const maxContacts = 120

func (c *centre) arrive() {
	if len(c.contacts) >= maxContacts {
		return
	}
	c.made++
	x := &simContact{id: postroom.ContactID(fmt.Sprintf("c%06d", c.made)), priority: c.roll(10), arrived: c.now(), version: 1}
	if c.roll.oneIn(2) {
		x.priority = 5
	}
	c.contacts = append(c.contacts, x)
	var target *simAgent
	if c.roll.oneIn(6) { // the agent who answered last
		target = c.agents[c.roll(len(c.agents))]
	}
	c.enqueue(x, c.queues[c.roll(len(c.queues))].ID, target, c.now().Add(c.roll.seconds(time.Second, time.Hour)))
	c.seen.count(sawArrival)
}

// personActs: an agent, a supervisor or a desktop's connection does something.
func (c *centre) personActs() {
	a := c.agents[c.roll(len(c.agents))]
	switch n := c.roll(60); {
	case n < 16:
		c.withOffer(a, postroom.OfferLive, c.accept)
	case n < 19:
		c.withOffer(a, postroom.OfferLive, c.decline)
	case n < 28:
		c.withOffer(a, postroom.OfferAccepted, c.handle)
	case n < 37:
		c.withOffer(a, postroom.OfferWrapUp, c.wrapUp)
	case n < 43:
		c.chooseAvailable(a)
	case n < 45:
		c.goIdle(a, postroom.AgentIdle, sawIdle)
	case n < 46:
		c.goIdle(a, postroom.AgentLoggedOut, sawSignOut)
	case n < 47:
		c.goIdle(a, postroom.AgentIdle, sawIdle) // the lease was lost
	case n < 48:
		if a.state == postroom.AgentAvailable && len(a.offers) > 0 {
			a.idleAfter = "lunch"
			c.refresh(a)
			c.seen.count(sawIdleAfter)
		}
	case n < 51:
		c.withOffer(a, postroom.OfferAccepted, c.transfer)
	case n < 52:
		c.withOffer(a, postroom.OfferAccepted, c.park)
	case n < 53:
		c.withOffer(a, postroom.OfferAccepted, c.release)
	case n < 54:
		c.withOffer(a, postroom.OfferLive, c.withdraw)
	case n < 57:
		c.withWaiting(c.reprioritise)
	case n < 58:
		c.withWaiting(c.move)
	case n < 59:
		c.withWaiting(func(x *simContact) { c.assign(x, a) })
	default:
		c.takeUp()
	}
}

// withOffer does something to an offer of the agent, or else of the next who has one.
func (c *centre) withOffer(a *simAgent, state postroom.OfferState, do func(*simOffer)) {
	first := slices.Index(c.agents, a)
	for i := range c.agents {
		for _, o := range c.agents[(first+i)%len(c.agents)].offers {
			if o.state == state {
				do(o)
				return
			}
		}
	}
}

func (c *centre) withWaiting(do func(*simContact)) {
	if len(c.contacts) == 0 {
		return
	}
	if x := c.contacts[c.roll(len(c.contacts))]; x.phase == postroom.ContactWaiting {
		do(x)
	}
}

func (c *centre) accept(o *simOffer) {
	if !c.now().Before(o.expires) {
		return
	}
	c.note("%s accepts %s", o.agent.ID, o.contact.id)
	o.state, o.contact.phase = postroom.OfferAccepted, postroom.ContactOwned
	o.contact.version++
	c.seen.count(sawAccept)
}

func (c *centre) decline(o *simOffer) {
	c.note("%s declines %s", o.agent.ID, o.contact.id)
	c.refuse(o, postroom.OfferDeclined)
	c.seen.count(sawDecline)
}

func (c *centre) handle(o *simOffer) {
	o.state, o.contact.phase = postroom.OfferWrapUp, postroom.ContactWrapUp
	o.contact.version++
}

func (c *centre) wrapUp(o *simOffer) {
	c.note("%s wraps up %s", o.agent.ID, o.contact.id)
	c.end(o, postroom.OfferFinished)
	c.seen.count(sawWrapUp)
	if !o.segmentOnly {
		o.contact.phase = postroom.ContactDone
		c.contacts = slices.DeleteFunc(c.contacts, func(x *simContact) bool { return x == o.contact })
	}
}

func (c *centre) chooseAvailable(a *simAgent) {
	for i := 0; i < 4 && a.state == postroom.AgentAvailable; i++ {
		a = c.agents[c.roll(len(c.agents))]
	}
	c.note("%s is available", a.ID)
	c.setState(a, postroom.AgentAvailable)
}

// goIdle ends an agent's live offers with his being Available; contacts that wait for one who signed out look.
func (c *centre) goIdle(a *simAgent, s postroom.AgentState, saw kind) {
	if a.state == postroom.AgentRONA && c.roll.oneIn(2) {
		return // he rather chooses Available, or nothing
	}
	c.note("%s is %s", a.ID, s)
	c.setState(a, s)
	for _, o := range slices.Clone(a.offers) {
		if o.state == postroom.OfferLive {
			c.withdraw(o)
		}
	}
	if s == postroom.AgentLoggedOut {
		for _, x := range c.contacts {
			if x.phase == postroom.ContactWaiting && x.target == a {
				c.wake(x)
			}
		}
	}
	c.seen.count(saw)
}

func (c *centre) withdraw(o *simOffer) {
	c.end(o, postroom.OfferWithdrawn)
	c.putBack(o.contact)
	c.seen.count(sawWithdraw)
}

func (c *centre) transfer(o *simOffer) {
	x := o.contact
	c.note("%s transfers %s", o.agent.ID, x.id)
	o.state, o.segmentOnly = postroom.OfferWrapUp, true
	var target *simAgent
	if c.roll.oneIn(2) {
		target = c.agents[c.roll(len(c.agents))]
	}
	c.enqueue(x, c.another(x.queue).ID, target, c.now().Add(c.roll.seconds(time.Second, 2*time.Hour)))
	c.seen.count(sawTransfer)
}

func (c *centre) park(o *simOffer) {
	x := o.contact
	c.end(o, postroom.OfferReleased)
	x.phase, x.offer, x.parkedUntil = postroom.ContactParked, nil, c.now().Add(c.roll.seconds(time.Minute, 12*time.Hour))
	x.target, x.targetUntil = o.agent, x.parkedUntil.Add(time.Hour)
	x.version++
	c.seen.count(sawPark)
}

// takeUp: the customer of a parked contact writes.
func (c *centre) takeUp() {
	if i := slices.IndexFunc(c.contacts, func(x *simContact) bool { return x.phase == postroom.ContactParked }); i >= 0 {
		c.resume(c.contacts[i])
	}
}

func (c *centre) resume(x *simContact) {
	c.enqueue(x, x.queue.ID, x.target, c.now().Add(time.Hour))
}

func (c *centre) release(o *simOffer) {
	c.end(o, postroom.OfferReleased)
	c.putBack(o.contact)
}

func (c *centre) reprioritise(x *simContact) {
	x.priority = c.roll(10)
	x.version++
	c.seen.count(sawReprioritise)
}

func (c *centre) move(x *simContact) {
	c.enqueue(x, c.another(x.queue).ID, nil, time.Time{})
}

// assign makes an agent the owner without an offer; he has room, and is signed in and not RONA (R33).
func (c *centre) assign(x *simContact, a *simAgent) {
	if a.state == postroom.AgentLoggedOut || a.state == postroom.AgentRONA || c.rules.room(a.profile, x.queue.Channel, a.held) == 0 {
		return
	}
	o := &simOffer{contact: x, agent: a, channel: x.queue.Channel, state: postroom.OfferAccepted}
	x.phase, x.offer, x.timer = postroom.ContactOwned, o, time.Time{}
	x.version++
	c.hold(o)
	c.seen.count(sawAssign)
}

// configure applies another configuration: an agent's or a queue's part of it is new. Who may take more wants work; contacts of a queue
// with new rules look, as what they waited for may be another time now.
func (c *centre) configure() {
	c.seen.count(sawConfiguration)
	if c.roll.oneIn(2) {
		a := c.agents[c.roll(len(c.agents))]
		switch c.roll(3) {
		case 0:
			a.Team = team(c.roll(c.teams))
		case 1:
			a.Skills = someSkills(c.roll, c.skills)
		default:
			a.profile = someProfile(c.roll)
		}
		c.note("%s is another", a.ID)
		for _, q := range c.queues {
			c.draw(q)
		}
		c.refresh(a)
		c.want(a)
		return
	}
	q := c.queues[c.roll(len(c.queues))]
	c.note("queue %s has other rules", q.ID)
	c.someRules(q)
	c.draw(q)
	q.open = false
	c.tick(q)
	for _, lane := range q.inLane {
		for _, a := range lane {
			c.want(a)
		}
	}
	for _, x := range c.contacts {
		if x.queue == q && x.phase != postroom.ContactDone {
			x.step = min(x.step, len(q.steps)-1)
			if x.phase == postroom.ContactWaiting {
				c.wake(x)
			}
		}
	}
}
