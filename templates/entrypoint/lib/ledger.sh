# Ledger: what was deployed on the target, revision by revision, and which migrations ran. It is kept there, for whoever comes next.
#
# The ledger is a journal: entries are only added, and what is so now is a fold over them, in the order in which they were written. The
# driver fills $work/ledger with a line for each entry, in any order, and order_journal sorts it:
#     entry | revision | at | version | command | who | message | content | name | object | sequence | target | before
# entry is one of
#     record     a revision is opened: what is about to be deployed. content: the digest of what is in the record (record.sh); target: of a
#                rollback or downgrade the revision that it deploys again; before: the revision that a later `rollback` goes to by default, 0 for none
#     ok         it was deployed and verified
#     failed     it was not; command `restored`: the last good revision was restored
#     done       the command of the revision ended. Written for `migrate`, which deploys nothing and is never `ok`, and for `rollback`
#     migration  name: which; command: up or down; message: started, done, failed or withdrawn; content: what it is; version: its release
#     backup     a backup was taken; name: the script. One entry, replaced
#     baseline   what was made (drift.sh). One entry, replaced
# sequence numbers the entries 1, 2, 3 … across all revisions; only the holder of the lock writes (a backup aside), so it is exact.
#
# The folds:
#   - A revision is pending from its record on, until an ok, failed or done of its number. Its number is one more than the greatest number
#     of any entry, so that of a revision which was left behind is not used again.
#   - The current revision is the good one (record and ok) with the greatest number.
#   - A migration is in the state that its last entry says; `withdrawn` (it could not be started) goes back to the state before its
#     `started`. A record holds, in its file `applied`, what was applied when it was written: entries that are older than every record
#     can go, and what has no entry is as the newest record says.
# Who leaves a revision behind removes its record and its marks, never its migration entries.
#
# Entries of older images have no sequence, target and before. They are in the order of their instants (where clocks differed: never before
# the record of their revision, and that never before the record of an earlier one), then of their revisions and names. Where both kinds
# are mixed, an entry without a sequence is before the first one with a sequence that is not older.
#
# Takes in:  the driver's table. Gives out: $work/ledger in order, the variables below, entries.
# Must not:  write without the lock, or hold a secret.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly history_length=10

