package routing

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/postroom/postroom"
)

func newCentre(seed uint64, rules ruleTable, seen *spread) *centre {
	r := rand.New(rand.NewPCG(seed, 0x706f7374))
	c := &centre{rules: rules, roll: r.IntN, seen: seen, byID: map[postroom.AgentID]*simAgent{}}
	c.start = starts[c.roll(len(starts))]
	c.real = c.start.Add(c.roll.seconds(0, 72*time.Hour))
	for range 1 + c.roll(3) {
		c.hours = append(c.hours, hoursFrom(c.roll, c.start))
	}
	c.teams, c.skills = 1+c.roll(5), c.roll(9)
	for i := range 1 + c.roll(12) {
		q := &simQueue{Queue: postroom.Queue{ID: postroom.QueueID(fmt.Sprintf("q%02d", i)), Channel: postroom.ChannelEmail, RONATime: c.roll.seconds(time.Second, 300*time.Second)}}
		if c.roll.oneIn(4) {
			q.Channel = postroom.Channels()[c.roll(4)]
		}
		c.queues = append(c.queues, q)
	}
	for _, q := range c.queues {
		c.someRules(q)
	}
	agents := []int{1, 2, 3, 5, 8, 12}[c.roll(6)]
	if c.roll.oneIn(16) {
		agents = 20 + c.roll(181)
	}
	for i := range agents {
		a := &simAgent{Agent: postroom.Agent{ID: postroom.AgentID(fmt.Sprintf("a%03d", i))}, state: postroom.AgentLoggedOut, since: c.now(),
			held: map[postroom.Channel]int{}, room: map[postroom.Channel]int{}}
		a.Team, a.Skills, a.profile = team(c.roll(c.teams)), someSkills(c.roll, c.skills), someProfile(c.roll)
		c.agents, c.byID[a.ID] = append(c.agents, a), a
	}
	for _, q := range c.queues {
		c.draw(q)
	}
	for _, a := range c.agents {
		c.setState(a, postroom.AgentAvailable)
	}
	c.tickAll()
	return c
}

func team(i int) postroom.TeamID { return postroom.TeamID(fmt.Sprintf("t%d", i)) }

// someSkills: each skill is rarer than the one before.
func someSkills(roll dice, skills int) map[postroom.SkillID]int {
	has := map[postroom.SkillID]int{}
	for s := range skills {
		if roll.oneIn(1 + s) {
			has[skill(s)] = 1 + roll(postroom.MaxSkillLevel)
		}
	}
	return has
}

func skill(i int) postroom.SkillID { return postroom.SkillID(fmt.Sprintf("s%d", i)) }

func someProfile(roll dice) postroom.MultimediaProfile {
	p := postroom.MultimediaProfile{Mode: postroom.Modes()[roll(3)], Capacity: map[postroom.Channel]int{}}
	for _, ch := range postroom.Channels() {
		p.Capacity[ch] = max(0, roll(6)-1)
	}
	return p
}

func someRequired(roll dice, skills int) []postroom.SkillRequirement {
	var required []postroom.SkillRequirement
	for s := range skills {
		if roll.oneIn(3) {
			required = append(required, postroom.SkillRequirement{Skill: skill(s), Level: 1 + roll(postroom.MaxSkillLevel)})
		}
	}
	return required
}

// someRules gives a queue other rules, hours and teams.
func (c *centre) someRules(q *simQueue) {
	roll, teams, skills := c.roll, c.teams, c.skills
	q.Priority, q.Teams = roll(10), []postroom.TeamID{team(roll(teams))}
	q.QueueRules = postroom.QueueRules{Type: postroom.RoutingTypes()[roll(3)], AgeingStep: roll.seconds(time.Minute, 8*time.Hour).Truncate(time.Minute)}
	threshold := func() time.Duration {
		if roll.oneIn(3) {
			return roll.seconds(time.Second, 36*time.Hour)
		}
		return roll.seconds(time.Second, 20*time.Minute)
	}
	if q.Type != postroom.RouteLongestAvailable {
		q.Skills = someRequired(roll, skills)
		for used := map[time.Duration]bool{}; roll.oneIn(2) && len(used) < 4; {
			if after := threshold(); !used[after] {
				used[after] = true
				q.Relaxation = append(q.Relaxation, postroom.Relaxation{After: after, Skills: someRequired(roll, skills/2)})
			}
		}
	}
	for roll.oneIn(2) && len(q.Widening) < 4 {
		q.Widening = append(q.Widening, postroom.Widening{After: threshold(), Teams: []postroom.TeamID{team(roll(teams))}})
	}
	if roll.oneIn(3) {
		q.Overflow = c.another(q).ID
		if roll.oneIn(2) {
			q.MaxTime = threshold()
		}
		if roll.oneIn(2) {
			q.MaxWaiting = 1 + roll(12)
		}
	}
	q.hours, q.wall = nil, nil
	if roll.oneIn(3) {
		q.hours = c.hours[roll(len(c.hours))]
		q.wall = wallOf(q.hours, c.start)
	}
	q.from, q.until, q.ticked = time.Time{}, time.Time{}, time.Time{}
}
