# Migrations: what changes data from one release to the next, each run once, in order, and written down before and after.
#
# $work/migrations has a line for each that the ledger knows: name | state | content | release | at. state is applied, started (it ran
# when we were killed), failed, undoing or undo-failed.
#
# Takes in:  `migration` records of a release, the ledger. Gives out: changed data, entries of the ledger, or an end with 6.
# Must not:  run one again that ran, or that began and was not said to be repeatable.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly migration_place=/run/bootsmith/migration

migration_failed='' migrations_ran=''
# While one is noted as started: its name.
migration_open=''

parse_migration() {
    migration_name=$1
    shift
    migration_release='' migration_service='' migration_mode=run migration_content='' migration_up='' migration_down=''
    migration_interpreter=sh migration_compatible='' migration_idempotent=''
    for fact do
        case $fact in
        --) break ;;
        release=*) migration_release=${fact#*=} ;;
        service=*) migration_service=${fact#*=} ;;
        mode=*) migration_mode=${fact#*=} ;;
        content=*) migration_content=${fact#*=} ;;
        up=*) migration_up=${fact#*=} ;;
        down=*) migration_down=${fact#*=} ;;
        interpreter=*) migration_interpreter=${fact#*=} ;;
        compatible=yes) migration_compatible=yes ;;
        idempotent=yes) migration_idempotent=yes ;;
        esac
    done
}

# Sets the migration_ variables. NAME; false when the release has none of that name.
load_migration() {
    find_record migration "$1" parse_migration
}

# Names of the release's migrations, in the order in which they run, in $migration_names.
read_migration_names() {
    read_names migration
    migration_names=$record_names
}

# $work/migrations: the fold over the journal. What has no entry any more is as the newest record that can be read says.
read_applied_migrations() {
    : >"$work/no-migrations"
    applied_known=$work/no-migrations
    for applied_revision in $(awk -F '|' '$1 == "record" { print $2 }' "$work/ledger" | sort -rn); do
        fetch_record "$applied_revision" || { detail "the record of revision $applied_revision cannot be read: $(complaint)" && continue; }
        applied_known=$work/revisions/$applied_revision/applied
        break
    done
    awk -F '|' -v OFS='|' -v ledger="$work/ledger" '
        function set(name, state, rest) {
            if (!(name in place) || state == "applied" && state_of[name] != state) place[name] = ++count
            state_of[name] = state; rest_of[name] = rest
        }
        BEGIN {
            state["up started"] = "started"; state["up done"] = "applied"; state["up failed"] = "failed"
            state["down started"] = "undoing"; state["down failed"] = "undo-failed"; state["down done"] = ""
        }
        FILENAME != ledger { set($1, "applied", $2 OFS $3 OFS $4); next }
        $1 != "migration" { next }
        $7 == "withdrawn" { set($9, state_before[$9], rest_before[$9]); next }
        $7 == "started" { state_before[$9] = state_of[$9]; rest_before[$9] = rest_of[$9] }
        { set($9, state[$5 " " $7], $8 OFS $4 OFS $3) }
        END {
            for (name in state_of) if (state_of[name] != "") name_at[place[name]] = name
            for (i = 1; i <= count; i++) if (i in name_at) print name_at[i], state_of[name_at[i]], rest_of[name_at[i]]
        }' "$applied_known" "$work/ledger" >"$work/migrations"
}

# What the ledger says of a migration: state | content | release | at, nothing when it knows none. NAME
known_migration() {
    awk -F '|' -v OFS='|' -v name="$1" '$1 "" == name { print $2, $3, $4, $5; exit }' "$work/migrations"
}

# Names of the release's migrations that did not run to their end, in $pending_migrations; faults for those that cannot run, and for
# those that are not what ran.
read_pending_migrations() {
    pending_migrations=''
    read_migration_names
    for_each migration judge_migration
}

judge_migration() {
    parse_migration "$@"
    IFS='|' read -r known_state known_content _ known_at <<END
$(known_migration "$migration_name")
END
    case $known_state in
    applied)
        [ "$known_content" = "$migration_content" ] || [ -z "$known_content" ] ||
            add_fault "the migration \`$migration_name\` ran on $known_at, and was another one then" \
                'what was released must stay as it is; a change is a migration of its own'
        return 0
        ;;
    started | failed)
        [ -n "$migration_idempotent$option_retry" ] ||
            add_fault "the migration \`$migration_name\` $(state_sentence), and was not said to be repeatable" \
                "look at the data, then run it again: migrate $environment_name --retry"
        ;;
    undoing | undo-failed)
        [ -n "$option_retry" ] || add_fault "the migration \`$migration_name\` $(state_sentence)" \
            "look at the data, then run it again: migrate $environment_name --retry"
        ;;
    esac
    pending_migrations="$pending_migrations $migration_name"
}

