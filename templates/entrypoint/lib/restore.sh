# Restore: what a failed deployment did is undone, by deploying the last good revision again.
#
# Takes in:  the revision that failed, the last good record, what the target was before. Gives out: the end of the process: 4 when the last
#            good revision runs and is verified, 5 when it does not or must not.
# Must not:  put a release back on data that a migration made unfit for it; run that release's migrations or hooks.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

restoring='' restore_obstacle='' migrations_beyond='' migrations_missing='' migrations_unread=''

# The tables of before, and which secrets were in use: what is given now may be what fails.
keep_previous() {
    cp "$work/instances" "$work/previous"
    cp "$work/live" "$work/previous-live"
    : >"$work/previous-secrets"
    for_each mount keep_previous_secret
}

keep_previous_secret() {
    parse_mount "$@"
    [ "$mount_kind" = secret ] && previous_fingerprint=$(stored_secret) || return 0
    printf '%s|%s|%s\n' "$mount_source" "$mount_uid:$mount_gid:$mount_mode" "$previous_fingerprint" >>"$work/previous-secrets"
}

# Prints the fingerprint that a secret had before, while restoring. Needs the mount_ variables; false when there is none.
previous_secret() {
    [ -n "$restoring" ] && awk -F '|' -v source="$mount_source" -v owner="$mount_uid:$mount_gid:$mount_mode" \
        '$1 == source && $2 == owner { print $3; found = 1; exit } END { exit !found }' "$work/previous-secrets"
}

# The end of a deployment that did not reach its own.
fail_deployment() {
    failure=${failure:-$(complaint)}
    [ -z "$restoring" ] || fail_restore "$failure"
    failure_of_deployment=$failure failure='' restore_obstacle=''
    if [ -f "$work/previous-live" ]; then
        read_restore_obstacle
        [ -n "$restore_obstacle" ] || restore_good_revision
    fi
    record_failure failed "$failure_of_deployment"
    fail_unrestored "$operation of $target failed, and nothing was restored${restore_obstacle:+: $restore_obstacle}" \
        "$(hint_after_failure)"
}

hint_after_failure() {
    if [ -n "$migrations_beyond" ] && [ -n "$good_version" ]; then
        printf 'go on with a release that works, or take the migrations back: downgrade %s %s' "$good_version" "$environment_name"
    else
        printf 'see `ps %s` and `logs %s`; remove the cause, then repeat the same command' "$environment_name" "$environment_name"
    fi
}

# Why the last good revision cannot be restored, in restore_obstacle.
read_restore_obstacle() {
    if [ ! -s "$work/previous-live" ] || [ -z "$good_revision" ]; then
        restore_obstacle='there is no earlier revision'
    elif ! fetch_record "$good_revision"; then
        restore_obstacle="the record of revision $good_revision cannot be read: $(complaint)"
    else
        for applied in $applied_services; do
            load_service "$applied"
            [ "$service_kind" != job ] || restore_obstacle="the job \`$applied\` was run, and cannot be taken back"
        done
        [ -n "$restore_obstacle" ] || read_obstacle_in_data
    fi
}

# By the journal: a command before this one, which was interrupted, may have run or taken back a migration as well.
read_obstacle_in_data() {
    failed_root=$release_root failed_pins=$pinned_images failed_version=$version
    read_applied_migrations
    compare_migrations "$good_revision"
    release_root=$failed_root pinned_images=$failed_pins version=$failed_version
    load_environment "$environment_name"
    if [ -n "$migrations_missing" ]; then
        restore_obstacle="its data is no longer that of revision $good_revision, for these migrations were taken back:$migrations_missing"
    elif [ -n "$migrations_beyond" ]; then
        restore_obstacle="the release before $(migrations_judgement) what these migrations did:$migrations_beyond$migrations_unread"
    fi
}

restore_good_revision() {
    rm -rf "$work/wanted-failed"
    cp -R "$work/wanted" "$work/wanted-failed"
    restored_from=$service_names
    restoring=yes only_recorded=yes parameters_revision=$good_revision failed_version=$version
    use_record "$good_revision"
    begin_faults
    prepare_recorded
    [ "$faults" -eq 0 ] || { printable <"$work/faults" >&2 && fail_restore "what it needs is not there"; }
    differs_from_failed || {
        restore_obstacle='it is what failed'
        restoring='' version=$failed_version
        return 0
    }
    say "restoring revision $good_revision ($version)"
    driver_check_host_files
    [ "$faults" -eq 0 ] || { printable <"$work/faults" >&2 && fail_restore 'the target refuses it'; }
    driver_store_files
    driver_prepare_manifest
    begin_deadline
    renew_networks
    apply_additions first
    apply_waves
    restart_stale || fail_deployment
    # shellcheck disable=SC2086 # a list of names
    await_services stable $service_names || fail_deployment
    apply_additions last
    # shellcheck disable=SC2086 # a list of names
    note_baseline $applied_services
    driver_remove_leftovers || warn "what the failed release made is left over: $(complaint)"
    version=$failed_version
    record_failure restored "$failure_of_deployment"
    fail_restored "$operation of $target failed; revision $good_revision ($good_version) was restored and runs" 'fix the cause, then repeat the same command'
}

# Parameters, files and wanted table of the recorded release that is loaded; adds faults.
prepare_recorded() {
    read_target || add_fault "the state of \`$target\` cannot be read: $(complaint)"
    check_deployment
    read_wanted
    for recorded_service in $service_names; do
        load_wanted "$recorded_service"
        [ -n "$wanted_image_id" ] || fetch_recorded_image "$recorded_service"
    done
    read_wanted
}

# It is neither here under its id: a registry may have it under its digest. SERVICE
fetch_recorded_image() {
    load_service "$1"
    recorded_image=$(awk -F '|' -v service="$1" '$1 "" == service { print $3 "|" $4; exit }' "$pinned_images")
    if [ -n "${recorded_image#*|}" ] && [ -z "$option_dry_run$option_check" ]; then
        say "pulling $service_image as it was"
        driver_pull "${service_image%@*}@${recorded_image#*|}"
        driver_read_image_id "${recorded_image%%|*}"
        [ -z "$image_id" ] || return 0
    fi
    add_fault "the image $service_image of \`$1\` is no longer on the target as it was (${recorded_image%%|*})" \
        'load it on the target: docker load'
}

# Whether the loaded release wants anything else than what failed did.
differs_from_failed() {
    [ "$restored_from" = "$service_names" ] && [ ! -s "$work/network-changes" ] || return 0
    read_additions && [ -z "$(list_addition_changes)" ] || return 0
    for restored in $service_names; do
        is_same_text "$work/wanted/$restored" "$work/wanted-failed/$restored" || return 0
    done
    return 1
}

# WHY
fail_restore() {
    restoring='' # what fails from here on is not the restore's
    version=${failed_version:-$version}
    record_failure failed "$failure_of_deployment; revision $good_revision could not be restored: $1"
    fail_unrestored "$operation of $target failed, and revision $good_revision could not be restored: $1" \
        "see \`ps $environment_name\` and \`logs $environment_name\`; \`rollback $environment_name\` tries it again"
}
