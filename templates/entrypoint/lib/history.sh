# History: the ledger for people and programs.
#
#   history         {"target", "revisions": [{"revision", "version", "at", "command", "who", "message", "outcome", "ended", "reason",
#                    "current", "migrations": [{"migration", "direction", "state", "at"}]}]}
#                   outcome: ok, failed, restored (failed, and the last good one was restored), pending; state of a migration: started,
#                   done, failed, withdrawn (it could not be started, and did not run)
#   migrate --list  {"migrations": [{"migration", "release", "service", "state", "at"}]}
#                   state: pending, applied, started, failed, undoing, undo-failed; without a service: of another release
#
# Takes in:  the ledger. Gives out: standard output. Must not: change anything.

command_history() {
    preflight_target
    join_history >"$work/history"
    if [ "$option_output" = json ]; then history_json; else history_text; fi
}

# One line a revision, the newest first: revision | version | at | command | who | message | outcome | ended | reason | current
join_history() {
    awk -F '|' -v OFS='|' -v good="$good_revision" '
        $1 == "record" { line[$2 + 0] = $2 OFS $4 OFS $3 OFS $5 OFS $6 OFS $7; if ($2 + 0 > newest) newest = $2 + 0 }
        $1 == "ok" || $1 == "done" && !($2 in outcome) { outcome[$2] = "ok"; ended[$2] = $3 }
        $1 == "failed" { outcome[$2] = $5 == "restored" ? $5 : $1; ended[$2] = $3; reason[$2] = $7 }
        END {
            for (revision = newest; revision > 0; revision--) {
                if (revision in line) print line[revision], (revision in outcome ? outcome[revision] : "pending"), ended[revision], reason[revision], (revision == good ? "yes" : "")
            }
        }' "$work/ledger"
}

next_revision() {
    IFS='|' read -r shown_revision shown_version shown_at shown_command shown_who shown_message shown_outcome shown_ended shown_reason shown_current
}

history_text() {
    {
        printf 'REVISION\tVERSION\tWHEN\tCOMMAND\tBY\tOUTCOME\tMIGRATIONS\tNOTE\n'
        while next_revision; do
            printf '%s%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$shown_revision" "${shown_current:+ *}" "$shown_version" "$shown_at" "$shown_command" \
                "$shown_who" "$shown_outcome" "$(migrations_of "$shown_revision")" "${shown_reason:-$shown_message}"
        done <"$work/history"
    } | print_table
}

# Names of those that ran with a revision; those taken back with a `-`, those that failed with a `!`. REVISION
migrations_of() {
    awk -F '|' -v revision="$1" '
        $1 != "migration" || $2 != revision { next }
        !seen[$9]++ { order[++count] = $9 }
        $7 == "done" { how[$9] = $5 == "down" ? "-" $9 : $9 }
        $7 == "failed" { how[$9] = $9 "!" }
        $7 == "started" { before[$9] = how[$9]; how[$9] = $9 "!" }
        $7 == "withdrawn" { how[$9] = before[$9] }
        END { for (i = 1; i <= count; i++) if (how[order[i]] != "") { printf "%s%s", (shown++ ? " " : ""), how[order[i]] } }' "$work/ledger"
}

history_json() {
    printf '{"target": %s, "revisions": [' "$(json_string "$target")"
    json_next=''
    while next_revision; do
        printf '%s\n  {"revision": %s, "version": %s, "at": %s, "command": %s, "who": %s, "message": %s, "outcome": %s, "ended": %s, "reason": %s, "current": %s, "migrations": [' \
            "$json_next" "$shown_revision" "$(json_string "$shown_version")" "$(json_string "$shown_at")" "$(json_string "$shown_command")" \
            "$(json_string "$shown_who")" "$(json_string "$shown_message")" "$(json_string "$shown_outcome")" "$(json_string "$shown_ended")" \
            "$(json_string "$shown_reason")" "$(json_boolean "$shown_current")"
        history_json_migrations "$shown_revision"
        printf ']}'
        json_next=,
    done <"$work/history"
    printf '\n]}\n'
}

history_json_migrations() { # REVISION
    json_separator=''
    awk -F '|' -v revision="$1" '$1 == "migration" && $2 == revision { print $9 "|" $5 "|" $7 "|" $3 }' "$work/ledger" >"$work/history.migrations"
    while IFS='|' read -r shown_migration shown_direction shown_state shown_when; do
        printf '%s\n    {"migration": %s, "direction": %s, "state": %s, "at": %s}' "$json_separator" "$(json_string "$shown_migration")" \
            "$(json_string "$shown_direction")" "$(json_string "$shown_state")" "$(json_string "$shown_when")"
        json_separator=,
    done <"$work/history.migrations"
}

# What the release has, in the order in which it runs, then what only the target knows.
show_migrations() {
    read_migration_names
    {
        for listed_migration in $migration_names; do
            load_migration "$listed_migration"
            IFS='|' read -r known_state _ _ known_at <<END
$(known_migration "$listed_migration")
END
            printf '%s|%s|%s|%s|%s\n' "$listed_migration" "$migration_release" "$migration_service" "${known_state:-pending}" "$known_at"
        done
        while IFS='|' read -r known_name known_state _ known_release known_at; do
            has_word "$migration_names" "$known_name" || printf '%s|%s||%s|%s\n' "$known_name" "$known_release" "$known_state" "$known_at"
        done <"$work/migrations"
    } >"$work/listed-migrations"
    if [ "$option_output" = json ]; then migrations_json; else migrations_text; fi
}

next_migration() {
    IFS='|' read -r listed_name listed_release listed_service listed_state listed_at
}

migrations_text() {
    {
        printf 'MIGRATION\tRELEASE\tSERVICE\tSTATE\tWHEN\n'
        while next_migration; do
            printf '%s\t%s\t%s\t%s\t%s\n' "$listed_name" "$listed_release" "${listed_service:-"-"}" "$listed_state" "$listed_at"
        done <"$work/listed-migrations"
    } | print_table
}

migrations_json() {
    printf '{"migrations": ['
    json_next=''
    while next_migration; do
        printf '%s\n  {"migration": %s, "release": %s, "service": %s, "state": %s, "at": %s}' "$json_next" "$(json_string "$listed_name")" \
            "$(json_string "$listed_release")" "$(json_string "$listed_service")" "$(json_string "$listed_state")" "$(json_string "$listed_at")"
        json_next=,
    done <"$work/listed-migrations"
    printf '\n]}\n'
}
