# Operate: stop, start, restart, scale. None of them deploys: containers are kept as they were made.
#
# Takes in:  the release, the target's instances. Gives out: the target in the state asked for, or an end with 3 or 5.
# Must not:  need a parameter, except for scale, which makes replicas.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

command_stop() {
    preflight_target
    check_whose running
    check_hooks pre-stop post-stop
    refuse_faults
    require_instances
    if [ -n "$option_dry_run" ]; then
        plan_instances stop 'running restarting paused'
        return 0
    fi
    confirm "stop $target?"
    take_lock
    stop_hooks=''
    [ -z "$(instances_of_status 'running restarting paused')" ] || stop_hooks=yes # none of those that are stopped has anything to prepare
    [ -z "$stop_hooks" ] || run_pre_hooks pre-stop
    stop_waves
    driver_read_state || fail_unrestored "whether $target is stopped cannot be told: $(complaint)" 'repeat the same command'
    still_running=$(instances_of_status 'running restarting paused' | tr '\n' ' ')
    [ -z "$still_running" ] || fail_unrestored "these replicas of $target still run: ${still_running% }" 'repeat the same command'
    [ -z "$stop_hooks" ] || run_post_hooks post-stop
    say "$target is stopped"
}

# Prints the names of the instances that have one of these statuses. LIST
instances_of_status() {
    while next_instance; do
        ! has_word "$1" "$instance_status" || printf '%s\n' "$instance_name"
    done <"$work/instances"
}

# Last wave first; services that the release no longer has before all others.
stop_waves() {
    # shellcheck disable=SC2046 # a list of names
    stop_services $(orphan_services)
    for wave in $(service_waves | sort -rn); do
        # shellcheck disable=SC2086 # a list of names
        services_of_wave "$wave" $service_names
        # shellcheck disable=SC2086
        stop_services $wave_services
    done
}

stop_services() {
    require_lock
    stopped_services=''
    for stopped do
        [ -z "$(live_replicas "$stopped")" ] || stopped_services="$stopped_services $stopped"
    done
    # shellcheck disable=SC2086 # a list of names
    [ -z "$stopped_services" ] || driver_stop $stopped_services ||
        fail_unrestored "not all services could be stopped: $(complaint)" 'the same command can be repeated'
}

# What a command would do to each instance of these statuses. VERB LIST
plan_instances() {
    planned_instances=''
    while next_instance; do
        has_word "$2" "$instance_status" || continue
        planned_instances=yes
        printf '%s %s (%s)\n' "$1" "$instance_name" "$instance_status"
    done <"$work/instances"
    [ -n "$planned_instances" ] || say "there is nothing of $target to $1"
}

command_start() {
    preflight_target
    check_whose running
    check_hooks pre-start post-start
    refuse_faults
    require_instances
    use_deployed_release
    # shellcheck disable=SC2086 # a list of names
    check_missing $service_names
    if [ -n "$option_dry_run" ]; then
        plan_start
        return 0
    fi
    take_lock
    use_deployed_release
    # shellcheck disable=SC2086 # a list of names
    check_missing $service_names
    use_own_release
    run_pre_hooks pre-start
    use_deployed_release
    operation=start
    want_what_exists
    begin_deadline
    for wave in $(service_waves); do
        # shellcheck disable=SC2086 # a list of names
        services_of_wave "$wave" $existing_services
        # shellcheck disable=SC2086
        start_wave $wave_services
    done
    restart_stale || fail_deployment
    # shellcheck disable=SC2086
    await_services stable $existing_services || fail_deployment
    use_own_release
    run_post_hooks post-start
    say "$target is started"
}

require_instances() {
    ! is_first_install || refuse "nothing of $target is deployed" "$(deployed_hint)"
}

# The environments of this image that are deployed where we are.
deployed_hint() {
    hinted_environment=$environment_name deployed_environments=''
    for other_environment in $environments; do
        [ "$other_environment" != "$hinted_environment" ] || continue
        load_environment "$other_environment"
        driver_read_state && [ -s "$work/live" ] && deployed_environments="$deployed_environments $other_environment"
    done
    [ -z "$deployed_environments" ] || printf 'deployed here:%s; ' "$deployed_environments"
    printf 'deploy it first: up %s' "$hinted_environment"
}

# What is there was deployed from the last good revision, whatever this image holds: its services, in its order. Where something else was begun and
# not ended nobody knows what is to be there, and our own release is as good.
use_deployed_release() {
    case $deployed_outcome in ok | restored) ;; *) return 0 ;; esac
    [ -z "$good_revision" ] || ! fetch_record "$good_revision" || use_record "$good_revision"
}

