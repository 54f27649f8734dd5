// Package store is all SQL of the product. One method is one transaction is one invariant: it tests its condition under lock,
// changes what follows from it, and answers with the row as it is now, also when it changed nothing.
//
// The rules, in short (docs/decisions/0003-claims-in-sql.md):
//
//   - The row is the truth; workflows, streams and screens follow it.
//   - Every change of an offer is conditional on its id and state, never on (contact, agent).
//   - Locks are taken in this order, each by id ascending: threads, agents, contacts, offers, streams. The agent's row is locked
//     in a statement of its own: a statement that locks and counts sees the count from before it waited.
//   - Rows are locked FOR NO KEY UPDATE: keys never change, and a row that refers to a locked one (a message to its thread) must not
//     wait for its lock, out of order.
//   - PostgreSQL's clock decides every deadline, through postroom_now(), which is clock_timestamp(): now() is the start of the
//     transaction and still "in time" after a lock was waited for.
//   - An event stream's number is taken in the last statement of a transaction, so that commit order is number order.
//   - Customer text is accepted as [postroom.Text] only: it passed the card scanner (R36).
//   - Every statement is a package constant registered with statement, so that a test can prepare each against the schema.
//
// Errors are *postroom.Error. PostgreSQL's own texts never appear in them: they may quote a row.
package store
