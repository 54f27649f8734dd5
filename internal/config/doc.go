// Package config reads and writes the business configuration (R3) as YAML: what `postroom apply` reads and `postroom export` writes.
//
// One set of tables (schema.go) says which keys there are, what each may hold and what holds without it; [Parse], [Format] and
// docs/configuration.md all follow those tables, so that they cannot disagree. Parse is strict, because a configuration is applied
// as a whole: a key that is misspelt must not mean that something is retired. It looks in three steps:
//
//   - form.go refuses, on the parser's tokens, what no configuration needs and what costs parsers dearly: anchors, tags, depth;
//   - value.go and object.go read the tree by the tables and note every mistake with its line;
//   - check.go looks at the whole: what refers to nothing, and a queue that nobody can serve.
//
// A configuration names secrets and never holds one (R39). No value is quoted in a mistake, only well-formed keys: a password may
// stand where a name belongs.
package config
