# Back: rollback and downgrade. Both deploy a revision that was recorded, with what is in its record: neither its image nor a registry is
# needed as long as the images of its services are on the target.
#
# rollback never runs a migration, so it refuses where one stands in between that the older release does not work with. downgrade takes
# migrations back first, by their own down scripts, the newest first.
#
# Takes in:  the ledger. Gives out: a revision more, which is an older one again; or an end with 3, 4, 5 or 6.
# Must not:  run a script or hook of a record, except for down migrations.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

back_revision='' downgrade_version=''

# [REVISION]
command_rollback() {
    operation=rollback
    preflight_target
    begin_faults
    choose_rollback "${1:-}"
    refuse_faults
    require_record "$back_revision"
    read_applied_migrations
    judge_rollback
    [ -z "$option_dry_run" ] || note_recorded_release
    prepare_back
    if [ -n "$option_check" ]; then
        refuse_faults
        say "rollback to revision $back_revision ($version) would work"
        return 0
    fi
    refuse_faults
    if [ -n "$option_dry_run" ]; then
        show_plan
        return 0
    fi
    lock_back
    deploy_back
}

# The revision to go to: the one that is named, else the last good one before what runs now.
choose_rollback() {
    back_revision=$1
    if [ -z "$good_revision" ]; then
        add_fault "$target has no successful deployment to go back to" "see \`history $environment_name\`"
    elif [ -z "$back_revision" ]; then
        choose_default_rollback
        [ -n "$back_revision" ] || add_fault "there is no good revision before revision $good_revision of $target" "see \`history $environment_name\`"
    elif ! is_good_revision "$back_revision"; then
        if [ -n "$(record_field 2 "$back_revision")" ]; then judged_revision='was never deployed successfully'; else judged_revision='is not recorded'; fi
        add_fault "revision $back_revision $judged_revision" "you can go back to: $(listed_revisions)"
    fi
}

