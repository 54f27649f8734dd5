package postroom

// AgentID names a person who signs in: the key that the configuration gives (lower-case letters, digits, "-", "_").
type AgentID string

// TeamID names a group of agents: the key that the configuration gives.
type TeamID string

// SiteID names a place at which teams work: the key that the configuration gives.
type SiteID string

// SkillID names a skill: the key that the configuration gives.
type SkillID string

// MaxSkillLevel is the highest level of a skill; the lowest is 1.
const MaxSkillLevel = 10

// IdleCode is the key of a reason for being Idle, from the administrator's list (R13).
type IdleCode string

// The idle codes that the system itself sets. They are not in the administrator's list and cannot be chosen.
const (
	IdleSignedIn     IdleCode = "signed-in"    // just signed in, nothing chosen yet
	IdleDisconnected IdleCode = "disconnected" // the desktop's lease was lost (R12)
)

// AgentState is whether an agent takes work. There is no "busy": what an agent holds is counted, not a state.
type AgentState string

// The states of an agent.
const (
	AgentLoggedOut AgentState = "logged_out"
	AgentIdle      AgentState = "idle" // with an IdleCode; open contacts stay, no offers (R13)
	AgentAvailable AgentState = "available"
	AgentRONA      AgentState = "rona" // set by the system, ended by a human only (R10, I9)
)

// AgentEvent is what moves an agent's state.
type AgentEvent string

// The events of an agent.
const (
	AgentSignsIn         AgentEvent = "signs in"
	AgentChoosesReady    AgentEvent = "chooses Available"
	AgentChoosesIdle     AgentEvent = "chooses Idle"
	AgentDefersIdle      AgentEvent = "chooses Idle after contact" // takes effect when he holds nothing any more (R13)
	AgentSignsOut        AgentEvent = "signs out"
	AgentMissesOffer     AgentEvent = "misses an offer"     // it expired as RONA
	AgentNotReached      AgentEvent = "is not reached"      // an offer ended as unreachable
	AgentLosesConnection AgentEvent = "loses connection"    // the lease was lost
	AgentReconnects      AgentEvent = "reconnects"          // within 5 minutes of losing it
	AgentSignsInOwing    AgentEvent = "signs in after RONA" // RONA outlives a sign-out (R10)
)

// AgentMachine says how an agent's state changes. Losing the connection changes neither RONA nor a chosen Idle: rows that
// would leave the state as it is are in the table all the same, because they are allowed.
var AgentMachine = Machine[AgentState, AgentEvent]{
	Name:    "agent",
	Initial: []AgentState{AgentLoggedOut},
	Table: []Transition[AgentState, AgentEvent]{
		{AgentLoggedOut, AgentSignsIn, AgentIdle, "R10"},
		{AgentLoggedOut, AgentSignsInOwing, AgentRONA, "R10, I9"},
		{AgentIdle, AgentChoosesReady, AgentAvailable, "R13"},
		{AgentIdle, AgentChoosesIdle, AgentIdle, "R13"},
		{AgentIdle, AgentSignsOut, AgentLoggedOut, "R12"},
		{AgentIdle, AgentLosesConnection, AgentIdle, "R12"},
		{AgentIdle, AgentReconnects, AgentAvailable, "R12"},
		{AgentIdle, AgentNotReached, AgentIdle, "R12"},
		{AgentAvailable, AgentChoosesReady, AgentAvailable, "R13"},
		{AgentAvailable, AgentChoosesIdle, AgentIdle, "R13"},
		{AgentAvailable, AgentDefersIdle, AgentAvailable, "R13"},
		{AgentAvailable, AgentSignsOut, AgentLoggedOut, "R12"},
		{AgentAvailable, AgentMissesOffer, AgentRONA, "R9"},
		{AgentAvailable, AgentNotReached, AgentIdle, "R12"},
		{AgentAvailable, AgentLosesConnection, AgentIdle, "R12"},
		{AgentRONA, AgentChoosesReady, AgentAvailable, "R10"},
		{AgentRONA, AgentChoosesIdle, AgentIdle, "R10"},
		{AgentRONA, AgentMissesOffer, AgentRONA, "R11"},
		{AgentRONA, AgentNotReached, AgentRONA, "R10, I9"},
		{AgentRONA, AgentLosesConnection, AgentRONA, "R10, I9"},
		{AgentRONA, AgentSignsOut, AgentLoggedOut, "R10"},
	},
}

// Role is what an account may do; what it may do to which object is api's permission table (R40).
type Role string

// The roles.
const (
	RoleAgent         Role = "agent"
	RoleSupervisor    Role = "supervisor"
	RoleAdministrator Role = "administrator"
)

// Roles lists every role.
func Roles() []Role { return []Role{RoleAgent, RoleSupervisor, RoleAdministrator} }

// ActorKind says who caused a change: a person, or a part of the system.
type ActorKind string

// The kinds of actor.
const (
	ActorAgent    ActorKind = "agent"    // any person who signed in; the role is his account's
	ActorCustomer ActorKind = "customer" // a mail came
	ActorSystem   ActorKind = "system"   // a timer, the matcher, the reconciler
	ActorCommand  ActorKind = "command"  // somebody at the command line, by operating system account
)

// Actor is who caused a change, as events and audit record it. ID is an AgentID, a CustomerID, a component or an account name.
type Actor struct {
	Kind ActorKind
	ID   string
}

// System is the actor for a component of the system.
func System(component string) Actor { return Actor{Kind: ActorSystem, ID: component} }

// String gives "kind:id".
func (a Actor) String() string { return string(a.Kind) + ":" + a.ID }
