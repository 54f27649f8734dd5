// Package settings reads what a process has to be told of the machine that it runs on, from environment variables: addresses, ports,
// directories. What a contact centre is made of is configuration, and not here.
//
// One table says which variables there are, which command uses them, and what holds without them; [Load], docs/settings.md and the
// test of the compose file follow it. Reading the environment is left to the caller, so that a test can give another one.
package settings