# A rollback that did not end is ended, and goes nowhere else. What failed otherwise may still run: then the last good one is the one before.
choose_default_rollback() {
    case $deployed_command/$deployed_outcome/$deployed_open in
    rollback/ok/yes) back_revision=$good_revision ;;
    rollback/failed/* | rollback//*)
        back_revision=$deployed_target
        is_good_revision "$back_revision" || back_revision=$earlier_good
        ;;
    */failed/* | *//*) back_revision=$good_revision ;;
    *) back_revision=$earlier_good ;;
    esac
}

is_good_revision() { # REVISION
    has_word "$(good_revisions)" "$1"
}

# The same for people: with their versions, and which one is current.
listed_revisions() {
    listed_comma=''
    for listed in $(good_revisions); do
        printf '%s%s (%s%s)' "$listed_comma" "$listed" "$(record_field 4 "$listed")" "$([ "$listed" != "$good_revision" ] || printf ', current')"
        listed_comma=', '
    done
}

# Numbers of the revisions that were verified, on one line.
good_revisions() {
    awk -F '|' '$1 == "record" { record[$2] = 1 } $1 == "ok" { ok[$2] = 1 }
        END { for (number in record) if (number in ok) print number }' "$work/ledger" | sort -n | tr '\n' ' ' | sed 's/ $//'
}

# The migrations that ran since, and what the release says that ran last.
judge_rollback() {
    upgrade_rollback=yes
    if fetch_record "$good_revision"; then
        use_record "$good_revision"
        read_upgrade
    else
        warn "the record of revision $good_revision cannot be read: $(complaint); whether that release may be rolled back is not known"
    fi
    [ "$upgrade_rollback" != no ] || [ "$(record_field 8 "$back_revision")" = "$good_content" ] ||
        add_fault "$project $version says that it must not be rolled back" "see \`explain\` of its bootstrap image; downgrade may be possible"
    compare_migrations "$back_revision"
    [ -z "$migrations_beyond" ] ||
        add_fault "$project $back_version $(migrations_judgement) what these migrations did:$migrations_beyond$migrations_unread" \
            "take them back too: downgrade $back_version $environment_name"
    refuse_missing_migrations
}

# What the data have and the release of a revision does not know or bear, in migrations_beyond; what it needs and the data do not have, in
# migrations_missing. Loads other releases. REVISION
compare_migrations() {
    use_record "$1"
    read_migration_names
    back_names=$migration_names back_version=$version migrations_beyond='' migrations_missing='' migrations_unread=''
    for back_name in $back_names; do
        case $(known_migration "$back_name") in 'applied|'*) ;; *) migrations_missing="$migrations_missing $back_name" ;; esac
    done
    while IFS='|' read -r known_name known_state _; do
        has_word "$back_names" "$known_name" || is_compatible "$known_name" || {
            migrations_beyond="$migrations_beyond $known_name"
            [ -z "$unread_records" ] || migrations_unread=" ($unread_records)"
        }
    done <"$work/migrations"
}

# That nobody can read whether the release works with them is not that it does not.
migrations_judgement() {
    if [ -n "$migrations_unread" ]; then printf 'is not known to work with'; else printf 'does not work with'; fi
}

# Whether the newest record that has the migration says that the release before still works with it. NAME
is_compatible() {
    find_migration "$1" && [ -n "$migration_compatible" ]
}

# A recorded release is deployed without its migrations: those it was deployed with must not have been taken back since.
refuse_missing_migrations() {
    [ -z "$migrations_missing" ] ||
        add_fault "$project $back_version needs migrations that are not applied:$migrations_missing" \
            "deploy it with its bootstrap image, which runs them: up $environment_name"
}

# Loads the revision to go to and judges whether it can be deployed.
prepare_back() {
    parameters_revision=$back_revision
    use_record "$back_revision"
    prepare_recorded
    check_target
}

# Takes the lock; what was judged must not have changed until then.
lock_back() {
    cp "$work/ledger" "$work/ledger.seen"
    take_lock
    is_same_text "$work/ledger" "$work/ledger.seen" ||
        refuse "somebody deployed $target meanwhile" "see \`history $environment_name\`, then repeat the command"
    driver_check_host_files
    refuse_faults
    after_signal="the target may be half-way: \`$operation\` goes on from there"
}

# Needs the lock and the revision loaded.
deploy_back() {
    begin_revision "$operation" "$back_revision"
    begin_changes
    converge
    say "$target is at $project $version again, revision $revision"
    [ -z "$revision_is_new$deployed_open" ] || record_end
}

# VERSION
command_downgrade() {
    operation=downgrade downgrade_version=$1
    preflight_target
    begin_faults
    choose_downgrade "$1"
    refuse_faults
    require_record "$back_revision"
    read_applied_migrations
    compare_migrations "$back_revision"
    refuse_missing_migrations
    list_down_migrations
    refuse_faults
    [ -z "$option_dry_run" ] || note_recorded_release
    prepare_back
    refuse_faults
    if [ -n "$option_dry_run" ]; then
        for planned in $down_migrations; do printf 'migration %s: take back\n' "${planned%%/*}"; done
        show_plan
        return 0
    fi
    lock_back
    begin_revision "$operation" "$back_revision"
    take_migrations_back
    prepare_back
    refuse_faults
    begin_changes
    converge
    say "$target is at $project $version again, revision $revision"
}

# The newest good revision of the version.
choose_downgrade() {
    back_revision=''
    for chosen_revision in $(good_revisions); do
        [ "$(record_field 4 "$chosen_revision")" != "$1" ] || back_revision=$chosen_revision
    done
    if [ -z "$back_revision" ]; then
        add_fault "there is no good revision of $project $1" "recorded are: $(for listed in $(good_revisions); do record_field 4 "$listed"; done | sort -u | tr '\n' ' ')"
    elif [ "$(compare_versions "$1" "$(record_field 4 "$newest_revision")")" = newer ]; then
        add_fault "$1 is newer than what is deployed, $(record_field 4 "$newest_revision")" 'upgrade with the bootstrap image of that release'
    fi
}

# Applied migrations that the older release does not have, newest first, as NAME/REVISION of a record that has them, in down_migrations.
# One without a way back is a fault, and so is one that failed half-way.
list_down_migrations() {
    down_migrations=''
    while IFS='|' read -r known_name known_state _ known_release known_at; do
        has_word "$back_names" "$known_name" || add_down_migration
    done <"$work/migrations"
}

# Later ones come first: $work/migrations has them in the order in which they ran.
add_down_migration() {
    if ! find_migration "$known_name"; then
        add_fault "the migration \`$known_name\`, which ran on $known_at, cannot be taken back: no record${unread_records:+ that can be read} has its script${unread_records:+ ($unread_records)}" \
            "record it again: up $environment_name with the bootstrap image of $project $known_release, then repeat this command; or restore a backup"
    elif [ -z "$migration_down" ]; then
        add_fault "the migration \`$known_name\` is irreversible: it has no way back" 'restore a backup of before it'
    else
        case $known_state in
        applied) ;;
        *) [ -n "$option_retry$migration_idempotent" ] || add_fault "the migration \`$known_name\` $(state_sentence)" \
            "look at the data, then take it back with: $operation $downgrade_version $environment_name --retry" ;;
        esac
        down_migrations="$known_name/$found_revision $down_migrations"
    fi
}

# Loads the newest record that has a migration: found_revision, and the migration_ variables. NAME; false when there is none, with what could
# not be read in unread_records.
find_migration() {
    unread_records=''
    for found_revision in $(awk -F '|' '$1 == "record" { print $2 }' "$work/ledger" | sort -rn); do
        fetch_record "$found_revision" || {
            unread_records="${unread_records:+$unread_records; }revision $found_revision cannot be read: $(complaint)"
            continue
        }
        use_record "$found_revision"
        ! load_migration "$1" || return 0
    done
    return 1
}

# Each with the release that brought it: its image, its environment. The services stay as they are.
take_migrations_back() {
    back_from=''
    for taken_back in $down_migrations; do
        if [ "${taken_back#*/}" != "$back_from" ]; then
            back_from=${taken_back#*/} parameters_revision=$back_from
            use_record "$back_from"
            prepare_recorded
            refuse_faults
            driver_store_files
            driver_prepare_manifest
        fi
        load_migration "${taken_back%%/*}"
        say "migration $migration_name: taking back"
        run_migration down "$migration_down" || {
            record_failure failed "the migration \`$migration_name\` could not be taken back"
            hint "no service was touched; correct it, then: downgrade $downgrade_version $environment_name --retry"
            exit "$exit_migration"
        }
    done
}
