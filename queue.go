package postroom

import "time"

// QueueID names a queue: the key that the configuration gives.
type QueueID string

// DefaultRONATime is how long an email offer may stay unanswered when the queue does not say (R9).
const DefaultRONATime = 90 * time.Second

// The bounds of a queue's RONA time for email (R9).
const (
	MinRONATime = 1 * time.Second
	MaxRONATime = 6000 * time.Second
)

// Rules of time that the protocol fixes. PostgreSQL's clock decides all of them.
const (
	// LeaseRenewal is how often a desktop renews its lease.
	LeaseRenewal = 10 * time.Second
	// LeaseTime is how long a lease lasts without renewal; after it the desktop is unreachable (R12).
	LeaseTime = 30 * time.Second
	// ReturnTime is how long a disconnected agent may stay away and still be made Available again on his return (R12).
	ReturnTime = 5 * time.Minute
	// LateNotice is how late our servers may notice a deadline and still blame the agent (R12).
	LateNotice = 5 * time.Second
	// ExclusionTime is how long a contact is not offered again to an agent who did not take it, while another is free (R11).
	ExclusionTime = 10 * time.Minute
	// TransferTime is how long a contact that was transferred to an agent waits for him, where its queue does not say (R23).
	TransferTime = 2 * time.Minute
	// ParkedTime is how long a parked contact waits for its former owner when it goes on, where its queue does not say (R45).
	ParkedTime = 10 * time.Minute
	// MaxParking is how long a contact may be parked (R45).
	MaxParking = 365 * 24 * time.Hour
	// DefaultUndo is how long a reply waits before it is sent, where its queue does not say (R20).
	DefaultUndo = 10 * time.Second
	// MaxUndo is how long it may wait (R20).
	MaxUndo = time.Minute
	// MaxSchedule is how far ahead a reply may be scheduled (R20).
	MaxSchedule = 90 * 24 * time.Hour
	// DeclineBackOff is the first pause before an only candidate who declined is asked again; it doubles up to ExclusionTime (R11).
	DeclineBackOff = 30 * time.Second
)
