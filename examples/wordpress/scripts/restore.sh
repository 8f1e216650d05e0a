#!/bin/sh
# Puts the database back as it was dumped by backup.sh, from standard input.
set -eu
MYSQL_PWD=$(cat /run/secrets/db-root-password)
export MYSQL_PWD
exec mariadb --user=root
