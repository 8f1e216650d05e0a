# Forget: a revision is left behind, with its record and its marks.
#
# For a record that cannot be read (cut, empty, gone, changed, refused by the gate), and for one that nobody wants. What ran of migrations
# stays in the journal, whoever wrote it.
#
# Takes in:  the ledger. Gives out: a ledger without the revision.
# Must not:  touch a service or data, or forget the current revision as long as its record can be read.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# REVISION
command_forget() {
    operation=forget
    preflight_target
    begin_faults
    check_whose products
    judge_forget "$1"
    refuse_faults
    warn_of_lost_migrations "$1"
    if [ -n "$option_dry_run" ]; then
        entries_of_revision "$1" | sed 's/^/forget /'
        return 0
    fi
    confirm "forget revision $1 of $target? It can then no longer be rolled back to."
    take_lock
    begin_faults
    judge_forget "$1"
    refuse_faults
    # shellcheck disable=SC2046 # a list of objects
    driver_forget_entries $(entries_of_revision "$1") || fail_unrestored "revision $1 could not be forgotten: $(complaint)" 'the same command can be repeated'
    read_target || fail_unrestored "the state of \`$target\` cannot be read: $(complaint)"
    [ -z "$(entries_of_revision "$1")" ] || fail_unrestored "revision $1 is still in the ledger" 'the same command can be repeated'
    say "revision $1 of $target is forgotten"
    [ -n "$good_revision" ] || [ ! -s "$work/live" ] ||
        say "no good revision of $target is left: deploy one with \`up $environment_name\`, and give all parameters"
}

# The current revision is needed for the next deployment: unless nobody can read it anyway. REVISION
judge_forget() {
    if [ -z "$(entries_of_revision "$1")" ]; then
        add_fault "there is no revision $1 of $target" "see \`history $environment_name\`"
    elif [ "$1" = "$good_revision" ] && fetch_record "$1"; then
        add_fault "revision $1 is the current one, and its record can be read" "deploy another first, with \`up\` or \`rollback\`"
    fi
}

# The record goes last: when we are killed, the same command finds the revision again. Not the migrations that ran with it. REVISION
entries_of_revision() {
    awk -F '|' -v revision="$1" '
        $2 != revision { next }
        $1 == "record" { record = $10 }
        $1 == "ok" || $1 == "failed" || $1 == "done" { print $10 }
        END { if (record != "") print record }' "$work/ledger"
}

# Applied migrations whose scripts no other record has: they cannot be taken back any more. And where no other record can be read, those
# that have no entry of their own any more would not be known to have run. REVISION
warn_of_lost_migrations() {
    read_applied_migrations
    lost_scripts='' lost_readable=''
    for lost_other in $(awk -F '|' -v revision="$1" '$1 == "record" && $2 != revision { print $2 }' "$work/ledger"); do
        ! fetch_record "$lost_other" || lost_readable="$lost_readable $lost_other"
    done
    while IFS='|' read -r lost_name _; do
        is_in_records "$lost_name" || lost_scripts="$lost_scripts $lost_name"
    done <"$work/migrations"
    use_own_release
    [ -z "$lost_scripts" ] || warn "no other record has the scripts of these migrations, so they can no longer be taken back:$lost_scripts"
    lost_entries=$(cut -d '|' -f 1 "$work/migrations" | while IFS= read -r lost_name; do
        awk -F '|' -v name="$lost_name" '$1 == "migration" && $9 "" == name { found = 1 } END { exit !found }' "$work/ledger" || printf ' %s' "$lost_name"
    done)
    [ -n "$lost_readable" ] || [ -z "$lost_entries" ] ||
        warn "the ledger will no longer know that these migrations ran:$lost_entries"
    [ -n "$lost_readable" ] || fetch_record "$1" ||
        warn 'no record of the target can be read: migrations without an entry of their own are not known to have run; `migrate --list` shows what is known'
}

# NAME
is_in_records() {
    for lost_other in $lost_readable; do
        use_record "$lost_other"
        ! load_migration "$1" || return 0
    done
    return 1
}
