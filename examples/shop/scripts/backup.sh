#!/bin/sh
# Dumps the database to standard output, in the format that restore.sh takes.
set -eu
exec pg_dump --username="${POSTGRES_USER:-shop}" --dbname="${POSTGRES_DB:-shop}" --format=custom