# Needs known_state and known_at.
state_sentence() {
    case $known_state in
    started) printf 'began on %s and was interrupted' "$known_at" ;;
    failed) printf 'failed on %s' "$known_at" ;;
    undoing) printf 'was being undone on %s, which was interrupted' "$known_at" ;;
    undo-failed) printf 'could not be undone on %s' "$known_at" ;;
    esac
}

# A migration needs its service: what is not running yet is brought up before, with what it depends on. Nothing that runs is touched.
prepare_migrations() {
    first_services=''
    for migration_name in $pending_migrations; do
        load_migration "$migration_name"
        [ -n "$(instance_ids "$migration_service" running)" ] || need_first "$migration_service"
    done
    # shellcheck disable=SC2086 # a list of names
    [ -z "$first_services" ] || bring_up $first_services
    for migration_name in $pending_migrations; do
        load_migration "$migration_name"
        [ "$migration_mode" != exec ] || await_service_of_migration
    done
}

# A command in a running replica needs one that runs and is not still starting, whether or not another service waits for it. A service that
# runs an older configuration, even an unhealthy one, may be what the release repairs.
await_service_of_migration() {
    if has_word "$first_services" "$migration_service"; then
        await_services healthy "$migration_service" || fail_deployment
        return 0
    fi
    driver_read_state || return 0
    awaited_said=''
    while [ -z "$(ready_replica "$migration_service")" ] && [ "$(seconds_left)" -gt 0 ]; do
        [ -n "$awaited_said" ] || say "waiting for \`$migration_service\`, in which the migration \`$migration_name\` runs"
        awaited_said=yes
        nap 1
        driver_read_state || return 0
    done
}

# Prints the id of a replica that a command can be run in. SERVICE
ready_replica() {
    awk -F '|' -v service="$1" '$2 "" == service && $4 == "running" && $7 != "starting" { print $1; exit }' "$work/instances"
}

need_first() { # SERVICE
    load_service "$1"
    first_wave=$service_wave
    for first_service in $service_names; do
        load_service "$first_service"
        { [ "$first_service" = "$1" ] || [ "$service_wave" -lt "$first_wave" ]; } || continue
        [ -z "$(instance_ids "$first_service" running)" ] || continue
        has_word "$first_services" "$first_service" || first_services="$first_services $first_service"
    done
}

# What is pending, with the hooks around it; the end with 6 when one fails. Where the migrations ran in a command that was interrupted, the
# hooks after them are left: nobody wrote down whether they ran, so they run, perhaps again.
migrate_pending() {
    [ -n "$pending_migrations" ] || {
        ! was_interrupted_after_migrations || run_post_hooks post-migrate
        return 0
    }
    run_pre_hooks pre-migrate
    prepare_migrations
    if ! run_pending_migrations; then
        record_failure failed "the migration \`$migration_failed\` failed"
        [ -n "$applied_services" ] || hint 'no service was touched'
        hint "correct it in the data or in a newer release, then run it again: migrate $environment_name --retry"
        exit "$exit_migration"
    fi
    run_post_hooks post-migrate
}

# Whether the revision is one that goes on, and has migrations of its own.
was_interrupted_after_migrations() {
    [ -n "$revision_is_continued" ] &&
        awk -F '|' -v revision="$revision" '$1 == "migration" && $2 == revision { found = 1 } END { exit !found }' "$work/ledger"
}

# Runs everything that is pending; the first that fails ends it, false then, with its name in migration_failed.
run_pending_migrations() {
    for pending_migration in $pending_migrations; do
        load_migration "$pending_migration"
        say "migration $migration_name: running"
        run_migration up "$migration_up" || {
            migration_failed=$migration_name
            return 1
        }
    done
    pending_migrations=''
}

