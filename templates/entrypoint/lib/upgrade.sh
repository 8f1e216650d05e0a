# Upgrade: whether this release may follow what is on the target, and migrations by themselves.
#
# Takes in:  the `upgrade` record, the ledger. Gives out: faults; the end of `migrate`.
# Must not:  change anything, but for `migrate`.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

upgrade_from='' upgrade_backup='' upgrade_backup_age='' upgrade_rollback=''

# Faults for a release that must not follow the last good one; the migrations that it has to run.
judge_release() {
    judge_ledger
    read_applied_migrations
    [ -z "$option_migrated" ] || adopt_migrations
    read_pending_migrations
    judge_known_migrations
    [ -n "$good_version" ] || return 0
    case $(compare_versions "$version" "$good_version") in
    newer)
        read_upgrade
        judge_path
        judge_backup
        ;;
    older) judge_older ;;
    esac
}

# What has no ledger was not deployed by us: nobody knows which migrations its data has seen.
judge_ledger() {
    if [ -n "$newest_revision" ]; then
        [ -z "$option_migrated" ] || add_fault '`--migrated` is for a product without a ledger, and this one has one' "see \`history $environment_name\`"
        [ -z "$option_adopt" ] || is_adopting || warn 'there is nothing to take over'
    elif is_first_install && ! is_adopting; then
        return 0
    elif [ -z "$option_adopt" ]; then
        add_fault "$target runs, but has no ledger: which migrations its data has seen is not known" \
            "say it: $operation $environment_name --adopt --migrated=VERSION, the release that runs now"
    elif [ -z "$option_migrated" ]; then
        judge_unknown_migrations
    fi
}

# Without migrations there is nothing to know.
judge_unknown_migrations() {
    read_migration_names
    [ -z "$migration_names" ] ||
        refuse_usage "\`--adopt\` does not say which migrations the data of $target has seen:$migration_names" \
            "say it: $operation $environment_name --adopt --migrated=VERSION, the release that the data is of; 0.0.0 runs all of them"
}

# Every migration up to a release is as good as applied.
adopt_migrations() {
    for_each migration adopt_migration
}

adopt_migration() {
    parse_migration "$@"
    [ "$(compare_versions "$migration_release" "$option_migrated")" != newer ] || return 0
    [ -n "$(known_migration "$migration_name")" ] ||
        printf '%s|applied|%s|%s|%s\n' "$migration_name" "$migration_content" "$migration_release" "adopted" >>"$work/migrations"
}

read_upgrade() {
    upgrade_from='' upgrade_backup='' upgrade_backup_age='' upgrade_rollback=yes
    for_each upgrade parse_upgrade
}

parse_upgrade() {
    for fact do
        case $fact in
        from=*) upgrade_from=${fact#*=} ;;
        backup=*) upgrade_backup=${fact#*=} ;;
        backup_age=*) upgrade_backup_age=${fact#*=} ;;
        rollback=*) upgrade_rollback=${fact#*=} ;;
        esac
    done
}

judge_path() {
    [ -n "$upgrade_from" ] && ! meets_requirement "$good_version" "$upgrade_from" || return 0
    add_fault "$project $version cannot follow $good_version: it takes $upgrade_from" "$(path_hint)"
}

# The lowest release that is taken, when what is here is older than that.
path_hint() {
    for comparator in $upgrade_from; do
        case $comparator in
        '>'* | '='*)
            path_version=${comparator##*[<>=]}
            [ "$(compare_versions "$good_version" "$path_version")" != older ] || {
                printf 'go through %s first: the bootstrap image of %s %s, upgrade %s' "$path_version" "$project" "$path_version" "$environment_name"
                return 0
            }
            ;;
        esac
    done
    printf 'the bootstrap image of another release may take it; see `explain`'
}

# A hook that takes the backup is as good as one that was taken.
judge_backup() {
    [ -n "$upgrade_backup" ] && [ -z "$option_without_backup" ] || return 0
    backup_hooked=''
    for_each hook find_backup_hook
    [ -z "$backup_hooked" ] || return 0
    backup_at=$(awk -F '|' -v name="$upgrade_backup" '$1 == "backup" && $9 "" == name { at = $3 } END { print at }' "$work/ledger")
    if ! read_epoch "$backup_at"; then
        add_fault "$project $version wants a backup before an upgrade, and none was taken" "$(backup_hint)"
    elif [ $(($(date +%s) - epoch)) -gt "${upgrade_backup_age:-86400}" ]; then
        add_fault "$project $version wants a backup before an upgrade, and the last one is of $backup_at" "$(backup_hint)"
    fi
}

