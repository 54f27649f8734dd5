#!/bin/sh
# Brings the schemas of Temporal's two databases to the version of this image. Both steps may be repeated: the first one makes the table of
# versions if there is none and never lowers a version, the second one does what is missing.
set -eu

for store in temporal visibility; do
  database=temporal
  [ "$store" = temporal ] || database=temporal_visibility
  temporal-sql-tool --db "$database" setup-schema --version 0.0
  temporal-sql-tool --db "$database" update-schema --schema-name "postgresql/v12/$store"
done
