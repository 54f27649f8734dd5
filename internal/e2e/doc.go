// Package e2e holds no product code: its tests run the whole product as real processes on real servers (PostgreSQL, Temporal, IMAP,
// SMTP), use it as customers and agents do, and take parts away from under it. What a single package can show is tested there.
package e2e