find_backup_hook() {
    case $operation/$1/$2 in
    */pre-up/"$upgrade_backup" | upgrade/pre-upgrade/"$upgrade_backup") backup_hooked=yes ;;
    esac
}

backup_hint() {
    printf 'take one: run %s %s > FILE; or say that you need none: --without-backup' "$upgrade_backup" "$environment_name"
}

# After a script that ended well: was it the backup that upgrades ask for?
record_backup() { # SCRIPT
    read_upgrade
    [ "$1" = "$upgrade_backup" ] || return 0
    [ -f "$work/ledger" ] || preflight_target # a script of mode bootstrap needs no target
    describe_holder
    backup_object=$(awk -F '|' '$1 == "backup" { print $10 }' "$work/ledger")
    # shellcheck disable=SC2086 # a list of objects
    { [ -z "$backup_object" ] || driver_forget_entries $backup_object; } &&
        write_entry backup 0 backup run '' '' "$1" || warn "the backup was taken, but that could not be recorded: $(complaint)"
}

judge_older() {
    [ "$operation" != upgrade ] ||
        add_fault "the target is at $project $good_version already, which is newer than $version" \
            "to go back: downgrade $version $environment_name, or rollback"
}

# What changed the data, wholly or in part, and is not in this release: that the release works on them is not known, whatever the versions say.
judge_known_migrations() {
    unknown_migrations='' unknown_release=''
    while IFS='|' read -r known_name known_state _ known_release _; do
        ! has_word "$migration_names" "$known_name" || continue
        unknown_migrations="$unknown_migrations $known_name"
        [ -n "$unknown_release" ] && [ "$(compare_versions "$known_release" "$unknown_release")" = older ] || unknown_release=$known_release
    done <"$work/migrations"
    [ -z "$unknown_migrations" ] ||
        add_fault "$project $version does not have these migrations, which ran on the data of $target:$unknown_migrations" \
            "$(known_migrations_hint)"
}

known_migrations_hint() {
    printf 'use the bootstrap image of %s %s or a newer one' "$project" "$unknown_release"
    for hint_revision in $(good_revisions); do
        [ "$(record_field 4 "$hint_revision")" != "$version" ] || {
            printf '; to go back to %s: downgrade %s %s' "$version" "$version" "$environment_name"
            return 0
        }
    done
}

# Pending migrations only, as a revision of their own: its record has the scripts that take them back. No service is changed, so what was
# current remains so.
command_migrate() {
    operation=migrate
    if [ -n "$option_list" ]; then
        preflight_target
        read_applied_migrations
        show_migrations
        return 0
    fi
    [ "$option_output" = text ] || refuse_usage '`migrate` has JSON output only with `--list`'
    preflight_target
    begin_faults
    check_whose everything
    judge_release
    if [ -n "$newest_revision" ] && [ "$faults" -eq 0 ] && ! is_left_to_migrate; then # what a deployment needs need not be given
        [ -n "$option_dry_run" ] || leave_no_abandoned_lock
        say "no migration of $project $version is pending"
        return 0
    fi
    prepare_release
    judge_release
    [ -n "$newest_revision" ] || add_fault "nothing of $target is recorded, so there is nothing to migrate" "deploy it: up $environment_name runs the migrations too"
    check_hooks pre-migrate post-migrate
    check_target
    check_migration_services
    refuse_faults
    if [ -n "$option_dry_run" ]; then
        for planned in $pending_migrations; do printf 'migration %s: run\n' "$planned"; done
        [ -n "$pending_migrations" ] || say "no migration of $project $version is pending; revision $newest_revision, which was interrupted, would be ended"
        return 0
    fi
    lock_release
    [ -z "$pending_migrations" ] || fetch_images needed
    if is_left_to_migrate; then
        read_wanted
        begin_revision "$operation"
        begin_changes
        migrate_pending
        mark_revision "$revision" 'done' "$operation" '' || fail_unrestored "the migrations ran, but that could not be recorded: $(complaint)" \
            'the same command can be repeated'
        trim_ledger
    fi
    say "no migration of $project $version is pending"
}

# Something is pending, or a `migrate` did not come to its end.
is_left_to_migrate() {
    [ -n "$pending_migrations" ] || [ "$newest_command/$newest_outcome" = migrate/ ]
}

check_migration_services() {
    for migration_name in $pending_migrations; do
        load_migration "$migration_name"
        [ -n "$(instance_ids "$migration_service" running)" ] ||
            add_fault "the migration \`$migration_name\` needs the service \`$migration_service\`, which does not run" "start it: start $environment_name"
    done
}
