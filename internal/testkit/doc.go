// Package testkit gives tests real parts: a private PostgreSQL with a schema per test, stores over it, sample configurations and mail. It
// may import anything of ours; only tests import it.
package testkit
