#!/bin/sh
# Makes Postroom's namespace, with 30 days of retention (R44), and the search attributes by which people find contacts in Temporal's pages:
# keys of the configuration and names of states, never customer data. What is there already stays.
set -eu

# try repeats a command: the server needs a moment after its port is open, and another to know a new namespace.
try() {
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    "$@" && return
    sleep 3
  done
  return 1
}

try temporal operator cluster health
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 720h
try temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" \
  --name ContactState --type Keyword --name Queue --type Keyword --name Agent --type Keyword
