package routing

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// A centre is a contact centre in memory: what internal/store, the workflows and the people do, as simply as it can be said, around the
// real rules of routing. It carries out what routing decides without testing it again; whoever watches it (watch_test.go) tests every decision.

// ruleTable are the rules that a centre lives by. A control exchanges one, and the watch must go red.
type ruleTable struct {
	able     func(*simAgent) bool
	lookDue  func(*simAgent) bool
	room     func(postroom.MultimediaProfile, postroom.Channel, map[postroom.Channel]int) int
	steps    func(postroom.Queue) []postroom.Step
	admits   func(postroom.Step, postroom.Agent) (int, bool)
	agent    func(postroom.RoutingType, []postroom.Candidate, time.Time) AgentDecision
	contact  func([]postroom.WaitingContact, time.Time) ContactDecision
	progress func(postroom.Wait, time.Time) Change
	span     func(*postroom.BusinessHours, time.Time) (from, until time.Time)
}

func realRules() ruleTable {
	return ruleTable{
		able: func(a *simAgent) bool {
			return a.state == postroom.AgentAvailable && a.idleAfter == ""
		},
		lookDue: func(a *simAgent) bool { return a.wants },
		room:    postroom.MultimediaProfile.Room, steps: postroom.Queue.Steps, admits: postroom.Step.Admits,
		agent: ChooseAgent, contact: ChooseContact, progress: Progress, span: OpenSpan,
	}
}

type simAgent struct {
	postroom.Agent
	profile          postroom.MultimediaProfile
	state            postroom.AgentState
	idleAfter        postroom.IdleCode
	since, offeredAt time.Time
	held             map[postroom.Channel]int // as the store counts; the watch counts offers
	room             map[postroom.Channel]int
	offers           []*simOffer // those that take a slot
	wants            bool
}

type simContact struct {
	id              postroom.ContactID
	version         int64
	queue           *simQueue
	priority        int
	arrived, queued time.Time
	step            int
	phase           postroom.ContactPhase
	target          *simAgent
	targetUntil     time.Time
	parkedUntil     time.Time
	refusals        map[*simAgent]postroom.Refusals
	offer           *simOffer
	timer           time.Time // of its workflow, by the clock that never jumps; zero: none
	stale           bool      // the database's clock was set forward since the timer was set
	looking         bool
	left            bool // its look left agents to their own: it looks again in a moment
}

type simOffer struct {
	contact     *simContact
	agent       *simAgent
	channel     postroom.Channel
	state       postroom.OfferState
	expires     time.Time
	shown       bool
	segmentOnly bool
}

type simQueue struct {
	postroom.Queue
	hours       *postroom.BusinessHours
	wall        *wall
	from, until time.Time // the open span, as the row has it
	ticked      time.Time
	open        bool
	steps       []postroom.Step
	lanes       []map[*simAgent]int // by stage: who may take, and his score
	inLane      [][]*simAgent       // the same, in the order of the agents
	watched     [][]*simAgent       // who may take, as the watch says
}

type centre struct {
	rules    ruleTable
	roll     dice
	seen     *spread
	start    time.Time
	real     time.Time     // a clock that never jumps: timers of workflows
	offset   time.Duration // the database's clock is real + offset
	queues   []*simQueue
	agents   []*simAgent
	byID     map[postroom.AgentID]*simAgent
	contacts []*simContact // not done
	looks    []*simContact
	wanting  []*simAgent
	made     int
	failed   error
	trail    []string
	hours    []*postroom.BusinessHours
	racing   bool
	teams    int
	skills   int
}

func (c *centre) now() time.Time { return c.real.Add(c.offset) }

// fail keeps the first violation.
func (c *centre) fail(format string, args ...any) {
	if c.failed == nil {
		c.failed = fmt.Errorf(format, args...)
	}
}

// draw writes the lanes of a queue.
func (c *centre) draw(q *simQueue) {
	q.steps, q.lanes, q.inLane = c.rules.steps(q.Queue), nil, nil
	for _, s := range q.steps {
		lane, in := map[*simAgent]int{}, []*simAgent(nil)
		for _, a := range c.agents {
			if score, ok := c.rules.admits(s, a.Agent); ok {
				lane[a], in = score, append(in, a)
			}
		}
		q.lanes, q.inLane = append(q.lanes, lane), append(q.inLane, in)
	}
	c.watchLanes(q)
}

// refresh keeps an agent's room, as triggers do; who has more than before wants work.
func (c *centre) refresh(a *simAgent) {
	for _, ch := range postroom.Channels() {
		room := 0
		if c.rules.able(a) {
			room = c.rules.room(a.profile, ch, a.held)
		}
		if room > a.room[ch] {
			c.want(a)
		}
		a.room[ch] = room
	}
}

func (c *centre) want(a *simAgent) {
	if !a.wants {
		a.wants, c.wanting = true, append(c.wanting, a)
	}
}

func (c *centre) wake(x *simContact) {
	if !x.looking {
		x.looking, c.looks = true, append(c.looks, x)
	}
}

