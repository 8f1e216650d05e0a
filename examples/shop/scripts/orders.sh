#!/bin/sh
# Lists the orders; `orders open` lists those of one state.
set -eu
ask() { psql --username="${POSTGRES_USER:-shop}" --dbname="${POSTGRES_DB:-shop}" --no-psqlrc --set=ON_ERROR_STOP=1 "$@"; }
if [ "$#" -eq 0 ]; then
    ask --command='SELECT id, item, state, placed FROM orders ORDER BY id'
else
    # A variable of psql is quoted by psql; it is replaced in what is read from standard input, not in --command.
    echo "SELECT id, item, state, placed FROM orders WHERE state = :'state' ORDER BY id" | ask --set=state="$1" --file=-
fi
