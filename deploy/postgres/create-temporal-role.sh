#!/bin/sh
# Run once by the postgres image on an empty volume: Temporal owns its databases and cannot read the journal.
set -eu

psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
create role temporal login createdb password '$POSTGRES_PASSWORD';
revoke connect on database "$POSTGRES_DB" from public;
SQL