func (c *centre) setState(a *simAgent, s postroom.AgentState) {
	if a.state != s {
		a.state, a.since = s, c.now()
	}
	a.idleAfter = ""
	c.refresh(a)
}

// tick moves a queue's span on when its time has come, and makes agents look when it opens.
func (c *centre) tick(q *simQueue) {
	now := c.now()
	if q.hours == nil {
		q.open = true
		return
	}
	if q.ticked.IsZero() || now.Before(q.ticked) || !now.Before(q.until) {
		q.from, q.until = c.rules.span(q.hours, now)
	}
	q.ticked = now
	open := !now.Before(q.from) && now.Before(q.until)
	if open && !q.open {
		c.seen.count(sawOpening)
		for _, lane := range q.inLane {
			for _, a := range lane {
				c.want(a)
			}
		}
		for _, x := range c.contacts {
			if x.phase == postroom.ContactWaiting && x.queue == q && x.target != nil {
				c.want(x.target)
			}
		}
	}
	q.open = open
}

// another is a queue of the same channel, perhaps the same.
func (c *centre) another(q *simQueue) *simQueue {
	same := slices.DeleteFunc(slices.Clone(c.queues), func(other *simQueue) bool { return other.Channel != q.Channel })
	return same[c.roll(len(same))]
}

func (c *centre) tickAll() {
	for _, q := range c.queues {
		c.tick(q)
	}
}

// enqueue brings a contact into a queue, and on while as many wait there as may; a chain of full queues ends with its last. Who waits for
// somebody takes nobody's place.
func (c *centre) enqueue(x *simContact, to postroom.QueueID, target *simAgent, targetUntil time.Time) {
	x.queue = c.queue(to)
	for passed := []*simQueue{x.queue}; target == nil && x.queue.MaxWaiting > 0 && x.queue.Overflow != "" && c.waitingIn(x.queue, x) >= x.queue.MaxWaiting; {
		next := c.queue(x.queue.Overflow)
		if slices.Contains(passed, next) {
			c.seen.count(sawAllFull)
			break
		}
		c.seen.count(sawFullQueue)
		x.queue, passed = next, append(passed, next)
	}
	x.queued, x.step, x.refusals = c.now(), 0, nil
	x.target, x.targetUntil = target, targetUntil
	c.putBack(x)
}

func (c *centre) waitingIn(q *simQueue, but *simContact) int {
	n := 0
	for _, x := range c.contacts {
		if x != but && x.queue == q && x.phase == postroom.ContactWaiting {
			n++
		}
	}
	return n
}

// putBack makes a contact wait again, where and as long as before.
func (c *centre) putBack(x *simContact) {
	x.phase, x.offer, x.timer, x.stale = postroom.ContactWaiting, nil, time.Time{}, false
	x.version++
	c.wake(x)
}

func (c *centre) queue(id postroom.QueueID) *simQueue {
	return c.queues[slices.IndexFunc(c.queues, func(q *simQueue) bool { return q.ID == id })]
}

func (x *simContact) rank() time.Time {
	return x.arrived.Add(-time.Duration(x.priority) * x.queue.AgeingStep)
}

func (c *centre) wait(x *simContact) postroom.Wait {
	w := postroom.Wait{Contact: x.id, Version: x.version, Queue: x.queue.Queue, Hours: x.queue.hours, ArrivedAt: x.arrived, QueuedAt: x.queued,
		Step: x.step, Priority: x.priority + x.queue.Priority}
	if x.target != nil {
		w.Target, w.TargetUntil = x.target.ID, x.targetUntil
		w.TargetThere = x.target.state != postroom.AgentLoggedOut && x.refusals[x.target].Last.IsZero()
	}
	return w
}

// end ends an offer: its slot is free.
func (c *centre) end(o *simOffer, state postroom.OfferState) {
	if !o.state.Holds() {
		c.fail("an offer that is %s ends again as %s", o.state, state)
	}
	o.state = state
	a := o.agent
	a.held[o.channel]--
	if a.held[o.channel] < 0 {
		c.fail("%s holds less than nothing", a.ID)
	}
	a.offers = slices.DeleteFunc(a.offers, func(other *simOffer) bool { return other == o })
	if a.idleAfter != "" && len(a.offers) == 0 {
		a.idleAfter = ""
		c.setState(a, postroom.AgentIdle)
	}
	c.refresh(a)
}

// refuse ends a live offer that the agent did not take, and puts the contact back.
func (c *centre) refuse(o *simOffer, state postroom.OfferState) {
	x := o.contact
	if x.refusals == nil {
		x.refusals = map[*simAgent]postroom.Refusals{}
	}
	r := x.refusals[o.agent]
	r.Last = c.now()
	if state == postroom.OfferDeclined {
		r.Declined++
	} else {
		r.Missed++
	}
	x.refusals[o.agent] = r
	c.end(o, state)
	c.putBack(x)
}

// inOrder lists contacts as the index of a lane has them.
func inOrder(waiting []*simContact) {
	slices.SortFunc(waiting, func(a, b *simContact) int { return cmp.Or(a.rank().Compare(b.rank()), cmp.Compare(a.id, b.id)) })
}