# Runs the loaded migration and writes down how it went. up|down FILE
run_migration() {
    write_migration "$1" started || fail_migration_ledger
    migration_open=$migration_name migration_direction=$1 once_unstarted=''
    refusal_code=$exit_not_restored
    run_migration_file "$2"
    migration_status=$?
    [ "$migration_status" -eq 0 ] || [ -z "$once_unstarted" ] || fail_unbegun_migration
    migration_open='' migrations_ran="$migrations_ran $migration_name"
    if [ "$migration_status" -eq 0 ]; then
        write_migration "$1" 'done' || fail_migration_ledger
    else
        write_migration "$1" failed || warn "that \`$migration_name\` failed could not be recorded: $(complaint)"
        error "the migration \`$migration_name\` failed with exit code $migration_status"
    fi
    return "$migration_status"
}

# Its script did not begin, so the data are as they were, and the next command runs it: 3, or 5 where this command changed something before. [WHY]
fail_unbegun_migration() {
    migration_open=''
    unbegun_message="the migration \`$migration_name\` could not be started${1:+: $1}"
    write_migration "$migration_direction" withdrawn || warn "that \`$migration_name\` did not run could not be recorded: $(complaint)"
    record_failure failed "$unbegun_message"
    error "$unbegun_message"
    hint "its script did not run; remove the cause, then repeat the same command"
    [ -z "$applied_services$migrations_ran" ] || exit "$exit_not_restored"
    exit "$exit_refused"
}

# The version of the entry is the release that the migration belongs to. up|down STATE
write_migration() {
    migration_number=$(awk -F '|' -v revision="$revision" '
        $1 == "migration" && $2 == revision { number = $10; sub(/^.*[.]m/, "", number); if (number + 0 > last) last = number + 0 }
        END { print last + 1 }' "$work/ledger")
    entry_version=$migration_release
    write_entry migration "$revision" "$(object_of_revision "$revision").m$(printf %03d "$migration_number")" \
        "$1" "$2" "$migration_content" "$migration_name"
    migration_written=$?
    entry_version=''
    return "$migration_written"
}

fail_migration_ledger() {
    fail_unrestored "the ledger cannot be written, so the migration \`$migration_name\` is left as it is: $(complaint)"
}

# A one-off container has the file at a place of its own; a running service gets it as its input. FILE
run_migration_file() {
    script_name=$migration_name script_service=$migration_service script_mode=$migration_mode script_output='' script_input=''
    once_file=../../migrations/$1 once_place=$migration_place/$1
    if [ "$migration_mode" = exec ]; then
        script_instance=$(ready_replica "$script_service")
        [ -n "$script_instance" ] || fail_unbegun_migration "the service \`$script_service\` does not run"
        once_place=/dev/stdin
    fi
    set --
    while read_word migration "$migration_name" "$(($# + 1))"; do
        place_file_in_word
        set -- "$@" "$record_word"
    done
    [ $# -gt 0 ] || set -- "$migration_interpreter" "$once_place"
    is_hook=yes
    if [ "$migration_mode" = exec ]; then
        run_watched "$@"
    else
        driver_stop_once "$target-run-$script_name-$(once_suffix)"
        run_words "$@" >&2
    fi
    migration_code=$?
    is_hook='' once_file='' once_place=''
    return "$migration_code"
}

# The first line that is said tells whether the command began in the replica, or the platform refused to run it. WORD…
run_watched() {
    rm -f "$work/migration.pipe" "$work/migration.said"
    mkfifo "$work/migration.pipe"
    awk -v said="$work/migration.said" '{ print; fflush() } NR == 1 { print >said; close(said) }' <"$work/migration.pipe" >&2 &
    watched_reader=$!
    run_words "$@" >"$work/migration.pipe" 2>&1
    watched_code=$?
    wait "$watched_reader"
    [ "$watched_code" -eq 0 ] || [ ! -s "$work/migration.said" ] || ! driver_is_exec_refused "$work/migration.said" || once_unstarted=yes
    return "$watched_code"
}

# The file of the one-off at hand as a config of its own, for a driver to store: sets the mount_ variables.
load_once_mount() {
    mount_id=MIGRATION mount_kind=config mount_source=migration-$script_name mount_file=$once_file mount_pieces='' mount_directory=''
    mount_parameter='' mount_parameters='' mount_uid=0 mount_gid=0 mount_mode=0444 mount_executables='' mount_stored=''
    mount_fingerprint=$(fingerprint_mount)
    printf '%s|%s|%s||\n' "$mount_kind" "$mount_source" "$mount_fingerprint" >"$work/mounts/$mount_id"
}

# A runner names the file at hand as `{file}`. Needs record_word, which may end in newlines.
place_file_in_word() {
    case $record_word in *'{file}'*) record_word=${record_word%%'{file}'*}$once_place${record_word#*'{file}'} ;; esac
}
