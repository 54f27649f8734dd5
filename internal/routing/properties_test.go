package routing

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"
)

var steps = flag.Int("steps", 15_000, "how many steps the simulated centres live through")
var seedFlag = flag.Uint64("seed", 1, "of the first centre")

// life is how many steps one centre lives.
const life = 1500

// live lets centres live for so many steps and returns the first violation.
func live(rules ruleTable, seed uint64, steps int, seen *spread) error {
	for steps > 0 {
		c := newCentre(seed, rules, seen)
		for range min(steps, life) {
			c.step()
			if c.failed != nil {
				return fmt.Errorf("seed %d: %w\n%s", seed, c.failed, strings.Join(c.trail, "\n"))
			}
			if c.real.Sub(c.start) > 35*24*time.Hour {
				break
			}
		}
		for _, a := range c.agents {
			seen.modes[fmt.Sprintf("agents in mode %s", a.profile.Mode)]++
		}
		for _, q := range c.queues {
			seen.modes[fmt.Sprintf("queues by %s", q.Type)]++
			seen.modes[fmt.Sprintf("queues of channel %s", q.Channel)]++
		}
		steps -= life
		seed++
	}
	return nil
}

// R11, R31, R32, R35; I1, I2, I3: in any centre, whatever happens, one holder, nobody beyond his room, nobody who is not Available, the most
// urgent contact first, the right agent, nobody looked over while he is free, and a timer for whatever time changes. With
// -args -steps=10000000 it takes longer and prints the spread.
func TestRoutingKeepsItsPromisesInAnyCentre(t *testing.T) {
	seen := newSpread()
	if err := live(realRules(), *seedFlag, *steps, seen); err != nil {
		t.Fatal(err)
	}
	none := seen.missing()
	if *steps >= 1_000_000 && len(none) > 0 {
		t.Errorf("never reached: %v", none)
	}
	t.Logf("%d steps\n%s", *steps, seen.report())
}
