#!/bin/sh
# Dumps the database to standard output, in the format that restore.sh takes.
set -eu
MYSQL_PWD=$(cat /run/secrets/db-root-password)
export MYSQL_PWD
exec mariadb-dump --user=root --single-transaction --databases wordpress
