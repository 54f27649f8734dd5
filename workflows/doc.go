// Package workflows is the durable part of the product: what happens next, and when. Start reading in contact.go, which is an
// email's life from top to bottom; mailbox.go is the watch over one mailbox.
//
// The rules (docs/decisions/0003-claims-in-sql.md):
//
//   - The contact's row is the truth. A workflow never concludes from what it asked for, only from the snapshot that a step returned.
//   - A message from outside ("sync") says look, and nothing else. Lost, doubled or late ones do no harm.
//   - Timers only wake. PostgreSQL's clock decides whether a deadline has passed.
//   - One mutex around every step that touches the row: handlers and the main flow interleave at each step otherwise.
//   - Payloads are ids, states, codes and times: never text, address or number of a mail.
//   - A run can start again from the row alone: the first thing it does is load.
//
// Code here is deterministic and does no I/O: activities.go is the contract with what does. A change that alters the commands of a
// recorded history goes through versions.go.
package workflows
