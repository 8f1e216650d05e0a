#!/bin/sh
# Puts the database back as it was dumped by backup.sh, from standard input: all of it or nothing.
set -eu
exec pg_restore --username="${POSTGRES_USER:-shop}" --dbname="${POSTGRES_DB:-shop}" \
    --clean --if-exists --single-transaction --exit-on-error
