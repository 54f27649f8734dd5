// Package worker runs the process in which workflows and activities execute, and the loops around them: the reconciler tells workflows
// what they may not have heard, the matcher's loop looks for work for agents who became able, the sweeper ends the offers of desktops
// that are gone. Any number of workers may run; each loop is safe beside its twins.
package worker
