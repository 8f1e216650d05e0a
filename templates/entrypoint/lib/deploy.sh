# Deploy: pull, up, upgrade. The order is the one promise: nothing changes before all that can be known is known.
#
#     arguments → preflight → state → images → hooks → files → waves → verify → removal → hooks
#
# Takes in:  the release, the target. Gives out: a target that is as the release says, or an end with 3, 4 or 5.
# Must not:  touch a service that is already as wanted; remove anything before the new is verified.

deployment_prepared='' operation='' applied_services=''

command_up() {
    deploy up
}

command_upgrade() {
    deploy upgrade
}

command_pull() {
    preflight_target
    fetch_images all
}

deploy() { # up | upgrade
    operation=$1
    prepare_deployment
    warn_of_cut_scales
    check_hooks pre-up post-up
    [ "$operation" = up ] || check_hooks pre-upgrade post-upgrade
    refuse_faults
    if [ -n "$option_dry_run" ]; then
        show_plan
        return 0
    fi
    if [ "$operation" = up ]; then fetch_images needed; else fetch_images all; fi
    read_wanted
    driver_check_host_files
    refuse_faults
    after_signal="the target may be half-way: \`$operation $environment_name\` goes on from there"
    [ "$operation" = up ] || run_pre_hooks pre-upgrade
    run_pre_hooks pre-up
    driver_store_files
    driver_prepare_manifest
    begin_deadline
    cp "$work/instances" "$work/previous"
    cp "$work/live" "$work/previous-live"
    apply_waves
    # shellcheck disable=SC2086 # a list of names
    await_services stable $service_names || fail_deployment
    driver_remove_leftovers || warn "nothing old was removed: $(complaint)"
    run_post_hooks post-up
    [ "$operation" = up ] || run_post_hooks post-upgrade
    say "$target is at $project $version"
}

# Everything that is read: faults end it with 3.
prepare_deployment() {
    preflight_deployment
    read_wanted
    deployment_prepared=yes
}

# A scale that was recorded with a release that had more published ports.
warn_of_cut_scales() {
    for cut_service in $service_names; do
        load_service "$cut_service"
        read_wanted_replicas
        [ -z "$scale_recorded" ] || [ "$scale_of" != "$service_replicas" ] || [ "$wanted_replicas" = "$scale_recorded" ] ||
            warn "\`$cut_service\` was scaled to $scale_recorded, but the published ports of this release are enough for $wanted_replicas"
    done
}

run_pre_hooks() {
    run_hooks "$1" || refuse "the hook $1 failed: $hook_failed" 'no service was touched'
}

run_post_hooks() {
    run_hooks "$1" || fail_unrestored "the hook $1 failed: $hook_failed" 'the services are as they should be; only the hook is open'
}

fail_deployment() {
    ! restore_previous || fail_restored "$operation of $target did not reach its end, and what was before is back" \
        "it runs as before this command; remove the cause, then repeat it"
    fail_unrestored "$operation of $target did not reach its end, and nothing was put back" \
        "see \`ps $environment_name\` and \`logs $environment_name\`; remove the cause, then repeat the same command"
}

# What this command changed is put back and verified: an update alone, and none that ran a job, which cannot be taken back.
restore_previous() {
    [ -n "$applied_services" ] && [ -s "$work/previous-live" ] || return 1
    restored_services=''
    for restored in $applied_services; do
        load_service "$restored"
        [ "$service_kind" != job ] || return 1
        ! grep -q "^$restored|" "$work/previous-live" || restored_services="$restored_services $restored"
    done
    driver_read_state || return 1
    # shellcheck disable=SC2086 # a list of names
    driver_restore $applied_services || return 1
    say "putting back:$applied_services"
    want_previous
    begin_deadline
    # shellcheck disable=SC2086 # a list of names
    [ -z "$restored_services" ] || await_services stable $restored_services
}

want_previous() {
    for restored in $restored_services; do
        awk -F '|' -v OFS='|' -v service="$restored" '
            FNR == NR { if ($1 == service) replicas = $2; next }
            $2 == service { digest = $3; image = $10 }
            END { print replicas, digest, image, "" }' "$work/previous-live" "$work/previous" >"$work/wanted/$restored"
    done
}

# Only services that differ are handed to the driver; then the gates of the wave are waited for.
apply_waves() {
    for wave in $(service_waves); do
        # shellcheck disable=SC2086 # a list of names
        services_of_wave "$wave" $service_names
        # shellcheck disable=SC2086 # a list of names
        apply_changed $wave_services || fail_deployment
        gated_services=''
        for gated in $wave_services; do
            load_service "$gated"
            [ "$service_gate" = none ] || gated_services="$gated_services $gated"
        done
        # shellcheck disable=SC2086 # a list of names
        [ -z "$gated_services" ] || await_services own $gated_services || fail_deployment
    done
}

# SERVICE…
apply_changed() {
    changed_services=''
    for changed do
        read_action "$changed"
        [ "$action" != keep ] || continue
        say "$changed: $(action_sentence)"
        changed_services="$changed_services $changed"
    done
    applied_services="$applied_services$changed_services"
    # shellcheck disable=SC2086 # a list of names
    [ -z "$changed_services" ] || driver_apply "$(seconds_left)" $changed_services
}

# needs action and the wanted_ variables
action_sentence() {
    case $action in
    create) printf 'create (%s)' "$wanted_replicas" ;;
    scale) printf 'scale from %s to %s' "$instances_all" "$wanted_replicas" ;;
    *) printf '%s' "$action" ;;
    esac
}

# all: every image is asked for again. needed: only those that are missing or always pulled. What cannot be had is a
# refusal when it is missing and a warning when it is here.
fetch_images() {
    images_seen=''
    begin_faults
    for fetched_service in $service_names; do
        load_service "$fetched_service"
        has_word "$images_seen" "$service_image" && continue
        images_seen="$images_seen $service_image"
        fetch_image "$1"
    done
    refuse_faults
}

fetch_image() {
    driver_read_image_id "$service_image"
    case $1/$service_pull/$image_id in
    needed/missing/?* | needed/never/?*) return 0 ;;
    needed/never/)
        add_fault "the image $service_image is not there, and the release says never to pull it" 'load it on the target: docker load'
        return 0
        ;;
    esac
    if [ -n "$option_dry_run" ]; then
        printf 'pull %s\n' "$service_image"
        return 0
    fi
    say "pulling $service_image"
    driver_pull "$service_image" && return 0
    if [ -n "$image_id" ]; then
        warn "$service_image could not be refreshed, the one that is here is used: $(complaint)"
    else
        add_fault "the image $service_image cannot be pulled: $(complaint)" 'check the login (mount a config.json), or load it on the target: docker load'
    fi
}

# What `up` would do, on standard output, from the same actions.
show_plan() {
    if [ "$operation" = up ]; then fetch_images needed; else fetch_images all; fi
    for planned in $service_names; do
        read_action "$planned"
        [ -n "$wanted_digest" ] || [ "$action" = create ] || action='recreate (its image has to be pulled)'
        printf '%s: %s\n' "$planned" "$(action_sentence)"
    done
    for planned in $(orphan_services); do
        printf '%s: remove, it is not in this release\n' "$planned"
    done
}
