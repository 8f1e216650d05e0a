#!/bin/sh
# Starts PostgreSQL; the first time it makes the cluster, the user and the database.
#
# Takes in POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, PGDATA; arguments go to the server.
# The cluster gets its name when it is complete: a container that is killed while it makes one starts over.
set -eu

main() {
    umask 077
    : "${PGDATA:=/var/lib/postgresql/data}" "${POSTGRES_USER:=postgres}"
    : "${POSTGRES_DB:=$POSTGRES_USER}"
    cluster=$PGDATA/cluster
    [ -d "$cluster" ] || make_cluster
    exec postgres -D "$cluster" -c listen_addresses='*' "$@"
}

make_cluster() {
    echo "making the database $POSTGRES_DB of $POSTGRES_USER" >&2
    new=$PGDATA/cluster.new
    rm -rf "$new"
    password >"$PGDATA/password.new"
    initdb --pgdata="$new" --username="$POSTGRES_USER" --pwfile="$PGDATA/password.new" \
        --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 >&2
    rm "$PGDATA/password.new"
    echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
    make_database
    mv "$new" "$cluster"
}

# initdb makes the database postgres; CREATE DATABASE needs no server in single-user mode.
make_database() {
    [ "$POSTGRES_DB" != postgres ] || return 0
    printf 'CREATE DATABASE "%s"\n' "$(printf '%s' "$POSTGRES_DB" | sed 's/"/""/g')" |
        postgres --single -D "$new" postgres >&2
}

password() {
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    fi
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "a new database needs POSTGRES_PASSWORD_FILE or POSTGRES_PASSWORD" >&2
        exit 1
    fi
    printf '%s\n' "$POSTGRES_PASSWORD"
}

main "$@"
