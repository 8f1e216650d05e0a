# Deploy: pull, load, up, upgrade. The order is the one promise: nothing changes before all that can be known is known.
#
#     arguments → preflight → lock → state → images → record → hooks → migrations → files → waves → verify → mark → removal → hooks
#
# Takes in:  the release, the target. Gives out: a target that is as the release says, and a revision that tells of it; or an end with
#            3, 4, 5 or 6.
# Must not:  touch a service that is already as wanted; remove anything before the new is verified.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

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

# What a bundle brings is there afterwards, and `up` asks no registry for it.
command_load() {
    begin_faults
    driver_find_tools
    [ "$faults" -gt 0 ] || driver_check_engine
    [ -z "${nodes_pull:-}" ] || add_fault 'a cluster takes images from a registry alone' 'fill one, and operate the release from there: bootsmith push BUNDLE REGISTRY'
    refuse_faults
    [ ! -t 3 ] || refuse_usage 'there is no bundle on standard input' 'docker run --interactive … load < BUNDLE'
    if [ -n "$option_dry_run" ]; then
        images_of_release | sed 's/^/load /'
        return 0
    fi
    read_first_byte
    [ -n "$first_byte" ] || refuse 'standard input is empty' 'give it the bundle: docker run -i … load < BUNDLE'
    say 'loading the images of the bundle'
    driver_load || refuse "what is on standard input cannot be loaded: $(complaint)" 'a bundle is what `bootsmith bundle` writes; with docker run it needs --interactive'
    begin_faults
    for loaded_image in $(images_of_release); do
        driver_read_image_id "$loaded_image"
        [ -n "$image_id" ] || add_fault "the image $loaded_image was not in it" 'take the bundle of this release'
    done
    refuse_faults
    driver_say_where_else
    say "the images of $project $version are there"
}

# Each once, in the order of the services.
images_of_release() {
    for service_of_image in $service_names; do
        load_service "$service_of_image"
        printf '%s\n' "$service_image"
    done | awk '!seen[$0]++'
}

deploy() { # up | upgrade
    operation=$1
    preflight_target
    begin_faults
    [ -z "$option_dry_run" ] || note_recorded_release
    prepare_release
    judge_release
    check_target
    warn_of_cut_scales
    check_hooks pre-up post-up
    [ "$operation" = up ] || check_hooks pre-upgrade post-upgrade
    [ -z "$pending_migrations" ] || check_hooks pre-migrate post-migrate
    refuse_faults
    if [ -n "$option_dry_run" ]; then
        show_plan
        return 0
    fi
    lock_release
    if [ "$operation" = up ]; then fetch_images needed; else fetch_images all; fi
    read_wanted
    driver_check_host_files
    refuse_faults
    after_signal="the target may be half-way: \`$operation $environment_name\` goes on from there"
    begin_revision "$operation"
    [ "$operation" = up ] || run_pre_hooks pre-upgrade
    run_pre_hooks pre-up
    begin_changes
    migrate_pending
    converge
    run_post_hooks post-up
    [ "$operation" = up ] || run_post_hooks post-upgrade
    say "$target is at $project $version${revision:+, revision $revision}"
    say_addresses
}

# Everything that is read: faults end it with 3.
prepare_deployment() {
    preflight_target
    prepare_release
}

# The same when the target was looked at.
prepare_release() {
    begin_faults
    check_deployment
    refuse_faults
    read_wanted
    deployment_prepared=yes
}

# Takes the lock, and judges again what others may have done until then.
lock_release() {
    cp "$work/ledger" "$work/ledger.seen"
    take_lock
    is_same_text "$work/ledger" "$work/ledger.seen" && return 0
    say 'somebody deployed meanwhile: looking again'
    begin_faults
    check_deployment
    judge_release
    refuse_faults
}

# What is on the target before the first change: to be restored when it comes to that.
begin_changes() {
    require_lock
    driver_store_files
    driver_prepare_manifest
    begin_deadline
    keep_previous
}

# Every service as wanted, verified and recorded; then what is left over goes.
converge() {
    begin_deadline
    adopt_namesakes
    renew_networks
    apply_additions first
    apply_waves
    restart_stale || fail_deployment
    # shellcheck disable=SC2086 # a list of names
    await_services stable $service_names || fail_deployment
    apply_additions last
    require_lock
    record_success
    # shellcheck disable=SC2086 # a list of names
    note_baseline $applied_services
    driver_remove_leftovers || warn "nothing old was removed: $(complaint)"
    trim_ledger
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
    run_hooks "$1" && return 0
    record_failure failed "the hook $1 failed: $hook_failed"
    refuse "the hook $1 failed: $hook_failed" 'no service was touched'
}

