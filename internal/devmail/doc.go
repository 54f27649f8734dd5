// Package devmail is the outside world on one machine: a persistent mail server and a page on which a developer plays the customer.
// `postroom dev`, the tests and the trial compose file use it in place of a provider; it is no server for real mail.
//
// It offers three doors, on loopback unless told otherwise (R41):
//
//   - SMTP takes mail from customers and from our own worker. Any recipient at any domain exists: "user+tag@example.org" is kept for
//     user@example.org and says so in Delivered-To. AUTH PLAIN is offered and never required.
//   - IMAP serves the accounts that [Options].Accounts gives a password: IDLE, UIDPLUS, MOVE, keywords, with UIDVALIDITY and UIDs that
//     survive restarts and kill -9.
//   - HTTP is the customer's page and a small JSON interface ([Server.Handler]): write as a customer, read what a customer received.
//
// # Addresses that misbehave by name
//
// The beginning of a recipient's local part chooses how the outside world answers, so that every outcome can be had by hand:
//
//	reject-…@  RCPT is refused for good:        550 5.1.1
//	defer-…@   RCPT is refused for now:         450 4.2.0
//	bounce-…@  accepted; soon a report with Action: failed (RFC 3464) comes back to the envelope sender
//	delay-…@   accepted; later a report with Action: delayed comes back, and then the mail arrives
//
// Reports honour NOTIFY, RET, ENVID and ORCPT (RFC 3461) and are never sent for mail from <>. Other failures, of the connection rather
// than of the address, are injected by a test with [Server.Inject] and [Server.DropConnections].
//
// # What is on disk
//
// Each mail is a file of its own, written before its existence is committed: one line of JSON, appended to a journal with one write,
// is one transaction, such as a mail with all its recipients. Whatever was acknowledged is therefore there after kill -9: what a
// process has written, the system keeps. A torn last line, or a file that no line names, belongs to something that was never
// acknowledged and is dropped at the next start, which also writes the journal anew, as short as it can be.
//
// A journal rather than names and renames, because UIDVALIDITY, the next UID and keywords must outlive the mails they came with, and
// because one mail for three recipients must exist for all of them or for none. Nothing is synced between start and stop: only a power
// cut could tell the difference, which costs a developer a few test mails, while the syncs would compete with the database's in every
// measurement. UIDs hold even then: after anything but an orderly stop some are skipped, so that none is given twice.
//
// The files hold mail as it came: this is the world outside the gate of R36. Nothing of it is ever logged.
package devmail
