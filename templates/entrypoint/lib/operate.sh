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
    if [ -n "$option_dry_run" ]; then
        plan_instances stop
        return 0
    fi
    confirm "stop $target?"
    take_lock
    run_pre_hooks pre-stop
    stop_waves
    run_post_hooks post-stop
    say "$target is stopped"
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

plan_instances() { # VERB
    while next_instance; do
        printf '%s %s (%s)\n' "$1" "$instance_name" "$instance_status"
    done <"$work/instances"
}

command_start() {
    preflight_target
    check_whose running
    check_hooks pre-start post-start
    refuse_faults
    require_instances
    if [ -n "$option_dry_run" ]; then
        plan_instances start
        return 0
    fi
    take_lock
    run_pre_hooks pre-start
    operation=start
    want_what_exists
    begin_deadline
    for wave in $(service_waves); do
        # shellcheck disable=SC2086 # a list of names
        services_of_wave "$wave" $existing_services
        # shellcheck disable=SC2086
        start_wave $wave_services
    done
    # shellcheck disable=SC2086
    await_services stable $existing_services || fail_deployment
    run_post_hooks post-start
    say "$target is started"
}

require_instances() {
    ! is_first_install || refuse "nothing of $target is there" "deploy it first: up $environment_name"
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

# SERVICE…, all without
command_restart() {
    preflight_target
    check_whose running
    refuse_faults
    require_instances
    # shellcheck disable=SC2086 # a list of names
    [ $# -gt 0 ] || set -- $service_names
    if [ -n "$option_dry_run" ]; then
        for restarted do printf 'restart %s\n' "$restarted"; done
        return 0
    fi
    take_lock
    operation=restart
    want_what_exists
    begin_deadline
    restarted_services=''
    for wave in $(service_waves); do
        services_of_wave "$wave" "$@"
        # shellcheck disable=SC2086
        restart_wave $wave_services
    done
    # shellcheck disable=SC2086
    await_services stable $restarted_services || fail_deployment
    say "restarted:$restarted_services"
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
    check_scale_ports "$@"
    prepare_deployment
    for scaled do refuse_other_configuration "${scaled%%=*}"; done
    if [ -n "$option_dry_run" ]; then
        printf 'scale %s\n' "$@"
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
    for scaled do
        # shellcheck disable=SC2086 # a list of words
        has_word "$service_names" "${scaled%%=*}" ||
            refuse_usage "unknown service or environment \`${scaled%%=*}\`" "$(near_hint "${scaled%%=*}" services $service_names)"
        case $scaled in
        *=default) ;;
        *=*) is_number "${scaled#*=}" || refuse_usage "\`$scaled\` is no number of replicas" 'for example: web=3, or web=default' ;;
        *) refuse_usage "\`$scaled\` says no number" "for example: $scaled=3, or $scaled=default" ;;
        esac
        load_service "${scaled%%=*}"
        [ "$service_kind" != job ] || refuse_usage "\`$service_name\` is a job, it runs once"
    done
}

# On one engine a published port belongs to one replica; the engine would say so when half of them run.
check_scale_ports() {
    begin_faults
    for scaled do
        load_service "${scaled%%=*}"
        case $scaled in *=default) continue ;; esac
        ! exceeds_ports "${scaled#*=}" ||
            add_fault "\`$service_name\` cannot have ${scaled#*=} replicas: its published ports are enough for $service_max_replicas" \
                'the release has to publish a range of ports, or put a proxy in front of the replicas'
    done
    refuse_faults
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
    if [ "$2" = default ]; then
        wanted_replicas=$service_replicas
        driver_forget_scale "$1"
    else
        wanted_replicas=$(($2))
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