# What the command was for is done by then, but for `post-migrate`, where the deployment is still to come.
run_post_hooks() {
    run_hooks "$1" && return 0
    [ "$1" != post-migrate ] || record_failure failed "the hook $1 failed: $hook_failed"
    fail_unrestored "the hook $1 failed: $hook_failed" "$(post_hook_hint "$1")"
}

# POINT
post_hook_hint() {
    hook_call="run ${hook_failed%% (*} $environment_name"
    case $1 in
    post-migrate)
        printf 'the migrations ran, and %s; run the hook by itself, for it is not run again: %s; then repeat the same command' \
            "$(if [ -n "$applied_services" ]; then printf 'these services were changed:%s' "$applied_services"; else printf 'no service was changed'; fi)" "$hook_call"
        ;;
    post-stop | post-down) printf 'everything else is done; run the hook by itself: %s' "$hook_call" ;;
    *) printf 'everything else is done; to run the hook again, repeat the same command' ;;
    esac
}

# Services alone, as for a migration: each as wanted and at its own gate. SERVICE…
bring_up() {
    for wave in $(service_waves); do
        services_of_wave "$wave" "$@"
        # shellcheck disable=SC2086 # a list of names
        apply_wave $wave_services
    done
}

# Only services that differ are handed to the driver; then the gates of the wave are waited for.
apply_waves() {
    for wave in $(service_waves); do
        # shellcheck disable=SC2086 # a list of names
        services_of_wave "$wave" $service_names
        # shellcheck disable=SC2086 # a list of names
        apply_wave $wave_services
    done
}

# SERVICE…
apply_wave() {
    require_lock
    apply_changed "$@" || fail_application
    gated_services=''
    for gated do
        load_service "$gated"
        [ "$service_gate" = none ] || gated_services="$gated_services $gated"
    done
    # shellcheck disable=SC2086 # a list of names
    [ -z "$gated_services" ] || await_services own $gated_services || fail_deployment
}

# The platform says why it refuses, but not always of whom, and not that we did not wait for it.
fail_application() {
    if [ "$(seconds_left)" -eq 0 ]; then
        failure="not applied in time (${option_timeout:-$default_timeout} s):$changed_services"
    else
        # shellcheck disable=SC2086 # lists of names
        failure="$(printf '`%s`, ' $changed_services $restarted_services | sed 's/, $//') could not be applied: $(complaint)"
    fi
    error "$failure"
    fail_deployment
}

# SERVICE…
apply_changed() {
    changed_services='' forced_services='' restarted_services=''
    for changed do
        read_action "$changed"
        [ "$action" != keep ] || continue
        say "$changed: $(action_sentence)"
        [ -z "$forced" ] || forced_services="$forced_services $changed"
        if [ "$action" = restart ]; then restarted_services="$restarted_services $changed"; else changed_services="$changed_services $changed"; fi
    done
    applied_services="$applied_services$changed_services$restarted_services"
    [ -z "$changed_services$restarted_services" ] || refusal_code=$exit_not_restored
    # shellcheck disable=SC2086 # a list of names
    [ -z "$changed_services" ] || driver_apply "$(seconds_left)" $changed_services || return 1
    # shellcheck disable=SC2086 # a list of names
    [ -z "$restarted_services" ] || driver_restart $restarted_services
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
    if [ -n "${nodes_pull:-}" ]; then # set by a driver of a platform where no image can be had from here
        [ "$1" = needed ] || say "$nodes_pull"
        return 0
    fi
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
    needed/missing/?* | */never/?*) return 0 ;;
    */never/)
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
        add_fault "the image $service_image cannot be pulled: $(complaint)" "$(pull_hint)"
    fi
}

# What speaks against a pull decides what helps; the words are in $work/complaint.
pull_hint() {
    case $(cat "$work/complaint") in
    *'no such host'* | *'name resolution'* | *'server misbehaving'* | *'i/o timeout'* | *'onnection refused'* | *'no route to host'* | *'network is unreachable'* | *'TLS handshake timeout'*)
        printf '%s' 'the engine does not reach the registry: check its network, DNS and proxy, or load it on the target: docker load'
        ;;
    *x509*) printf '%s' 'the engine does not trust the certificate of the registry: see /etc/docker/certs.d on its host' ;;
    *'manifest unknown'* | *'not found'*) printf '%s' 'the registry has no such image: check its name and tag, or load it on the target: docker load' ;;
    *) printf '%s' 'check the login (mount a config.json), or load it on the target: docker load' ;;
    esac
}
