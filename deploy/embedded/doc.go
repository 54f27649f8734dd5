// Embedded runs a whole Temporal server and its web UI in one process, on loopback, with PostgreSQL underneath. It is what
// `postroom dev` and the tests of the main module start when no Temporal is there; production runs Temporal's own images.
//
// It is a module of its own because the server brings some 200 modules that the product itself must not be compiled against,
// and a process of its own so that killing it shows what killing a real server shows.
//
//	embedded --port 7233 --ui-port 8233 --db-host 127.0.0.1 --db-port 5432 --db-user temporal --db-name temporal
//
// The password of the database comes from the environment variable TEMPORAL_DB_PASSWORD and never from the command line,
// which every account of the machine can read.
//
// # What it does, in order
//
//   - It checks that its ports are free, and waits for PostgreSQL as long as that is starting.
//   - It creates the databases <name> and <name>_visibility when they are missing, and brings both schemas to the version
//     that this server needs, from the files that the server carries. A database appears under its name only when its first
//     schema is complete, so that a start that was cut short is simply repeated.
//   - It registers the namespace (30 days of retention) and the search attributes that Postroom uses.
//   - It starts frontend, history, matching, worker and the UI, and prints one line to standard output when all of them answer.
//   - On SIGTERM or SIGINT it stops the UI and then Temporal. Stop PostgreSQL after it, not before.
//
// It keeps nothing but what is in PostgreSQL: after kill -9 the next start goes on where the last committed transaction ended.
//
// # What it does not do
//
// Neither the server nor its UI asks for a password, so only loopback addresses are accepted (R41). It calls nobody outside
// loopback: the version check of the server and the news and release checks of the UI are off. The number of history shards
// is fixed by the first start on a database; a later --shards has no effect there.
package main