# Refuses where replicas are missing that somebody removed. Jobs that are gone are for `up` to run. SERVICE…
check_missing() {
    begin_faults
    for deployed_service do
        load_service "$deployed_service"
        read_wanted_replicas
        there=$(live_replicas "$deployed_service")
        if [ "$service_kind" = job ]; then
            [ -n "$there$lock_held" ] || warn "the job \`$deployed_service\` is not there; \`up $environment_name\` runs it"
        elif [ -z "$there" ]; then
            [ "$wanted_replicas" -eq 0 ] || add_fault "\`$deployed_service\` is missing: somebody removed it" "create it again: up $environment_name"
        elif [ -z "$service_global$service_autoscaled" ] && [ "$there" -lt "$wanted_replicas" ]; then
            add_fault "of \`$deployed_service\` $there of $wanted_replicas replicas are there: somebody removed the others" \
                "create them again: up $environment_name"
        fi
    done
    refuse_faults
}

# What `start` would start: services without a replica too, which have none while they are stopped.
plan_start() {
    planned_instances=''
    for planned in $service_names; do
        load_service "$planned"
        planned_replicas=0
        while next_instance; do
            [ "$instance_service" = "$planned" ] || continue
            planned_replicas=$((planned_replicas + 1))
            case $service_kind/$instance_status/$instance_exit in */running/* | */restarting/* | job/exited/0) continue ;; esac
            planned_instances=yes
            printf 'start %s (%s)\n' "$instance_name" "$instance_status"
        done <"$work/instances"
        [ "$planned_replicas" -eq 0 ] && [ "$(live_replicas "$planned")" -gt 0 ] 2>/dev/null || continue
        planned_instances=yes
        printf 'start %s (%s)\n' "$planned" "$(live_replicas "$planned")"
    done
    [ -n "$planned_instances" ] || say "everything of $target runs already"
}

# What exists is what is wanted: its number, whatever its digest.
want_what_exists() {
    mkdir -p "$work/wanted"
    existing_services=''
    for existing in $service_names; do
        existing_count=$(live_replicas "$existing")
        [ -n "$existing_count" ] || continue
        printf '%s|||\n' "$existing_count" >"$work/wanted/$existing"
        existing_services="$existing_services $existing"
    done
}

# A job that ended well is not started again: the driver sees to it.
start_wave() {
    require_lock
    gated_services=''
    for started do
        load_service "$started"
        [ "$service_gate" = none ] || gated_services="$gated_services $started"
    done
    [ $# -eq 0 ] || driver_start "$@" || fail_unrestored "not all services could be started: $(complaint)" \
        "see \`ps $environment_name\`; \`up $environment_name\` repairs what is missing"
    # shellcheck disable=SC2086
    [ -z "$gated_services" ] || await_services own $gated_services || fail_deployment
}

# SERVICE…, all without; each once
command_restart() {
    preflight_target
    check_whose running
    refuse_faults
    require_instances
    use_deployed_release
    # shellcheck disable=SC2046 # a list of names
    [ $# -gt 0 ] || set -- $(services_that_stay)
    # shellcheck disable=SC2046 # a list of names
    set -- $(printf '%s\n' "$@" | awk '!seen[$0]++')
    for restarted do
        has_word "$service_names" "$restarted" || refuse "\`$restarted\` is not deployed" "deployed are:$service_names; \`up $environment_name\` brings this release"
    done
    # shellcheck disable=SC2046 # a list of names
    set -- $(with_followers "$@")
    check_missing "$@"
    if [ -n "$option_dry_run" ]; then
        for restarted do printf 'restart %s\n' "$restarted"; done
        return 0
    fi
    take_lock
    use_deployed_release
    check_missing "$@"
    operation=restart
    want_what_exists
    begin_deadline
    restarted_services=''
    for wave in $(service_waves); do
        services_of_wave "$wave" "$@"
        # shellcheck disable=SC2086
        restart_wave $wave_services
    done
    restart_stale || fail_deployment
    # shellcheck disable=SC2086
    await_services stable $restarted_services || fail_deployment
    say "restarted:$restarted_services"
}

# Prints the services that are no jobs.
services_that_stay() {
    for staying in $service_names; do
        load_service "$staying"
        [ "$service_kind" = job ] || printf '%s\n' "$staying"
    done
}

restart_wave() {
    require_lock
    wave_restarted='' gated_services=''
    for restarted do
        load_service "$restarted"
        has_word "$existing_services" "$restarted" || continue
        [ "$service_kind" != job ] || continue
        wave_restarted="$wave_restarted $restarted"
        restarted_services="$restarted_services $restarted"
        [ "$service_gate" = none ] || gated_services="$gated_services $restarted"
    done
    # shellcheck disable=SC2086 # a list of names
    [ -z "$wave_restarted" ] || driver_restart $wave_restarted || fail_unrestored "not all services could be restarted: $(complaint)" \
        'the same command can be repeated'
    # shellcheck disable=SC2086
    [ -z "$gated_services" ] || await_services own $gated_services || fail_deployment
}

# SERVICE=N… | SERVICE=default
command_scale() {
    check_scale_operands "$@"
    check_scale_numbers "$@"
    prepare_deployment
    for scaled do refuse_other_configuration "${scaled%%=*}"; done
    if [ -n "$option_dry_run" ]; then
        for scaled do plan_scale "${scaled%%=*}" "${scaled#*=}"; done
        return 0
    fi
    take_lock
    for scaled do refuse_other_configuration "${scaled%%=*}"; done
    operation=scale scaled_services=''
    for scaled do record_scale "${scaled%%=*}" "${scaled#*=}"; done
    if is_first_install; then
        say "recorded; nothing of $target is there yet, \`up\` will use it"
        return 0
    fi
    driver_store_files
    driver_prepare_manifest
    begin_deadline
    # shellcheck disable=SC2086 # a list of names
    { apply_changed $scaled_services && await_services stable $scaled_services; } || fail_deployment
    # shellcheck disable=SC2086 # a list of names
    note_baseline $scaled_services
    say "scaled:$scaled_services"
}

check_scale_operands() {
    scaled_services=''
    for scaled do
        scaled_service=${scaled%%=*}
        # shellcheck disable=SC2086 # a list of words
        has_word "$service_names" "$scaled_service" || refuse_scaled_word "$scaled"
        ! has_word "$scaled_services" "$scaled_service" || refuse_usage "\`$scaled_service\` is given twice" 'give each service one number'
        scaled_services="$scaled_services $scaled_service"
        case $scaled in
        *=default) ;;
        *=*) read_number "${scaled#*=}" || refuse_usage "$number_fault" "for example: $scaled_service=3, or $scaled_service=default" ;;
        *) refuse_scale_without_number "$@" ;;
        esac
        load_service "$scaled_service"
        [ "$service_kind" != job ] || refuse_usage "\`$service_name\` is a job, it runs once"
    done
}

# The number may be the word behind it; needs scaled. WORD…
refuse_scale_without_number() {
    scaled_rest=" $* "
    scaled_rest=${scaled_rest#*" $scaled "}
    ! read_number "${scaled_rest%% *}" || refuse_usage "service and number are one word" "write: $scaled=$number"
    refuse_usage "how many replicas of \`$scaled\`?" "for example: $scaled=3, or $scaled=default"
}

# What is no service. WORD
refuse_scaled_word() {
    case $1 in
    =*) refuse_usage "which service does \`$1\` mean?" 'for example: scale web=3' ;;
    esac
    # shellcheck disable=SC2086 # a list of words
    refuse_usage "unknown service or environment \`${1%%=*}\`" "$(near_hint "${1%%=*}" services $service_names)"
}

# Of some services the target decides how many there are. On one engine a published port belongs to one replica; the engine would say so when
# half of them run.
check_scale_numbers() {
    begin_faults
    for scaled do
        load_service "${scaled%%=*}"
        [ -z "$service_global" ] || add_fault "\`$service_name\` runs once on each node, so it has no number to set" 'add or drain nodes: see `help nodes`'
        [ -z "$service_autoscaled" ] || add_fault "an autoscaler decides how many replicas \`$service_name\` has" 'the release says between which numbers'
        case $scaled in *=default) continue ;; esac
        read_number "${scaled#*=}"
        ! exceeds_ports "$number" ||
            add_fault "\`$service_name\` cannot have $number replicas: its published ports are enough for $service_max_replicas" \
                'the release has to publish a range of ports, or put a proxy in front of the replicas'
    done
    refuse_faults
}

plan_scale() { # SERVICE N|default
    load_service "$1"
    read_scaled_number "$2"
    scaled_from=$(live_replicas "$1")
    printf '%s: scale from %s to %s\n' "$1" "${scaled_from:-0}" "$scaled_number"
}

# Sets scaled_number for the loaded service. N|default
read_scaled_number() {
    scaled_number=$service_replicas
    [ "$1" = default ] || { read_number "$1" && scaled_number=$number; }
}

# Scaling makes replicas from what is given now; they must not differ from those that run.
refuse_other_configuration() {
    load_service "$1"
    load_wanted "$1"
    count_instances "$1"
    [ "$instances_all" -eq "$instances_same" ] ||
        refuse "\`$1\` runs with another configuration than this release with these parameters" \
            "give the parameters that \`up\` was given, or run \`up $environment_name\` first"
}

record_scale() { # SERVICE N|default
    load_service "$1"
    load_wanted "$1"
    read_scaled_number "$2"
    wanted_replicas=$scaled_number
    if [ "$2" = default ]; then
        driver_forget_scale "$1"
    else
        driver_record_scale "$1" "$wanted_replicas" "$service_replicas"
    fi
    printf '%s|%s|%s|\n' "$wanted_replicas" "$wanted_digest" "$wanted_image_id" >"$work/wanted/$1"
    scaled_services="$scaled_services $1"
}

# Asks on a terminal only. QUESTION
confirm() {
    [ -z "$option_yes" ] && [ -t 0 ] && [ -t 2 ] || return 0
    printf '%s [y/N] ' "$1" >&2
    await_with_input head -n 1 >"$work/confirmed"
    case $(cat "$work/confirmed") in
    [yY] | [yY][eE][sS]) ;;
    *) refuse 'not confirmed, nothing was done' ;;
    esac
}
