// Package activities carries out what workflows ask for: it implements workflows.Activities, one file per collaborator. An activity
// translates in, calls one package, and translates out; rules are in internal/routing, transactions in internal/store.
//
// Every activity is safe to run twice. Database steps are conditional on the row and answer with it; a reply is rendered under an id of
// its own and sent under a token of its own; a mail is ingested once by the keys of its row.
package activities
