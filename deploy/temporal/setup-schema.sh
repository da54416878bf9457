#!/bin/sh
# Creates or updates Temporal's two databases; safe to run again at every start and at every upgrade of the server.
# SQL_PASSWORD comes from the environment.
set -eu

tool() { temporal-sql-tool --plugin postgres12 --ep "$POSTGRES_SEEDS" -p "$DB_PORT" -u "$POSTGRES_USER" "$@"; }

for pair in temporal:temporal temporal_visibility:visibility; do
  database=${pair%%:*}
  schema=${pair##*:}
  tool --db "$database" create
  # Refused where the schema's version table is there already; update-schema decides what is still to be done.
  tool --db "$database" setup-schema -v 0.0 || echo "$database is set up already"
  tool --db "$database" update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
