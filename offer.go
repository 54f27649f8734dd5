package postroom

// OfferID names one time-limited, exclusive proposal of one contact to one agent (UUIDv7). Every later change is conditional on
// it, never on (contact, agent): the same agent can hold the same contact twice in a row.
type OfferID string

// OfferState is how far an offer has come. An accepted offer is ownership; accepted and wrapup hold capacity as live does (R2).
type OfferState string

// The states of an offer.
const (
	OfferLive        OfferState = "live"        // the card is on the desktop, the clock runs
	OfferAccepted    OfferState = "accepted"    // the agent owns the contact
	OfferWrapUp      OfferState = "wrapup"      // he answered or closed it, and has not wrapped up
	OfferFinished    OfferState = "finished"    // wrapped up
	OfferDeclined    OfferState = "declined"    // the agent said no
	OfferExpired     OfferState = "expired"     // RONA: shown, not answered in time
	OfferUnreachable OfferState = "unreachable" // nobody could have answered it (R12)
	OfferWithdrawn   OfferState = "withdrawn"   // the system took it back before it was accepted
	OfferReleased    OfferState = "released"    // ownership was taken back
)

// OfferEvent is what moves an offer on.
type OfferEvent string

// The events of an offer.
const (
	OfferAccept       OfferEvent = "accept"
	OfferDecline      OfferEvent = "decline"
	OfferExpire       OfferEvent = "expire"      // the deadline passed
	OfferNotReached   OfferEvent = "not reached" // the deadline passed or the lease was lost, and nobody could have answered
	OfferWithdraw     OfferEvent = "withdraw"    // the agent went Idle or signed out, or a supervisor took it
	OfferHandle       OfferEvent = "handle"      // replied or closed
	OfferCompleteWrap OfferEvent = "complete"    // wrap-up recorded
	OfferRelease      OfferEvent = "release"     // the contact was taken back, put aside, or its owner was lost
	OfferReturn       OfferEvent = "return"      // from wrap-up back to work (R22)
)

// OfferMachine says how an offer's state changes.
var OfferMachine = Machine[OfferState, OfferEvent]{
	Name:    "offer",
	Initial: []OfferState{OfferLive},
	Final: []OfferState{OfferFinished, OfferDeclined, OfferExpired, OfferUnreachable, OfferWithdrawn,
		OfferReleased},
	Table: []Transition[OfferState, OfferEvent]{
		{OfferLive, OfferAccept, OfferAccepted, "R8"},
		{OfferLive, OfferDecline, OfferDeclined, "R12"},
		{OfferLive, OfferExpire, OfferExpired, "R9, I4"},
		{OfferLive, OfferNotReached, OfferUnreachable, "R12, I4"},
		{OfferLive, OfferWithdraw, OfferWithdrawn, "R12"},
		{OfferAccepted, OfferHandle, OfferWrapUp, "R14, R17"},
		{OfferAccepted, OfferRelease, OfferReleased, "R33"},
		{OfferWrapUp, OfferCompleteWrap, OfferFinished, "R24"},
		{OfferWrapUp, OfferReturn, OfferAccepted, "R22"},
		{OfferWrapUp, OfferRelease, OfferReleased, "R33"},
	},
}

// Holds reports whether an offer in this state takes one of its agent's slots: offered, accepted and in wrap-up all count (R2).
func (s OfferState) Holds() bool { return s == OfferLive || s == OfferAccepted || s == OfferWrapUp }

// EndCause says why an offer ended as it did, beyond its state: what reports count apart (R12).
type EndCause string

// The causes of an offer's end.
const (
	CauseDeclined     EndCause = "declined"
	CauseRONA         EndCause = "rona"          // shown, connected, not answered in time
	CauseNeverShown   EndCause = "never_shown"   // no desktop ever painted the card
	CauseLeaseStale   EndCause = "lease_stale"   // the desktop's connection was lost at the deadline
	CauseAcceptOutage EndCause = "accept_outage" // an Accept in time met our own outage
	CauseNoticedLate  EndCause = "noticed_late"  // our own servers noticed the deadline more than 5 s late
	CauseLeaseLost    EndCause = "lease_lost"    // the desktop went away before the deadline
	CauseAgentIdle    EndCause = "agent_idle"    // the agent chose Idle
	CauseAgentSignOut EndCause = "agent_signed_out"
	CauseNotAvailable EndCause = "not_available" // expired, but he was Idle or signed out by then
	CauseWrappedUp    EndCause = "wrapped_up"
	CauseSupervisor   EndCause = "supervisor"
	CauseCapacityGone EndCause = "capacity_removed"
	CauseParked       EndCause = "parked"           // the owner put the contact aside (R45)
	CauseOwnerLost    EndCause = "owner_lease_lost" // the owner's desktop stayed away too long (R12)
	CauseUnstuck      EndCause = "unstuck"          // a supervisor took it back to its queue from whatever state it was in (R33)
)

// EndCauses lists every cause of an offer's end.
func EndCauses() []EndCause {
	return []EndCause{CauseDeclined, CauseRONA, CauseNeverShown, CauseLeaseStale, CauseAcceptOutage, CauseNoticedLate, CauseLeaseLost, CauseAgentIdle,
		CauseAgentSignOut, CauseNotAvailable, CauseWrappedUp, CauseSupervisor, CauseCapacityGone, CauseParked, CauseOwnerLost, CauseUnstuck}
}
