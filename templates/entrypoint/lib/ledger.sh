# Ledger: what was deployed on the target, revision by revision, and which migrations ran. It is kept there, for whoever comes next.
#
# A revision is one deployment: a record, and at its end a mark, `ok` or `failed`. A record without a mark is pending: somebody is at it,
# or was. The driver fills $work/ledger with a line for each entry, in the order in which they were made:
#     entry | revision | at | version | command | who | message | content | name | object
# entry is record, ok, failed, migration, backup or baseline. content: of a record the digest of what is in it (record.sh), of a migration
# what it is, of the baseline what was made (drift.sh). A migration's line has up or down as its command, its name, and started, done or failed as its message.
#
# Takes in:  the driver's table. Gives out: the revision_ variables, a record for each deployment, marks.
# Must not:  write without the lock, or hold a secret.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly HISTORY_LENGTH=10

newest_revision='' newest_outcome='' newest_content='' good_revision='' good_version='' good_content='' earlier_good=''
revision='' revision_is_new='' entry_version=''

# The newest revision and the last good one, from the table.
read_revisions() {
    IFS='|' read -r newest_revision newest_outcome newest_content good_revision good_version good_content earlier_good <<END
$(awk -F '|' '
    $1 == "record" { version[$2] = $4; content[$2] = $8; if ($2 + 0 > newest) newest = $2 + 0 }
    $1 == "ok" || $1 == "failed" { outcome[$2 + 0] = $5 == "restored" ? $5 : $1 }
    END {
        for (number in version) {
            if (outcome[number + 0] != "ok") continue
            if (number + 0 > good) { earlier = good; good = number + 0 } else if (number + 0 > earlier) earlier = number + 0
        }
        if (newest) print newest "|" outcome[newest] "|" content[newest] "|" (good ? good : "") "|" version[good] "|" content[good] "|" (earlier ? earlier : "")
    }' "$work/ledger")
END
}

# A field of the record of a revision. NUMBER-OF-FIELD REVISION
record_field() {
    awk -F '|' -v field="$1" -v revision="$2" '$1 == "record" && $2 == revision { print $field; exit }' "$work/ledger"
}

# Words of people, as they may stand in a table. TEXT
ledger_text() {
    printf '%s' "$1" | tr '|\n\r\t' '/   ' | cut -c 1-300
}

# An entry of the ledger. The name of its object sorts as the entries were made. ENTRY REVISION OBJECT COMMAND MESSAGE CONTENT [NAME]
write_entry() {
    require_lock
    ledger_entry=$1 ledger_revision=$2 ledger_object=$3 ledger_command=$4 ledger_message=$(ledger_text "$5") ledger_content=$6 ledger_name=${7:-}
    ledger_at=$(date -u +%Y-%m-%dT%H:%M:%SZ) ledger_version=${entry_version:-$version} ledger_who=$(ledger_text "$lock_own_who")
    driver_write_entry || return 1
    printf '%s|' "$ledger_entry" "$ledger_revision" "$ledger_at" "$ledger_version" "$ledger_command" "$ledger_who" "$ledger_message" \
        "$ledger_content" "$ledger_name" >>"$work/ledger"
    printf '\n' >>"$work/ledger"
}

object_of_revision() {
    printf 'rel.%04d' "$1"
}

# Before anything changes: the record of what is about to be deployed. What is recorded as good already is not recorded again, and what
# an interrupted command left pending goes on under its number.
begin_revision() { # COMMAND
    make_record
    revision_is_new=''
    if [ -n "$good_revision" ] && [ "$record_content" = "$good_content" ]; then
        close_pending
        revision=$good_revision
        return 0
    fi
    if [ "$newest_outcome" = '' ] && [ -n "$newest_revision" ] && [ "$record_content" = "$newest_content" ]; then
        say "going on with revision $newest_revision, which was interrupted"
        revision=$newest_revision
    else
        close_pending
        revision=$((${newest_revision:-0} + 1))
    fi
    revision_is_new=yes
    pack_record
    write_entry record "$revision" "$(object_of_revision "$revision")" "$1" "$option_message" "$record_content" ||
        refuse "revision $revision cannot be recorded: $(complaint)"
    detail "revision $revision is recorded"
}

# A revision that nobody goes on with.
close_pending() {
    [ -n "$newest_revision" ] && [ -z "$newest_outcome" ] || return 0
    mark_revision "$newest_revision" failed failed interrupted || warn "revision $newest_revision stays pending: $(complaint)"
}

# As failed, `restored` says that the last good one was put back. REVISION ok|failed COMMAND MESSAGE
mark_revision() {
    write_entry "$2" "$1" "$(object_of_revision "$1").$2" "$3" "$4" ''
}

# The deployment is verified. What is marked twice says the same.
record_success() {
    [ -n "$revision_is_new" ] || return 0
    mark_revision "$revision" ok "$operation" '' || fail_unrestored "revision $revision runs, but could not be recorded as good: $(complaint)" \
        'the same command can be repeated'
}

# Why, for the history. What was good before and is repeated keeps its mark. failed|restored MESSAGE
record_failure() {
    [ -n "$revision_is_new" ] || return 0
    mark_revision "$revision" failed "$1" "$2" || warn "revision $revision could not be marked as failed: $(complaint)"
    revision_is_new=''
}

# With the data goes what is known of it; where data stays, the ledger tells what it has seen.
forget_ledger() {
    ledger_kept=''
    [ -n "$option_volumes" ] || for_each volume keep_ledger_of_data
    [ -z "$ledger_kept" ] || { say 'the ledger is kept with the data' && return 0; }
    forgotten_entries=$(cut -d '|' -f 10 "$work/ledger")
    # shellcheck disable=SC2086 # a list of objects
    [ -z "$forgotten_entries" ] || driver_forget_entries $forgotten_entries || fail_unrestored "the ledger could not be removed: $(complaint)" \
        'the same command can be repeated'
}

keep_ledger_of_data() {
    parse_object "$@"
    [ -n "$object_external" ] || ledger_kept=yes
}

# Old revisions go, never the current one or the good one before it. A migration's lines go when every record that is kept knows of it.
trim_ledger() {
    read_revisions
    trimmed=$(awk -F '|' -v good="$good_revision" -v earlier="$earlier_good" -v length_kept="$HISTORY_LENGTH" '
        $1 == "record" { record[$2 + 0] = 1; if ($2 + 0 > newest) newest = $2 + 0 }
        { line[NR] = $0 }
        END {
            oldest = newest
            for (number = newest; number > 0; number--)
                if (number in record) { if (kept < length_kept || number == good + 0 || number == earlier + 0) { keep[number] = 1; kept++; oldest = number } }
            for (at = 1; at <= NR; at++) {
                split(line[at], field, "|")
                if (field[1] == "backup" || field[1] == "baseline") continue
                if (field[1] == "migration" ? field[2] + 0 < oldest : !((field[2] + 0) in keep)) print field[10]
            }
        }' "$work/ledger")
    # shellcheck disable=SC2086 # a list of objects
    [ -z "$trimmed" ] || driver_forget_entries $trimmed || warn "old revisions are left over: $(complaint)"
}
