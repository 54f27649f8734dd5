package workflows

// Contacts live for days, and new code replays the histories of old code. A change that alters the commands of a recorded history
// (another order of steps, a step more or less, a timer's presence) is put behind workflow.GetVersion with an id from this list, and a
// history of the new behaviour is recorded; old histories are never touched (docs/decisions/0006-versioning.md). Timeouts, summaries,
// validators and inputs may change without one.
//
// A step that only a new field of the row's snapshot asks for needs none: no recorded snapshot has it (docs/decisions/0022-acknowledgements.md).
//
// An entry says since when it is, and when it may go: once no open workflow is older, that is after 30 days and a look in the
// Temporal UI for older ones; with it go the histories that prove the old branch.
//
// There is none yet.
