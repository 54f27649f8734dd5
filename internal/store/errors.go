package store

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postroom/postroom"
)

// Codes of PostgreSQL that mean "start the transaction again" (appendix A of its manual).
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	uniqueViolation      = "23505"
)

// worthAnother reports whether a transaction should run again from its start. A unique violation is: somebody inserted the row
// between our look and our insert, and the next run finds it.
func worthAnother(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	return pg.Code == serializationFailure || pg.Code == deadlockDetected || pg.Code == uniqueViolation
}

// translate turns an error of PostgreSQL or of the network into the product's: the first of the three tables (see Kind). It keeps
// PostgreSQL's code and the name of a constraint, and drops its texts: they may quote a row.
func translate(what string, err error) error {
	var known *postroom.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return withoutDatabase(what, err)
	}
	cause := fmt.Errorf("%s: postgresql %s %s", what, pg.Code, pg.ConstraintName)
	switch pg.Code {
	case serializationFailure, deadlockDetected:
		return postroom.Unavailable(postroom.ReasonDatabaseDown, "the database is busy", cause)
	case uniqueViolation:
		return &postroom.Error{Kind: postroom.KindConflict, Reason: postroom.ReasonContactMoved,
			Message: "somebody else changed this at the same time", Err: cause}
	case "22P02", "22003", "22007", "22008", "22021", "22P05": // not a uuid, out of range, not a time, not text
		return &postroom.Error{Kind: postroom.KindInvalid, Reason: postroom.ReasonMalformed, Message: "a value is malformed", Err: cause}
	case "42P01", "42703", "42883": // no such table, column or function
		return &postroom.Error{Kind: postroom.KindUnavailable, Reason: postroom.ReasonDatabaseVersion,
			Message: "the database schema does not fit this program: run `postroom migrate`", Err: cause}
	}
	switch pg.Code[:2] {
	case "08", "53", "57", "58", "25": // connection, resources, shutdown, system, and a standby that is read-only
		return postroom.Unavailable(postroom.ReasonDatabaseDown, "the database is not available", cause)
	case "28", "3D":
		return postroom.Unavailable(postroom.ReasonDatabaseDown, "the database refused our account", cause)
	}
	return postroom.Internal(what, cause)
}

// withoutDatabase translates what is not an answer of PostgreSQL.
func withoutDatabase(what string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, pgx.ErrTooManyRows) {
		return postroom.Internal(what, err)
	}
	var network net.Error
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) {
		return postroom.Unavailable(postroom.ReasonDatabaseDown, "the database is not available", fmt.Errorf("%s: %w", what, err))
	}
	return postroom.Unavailable(postroom.ReasonDatabaseDown, "the database connection was lost", fmt.Errorf("%s: %w", what, err))
}