# The revision with the greatest number, and the last one that deploys (or was to): what is open is at the end. outcome: ok, failed,
# restored, done, or empty while it is pending.
newest_revision='' newest_outcome='' newest_content='' newest_command=''
deployed_revision='' deployed_outcome='' deployed_command='' deployed_target='' deployed_open=''
good_revision='' good_version='' good_content='' earlier_good=''
malformed_told='' revision='' revision_is_new='' revision_is_continued='' entry_version='''' entry_target='' entry_before=''

# The journal in the order in which it was written.
order_journal() {
    awk -F '|' '
        FNR == NR {
            if ($1 == "record") opened[$2 + 0] = $3
            if ($2 + 0 > newest) newest = $2 + 0
            next
        }
        FNR == 1 { for (number = 1; number <= newest; number++) if (opened[number] < opened[number - 1]) opened[number] = opened[number - 1] }
        { printf "%d|%s|%06d|%s\n", $11, ($11 == "" && $3 < opened[$2 + 0] ? opened[$2 + 0] : $3), $2, $0 }' "$work/ledger" "$work/ledger" |
        sort -t '|' -k 1,1n -k 2,2 -k 3,3 -k 13,13 | awk -F '|' '
        { instant = $2; sub(/^[^|]*[|][^|]*[|][^|]*[|]/, "") }
        $11 == "" { old[++olds] = $0; at[olds] = instant; next }
        { while (shown < olds && at[shown + 1] <= instant) print old[++shown]; print }
        END { while (shown < olds) print old[++shown] }' >"$work/ledger.ordered"
    mv "$work/ledger.ordered" "$work/ledger"
}

# Lines that none of our commands writes are no entries: numbers are numbers, and one entry is one kind.
drop_malformed_entries() {
    awk -F '|' -v malformed="$work/ledger.malformed" '
        function is_number(text) { return text ~ /^[0-9]+$/ && length(text) < 10 }
        $1 ~ /^(record|ok|failed|done|migration|backup|baseline)$/ && is_number($2) &&
            (($1 == "backup" || $1 == "baseline") || $2 + 0 > 0) &&
            ($11 == "" || is_number($11)) && ($12 == "" || is_number($12)) && ($13 == "" || is_number($13)) { print; next }
        { print $10 >malformed }' "$work/ledger" >"$work/ledger.formed" || return 1
    mv "$work/ledger.formed" "$work/ledger"
    [ -f "$work/ledger.malformed" ] || return 0
    [ -n "$malformed_told" ] || warn "passed over what is not an entry of the ledger of $target: $(tr '\n' ' ' <"$work/ledger.malformed")"
    malformed_told=yes
    rm -f "$work/ledger.malformed"
}

# What the folds over revisions share: outcome, command, content, version, target of each number, and good, the numbers that were
# verified. earlier(NUMBER): where a rollback from that revision goes by default, empty when there is nowhere to go.
readonly revision_fold='
    $2 + 0 > greatest { greatest = $2 + 0 }
    $1 == "record" {
        number = $2 + 0; recorded[number] = 1; version[number] = $4; command[number] = $5; content[number] = $8; target[number] = $12; before[number] = $13
        numbered[number] = ($11 != "")
        if (number > newest) newest = number
        if (number > deployed && $5 != "migrate") deployed = number
    }
    $1 == "ok" || $1 == "failed" { outcome[$2 + 0] = $1 == "failed" && $5 == "restored" ? $5 : $1 }
    $1 == "done" { ended[$2 + 0] = 1 }
    function is_good(number) { return number in recorded && outcome[number] == "ok" }
    function current(    number) { for (number = newest; number > 0; number--) if (is_good(number)) return number; return 0 }
    # Of older images: what a rollback went to has the same content.
    function target_of(number,    other) {
        if (target[number] != "") return target[number]
        if (command[number] == "rollback" || command[number] == "downgrade")
            for (other = number - 1; other > 0; other--) if (is_good(other) && content[other] == content[number]) return other
        return ""
    }
    function earlier(number,    from, other) {
        from = before[number]
        if (from == "") {
            from = target_of(number)
            if (from != "") return from < number ? earlier(from + 0) : ""
            from = number - 1
        }
        for (other = from + 0; other > 0; other--) if (is_good(other) && content[other] != content[number]) return other
        return ""
    }
'

# The newest revision, the last deployment and the last good one, from the table.
read_revisions() {
    order_journal
    IFS='|' read -r newest_revision newest_outcome newest_content newest_command \
        deployed_revision deployed_outcome deployed_command deployed_target deployed_open \
        good_revision good_version good_content earlier_good <<END
$(awk -F '|' -v OFS='|' "$revision_fold"'
    END {
        if (!newest) exit
        good = current()
        settled = outcome[newest] == "" && ended[newest] ? "done" : outcome[newest]
        open = command[deployed] == "rollback" && outcome[deployed] == "ok" && numbered[deployed] && !ended[deployed] ? "yes" : ""
        print newest, settled, content[newest], command[newest], \
            (deployed ? deployed : ""), outcome[deployed], command[deployed], (deployed ? target_of(deployed) : ""), open, \
            (good ? good : ""), version[good], content[good], (good ? earlier(good) : "")
    }' "$work/ledger")
END
}

# Prints where a rollback from a good revision goes by default. REVISION
earlier_revision() {
    awk -F '|' -v revision="$1" "$revision_fold"'END { print earlier(revision + 0) }' "$work/ledger"
}

# A field of the record of a revision. NUMBER-OF-FIELD REVISION
record_field() {
    awk -F '|' -v field="$1" -v revision="$2" '$1 == "record" && $2 == revision { print $field; exit }' "$work/ledger"
}

# Words of people, as they may stand in a table. TEXT
ledger_text() {
    printf '%s' "$1" | tr '|\n\r\t' '/   ' | cut -c 1-300
}

# An entry of the journal. ENTRY REVISION OBJECT COMMAND MESSAGE CONTENT [NAME]
write_entry() {
    require_lock
    ledger_entry=$1 ledger_revision=$2 ledger_object=$3 ledger_command=$4 ledger_message=$(ledger_text "$5") ledger_content=$6 ledger_name=${7:-}
    ledger_at=$(date -u +%Y-%m-%dT%H:%M:%SZ) ledger_version=${entry_version:-$version} ledger_who=$(ledger_text "$lock_own_who")
    ledger_sequence=$(($(awk -F '|' '$11 + 0 > last { last = $11 + 0 } END { print last + 0 }' "$work/ledger") + 1))
    ledger_target=$entry_target ledger_before=$entry_before
    driver_write_entry || return 1
    printf '%s|' "$ledger_entry" "$ledger_revision" "$ledger_at" "$ledger_version" "$ledger_command" "$ledger_who" "$ledger_message" \
        "$ledger_content" "$ledger_name" "$ledger_object" "$ledger_sequence" "$ledger_target" >>"$work/ledger"
    printf '%s\n' "$ledger_before" >>"$work/ledger"
}

object_of_revision() {
    printf 'rel.%04d' "$1"
}

# Before anything changes: the record of what is about to be deployed, as a revision of its own; what an interrupted command left pending
# goes on under its number. Nothing is opened where nothing is to be done. COMMAND [REVISION THAT IS DEPLOYED AGAIN]
begin_revision() {
    make_record
    revision_is_new=''
    if is_nothing_to_do; then
        revision=$good_revision
        return 0
    fi
    if is_going_on "$1"; then
        say "continuing revision $newest_revision, which was interrupted"
        revision=$newest_revision revision_is_continued=yes
    else
        close_pending
        revision=$(next_revision_number)
    fi
    revision_is_new=yes
    pack_record
    entry_target=${2:-} entry_before=$(revision_before "$1" "${2:-}")
    write_entry record "$revision" "$(object_of_revision "$revision")" "$1" "$option_message" "$record_content" ||
        refuse "revision $revision cannot be recorded: $(complaint)"
    entry_target='' entry_before=''
    read_own_record
    detail "revision $revision is recorded"
}

# What later commands will read is read before anything changes.
read_own_record() {
    rm -rf "$work/revisions/$revision" "$work/revisions/$revision.new"
    fetch_record "$revision" && return 0
    own_complaint=$(complaint)
    record_failure failed "its record cannot be read: $own_complaint"
    refuse "revision $revision was recorded, but its record cannot be read: $own_complaint" \
        "nothing was changed; leave the record behind: forget $revision $environment_name"
}

# The current revision holds what is wanted and can be read, all of it runs, no migration has to run, and nothing was begun since.
is_nothing_to_do() {
    [ -n "$good_revision" ] && [ "$record_content" = "$good_content" ] && fetch_record "$good_revision" || return 1
    case $deployed_revision/$deployed_outcome in "$good_revision"/* | */restored) ;; *) return 1 ;; esac
    [ -n "$newest_outcome" ] || return 1
    [ -z "${pending_migrations:-}${down_migrations:-}$(orphan_services)" ] || return 1
    for unchanged in $service_names; do
        read_action "$unchanged"
        [ "$action" = keep ] || return 1
    done
}

# Whether the newest revision is what this command was interrupted in. COMMAND
is_going_on() {
    [ -n "$newest_revision" ] && [ -z "$newest_outcome" ] && [ "$record_content" = "$newest_content" ] || return 1
    case $newest_command/$1 in
    up/upgrade | upgrade/up) ;;
    *) [ "$newest_command" = "$1" ] ;;
    esac
}

next_revision_number() {
    awk -F '|' "$revision_fold"'END { print greatest + 1 }' "$work/ledger"
}

# What a rollback goes to when this revision is the current one: not to what it was itself rolled back from. COMMAND [TARGET]
revision_before() {
    case $1 in
    migrate) return 0 ;;
    rollback | downgrade) before_revision=$(earlier_revision "$2") ;;
    *)
        before_revision=$good_revision
        [ "$record_content" != "$good_content" ] || before_revision=$earlier_good
        ;;
    esac
    printf '%s' "${before_revision:-0}"
}

# A revision that nobody goes on with.
close_pending() {
    [ -n "$newest_revision" ] && [ -z "$newest_outcome" ] || return 0
    mark_revision "$newest_revision" failed failed interrupted || warn "revision $newest_revision stays pending: $(complaint)"
}

# As failed, `restored` says that the last good one was restored. REVISION ok|failed|done COMMAND MESSAGE
mark_revision() {
    write_entry "$2" "$1" "$(object_of_revision "$1").$2" "$3" "$4" ''
}

# The deployment is verified. What is marked twice says the same.
record_success() {
    [ -n "$revision_is_new" ] || return 0
    mark_revision "$revision" ok "$operation" '' || fail_unrestored "revision $revision runs, but could not be recorded as good: $(complaint)" \
        'the same command can be repeated'
}

# The command of the revision has said what it had to say. What is not noted here is ended once more when it is repeated.
record_end() {
    mark_revision "$revision" 'done' "$operation" '' || detail "that revision $revision ended could not be recorded: $(complaint)"
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

# Old revisions go, never the current one or the one that a rollback goes to. A migration's entry goes when every record that is kept was
# written later, unless it is of one that has not ended.
trim_ledger() {
    read_revisions
    trimmed=$(awk -F '|' -v good="$good_revision" -v earlier_good="$earlier_good" -v length_kept="$history_length" "$revision_fold"'
        { line[NR] = $0 }
        $1 == "migration" && $7 == "started" { ended_before[$9] = !($9 in is_open) || !is_open[$9]; is_open[$9] = 1 }
        $1 == "migration" && $7 == "done" { is_open[$9] = 0 }
        $1 == "migration" && $7 == "withdrawn" { is_open[$9] = !ended_before[$9] }
        END {
            for (number = newest; number > 0; number--)
                if (number in recorded && (kept < length_kept || number == good + 0 || number == earlier_good + 0)) { keep[number] = 1; kept++ }
            for (at = 1; at <= NR; at++) {
                split(line[at], field, "|")
                if (field[1] == "record" && (field[2] + 0) in keep) is_later = 1
                if (field[1] == "backup" || field[1] == "baseline") continue
                if (field[1] == "migration" ? !is_later && !is_open[field[9]] : !((field[2] + 0) in keep)) print field[10]
            }
        }' "$work/ledger")
    # shellcheck disable=SC2086 # a list of objects
    [ -z "$trimmed" ] || driver_forget_entries $trimmed || warn "old revisions are left over: $(complaint)"
}
