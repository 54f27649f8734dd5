// Package stack runs the servers that Postroom stands on, on one machine and on loopback only: a private PostgreSQL cluster
// and the Temporal server of deploy/embedded, for `postroom dev` and for tests. Production runs neither through it.
//
// A test says:
//
//	dir, err := stack.TemporaryStateDir()
//	pg := stack.NewPostgres(dir, stack.PostgresOptions{Durability: stack.Disposable})
//	err = pg.Start(ctx)
//	temporal := stack.NewTemporal(pg, stack.TemporalOptions{})
//	err = temporal.Start(ctx)          // builds the program first, once per machine
//	pg.URL(stack.RoleOwner, stack.Database), temporal.Address()
//	err = temporal.Kill()              // SIGKILL
//	err = temporal.Start(ctx)          // the same port, the same database
//	err = temporal.Stop(ctx)
//	err = pg.Stop(ctx)
//	err = dir.Remove()
//
// Everything that lasts is below one state directory, which one process holds at a time. Programs are started as children
// that die with their parent, are stopped by their process id, and are never looked for by name. Passwords are random per
// state directory (R41) and reach a child by a file or its environment, never by its command line.
//
// Errors are *postroom.Error whose message is a sentence for the person at the terminal.
package stack

import "github.com/postroom/postroom"

// Reasons of errors of this package.
const (
	ReasonStateDirInUse       postroom.Reason = "state_directory_in_use"
	ReasonStateDirNotPrivate  postroom.Reason = "state_directory_not_private"
	ReasonPortTaken           postroom.Reason = "port_taken"
	ReasonPrerequisiteMissing postroom.Reason = "prerequisite_missing"
	ReasonProcessEnded        postroom.Reason = "process_ended"
	ReasonSourceMissing       postroom.Reason = "source_missing"
	ReasonBuildFailed         postroom.Reason = "build_failed"
)
