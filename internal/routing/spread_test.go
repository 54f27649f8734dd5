package routing

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// kind is a case that a centre can come to.
type kind int

const (
	sawArrival kind = iota
	sawByContact
	sawByAgent
	sawNobody
	sawNothing
	sawLostClaim
	sawAccept
	sawDecline
	sawRONA
	sawUnreachable
	sawWithdraw
	sawWrapUp
	sawIdle
	sawSignOut
	sawIdleAfter
	sawSetAside
	sawOnlyOne
	sawBackOff
	sawPaused
	sawLater
	sawLeft
	sawStage
	sawStageUsed
	sawStageWaits
	sawOverflow
	sawFullQueue
	sawAllFull
	sawTargetTaken
	sawTargetWaits
	sawTargetExpired
	sawTargetRefused
	sawTargetGone
	sawClosed
	sawOpening
	sawSkippedHour
	sawDoubledHour
	sawJumpForward
	sawJumpBack
	sawStale
	sawTimer
	sawTransfer
	sawPark
	sawAssign
	sawReprioritise
	sawConfiguration
	sawRONABlocksChannels
	sawReason
	sawExplanation
	sawExplainedNext
	sawRest
	kinds
)

var kindNames = [kinds]string{"contacts arrived", "offers by a contact's look", "offers by an agent's look", "a contact's look found nobody", "an agent's look found nothing",
	"claims lost to a race", "accepted", "declined", "RONA", "unreachable", "withdrawn", "wrapped up", "Idle", "signed out", "Idle after this contact",
	"offers past agents who were set aside", "offers to an only one who had refused", "looks that found a pause only", "rests in which a pause forbids an offer",
	"contacts told to look for an agent who refused them", "looks that left agents to their own look", "stages reached", "offers at a later stage", "rests at a later stage", "overflows by time", "entries past a full queue",
	"entries where all were full", "offers to a target", "rests that wait for a target", "targets whose time was over", "targets who refused", "targets who signed out",
	"rests in a closed queue", "openings", "skipped hours passed", "doubled hours passed", "clock set forward", "clock set back", "rests with a timer from before the clock was set forward",
	"timers fired", "transfers", "parked", "assigned", "reprioritised", "configurations applied", "rests in which RONA keeps contacts of several channels waiting",
	"reasons within their bound", "explanations", "explanations that name who is next", "rests"}

// spread counts the cases that were reached.
type spread struct {
	kinds [kinds]int
	lacks map[Lack]int
	modes map[string]int
}

func newSpread() *spread { return &spread{lacks: map[Lack]int{}, modes: map[string]int{}} }

func (s *spread) count(k kind) { s.kinds[k]++ }

func (s *spread) countIf(yes bool, k kind) {
	if yes {
		s.kinds[k]++
	}
}

// report lists the counts as a table.
func (s *spread) report() string {
	var b strings.Builder
	b.WriteString("| case | count |\n|---|---:|\n")
	for k, n := range s.kinds {
		fmt.Fprintf(&b, "| %s | %d |\n", kindNames[k], n)
	}
	for _, l := range slices.Sorted(maps.Keys(s.lacks)) {
		fmt.Fprintf(&b, "| explained: %s | %d |\n", l, s.lacks[l])
	}
	for _, m := range slices.Sorted(maps.Keys(s.modes)) {
		fmt.Fprintf(&b, "| %s | %d |\n", m, s.modes[m])
	}
	return b.String()
}

// missing lists the cases that were never reached.
func (s *spread) missing() []string {
	var none []string
	for k, n := range s.kinds {
		if n == 0 {
			none = append(none, kindNames[k])
		}
	}
	for _, l := range Lacks() {
		if s.lacks[l] == 0 {
			none = append(none, "explained: "+string(l))
		}
	}
	return none
}
