# Verify: waits until services are what they should be, says why they are not yet, and gives up early when they never will be.
#
# A service is stable when every wanted replica exists with the wanted digest and image, runs, is healthy if it has a
# health check, and has not been started again for the length of its stability window. A job is done when it ended with 0.
# Beyond waiting is: an end without a restart, a failed health check, three restarts since we began to look.
#
# Takes in:  state.sh's tables, read afresh at every look. Gives out: true or false; reasons and last log lines.
# Must not:  change anything.

readonly default_timeout=300
readonly crash_loop_restarts=3 # a dependency that is a moment late is forgiven, a loop is not
readonly repeat_reasons_seconds=10

failure='' # why the last wait was given up

# The time limit counts from here, and what has restarted before is not held against a service.
begin_deadline() {
    deadline=$(($(date +%s) + ${option_timeout:-$default_timeout}))
    cp "$work/instances" "$work/before"
}

seconds_left() {
    seconds_until=$((deadline - $(date +%s)))
    if [ "$seconds_until" -gt 0 ]; then printf '%s' "$seconds_until"; else printf 0; fi
}

# Waits until each service holds at its gate. GATE SERVICE…: the gate is started, healthy, stable, or own, the
# service's own gate.
await_services() {
    await_gate=$1
    shift
    reasons_said='' reasons_said_at=0
    while :; do
        look_at_services "$@" || return 1
        [ -n "$reasons" ] || return 0
        say_reasons
        if [ "$(seconds_left)" -eq 0 ]; then
            failure="not ready in time (${option_timeout:-$default_timeout} s): $reasons"
            error "$failure"
            show_culprit
            return 1
        fi
        nap 1
    done
}

# One look at every service: $reasons tells who is not ready, empty when all are. False when one never will be. The clock is read first: on a busy
# machine reading the state takes a while, in which nothing is known to have stayed up.
look_at_services() {
    reasons='' culprit=''
    driver_read_clock
    if ! driver_read_state; then
        reasons="the engine does not answer: $(complaint)"
        return 0
    fi
    for looked_at do
        judge_service "$looked_at"
        case $verdict in
        failed)
            failure="\`$looked_at\` failed: $reason"
            error "$failure"
            show_culprit
            return 1
            ;;
        waiting) reasons="${reasons:+$reasons; }$looked_at: $reason" ;;
        esac
    done
}

say_reasons() {
    reasons_now=$(date +%s)
    [ "$reasons" != "$reasons_said" ] || [ $((reasons_now - reasons_said_at)) -ge "$repeat_reasons_seconds" ] || return 0
    reasons_said=$reasons reasons_said_at=$reasons_now
    say "waiting: $reasons"
}

show_culprit() {
    [ -z "$culprit" ] || driver_show_last_lines "$culprit"
}

# Sets verdict (ready, waiting, failed) and reason. SERVICE
judge_service() {
    load_service "$1"
    load_wanted "$1"
    [ -z "$service_global$service_autoscaled" ] || driver_count_nodes
    judged_gate=$await_gate judged_ready=0 judged_all=0 verdict=ready reason='' told=''
    [ "$judged_gate" != own ] || judged_gate=$service_gate
    if is_undone "$1"; then
        verdict=failed reason="the swarm restored its earlier configuration: $undone_reason" culprit=$undone_by
        return 0
    fi
    while next_instance; do
        [ "$instance_service" = "$1" ] || continue
        judged_all=$((judged_all + 1))
        judge_instance
        case $verdict in
        failed) return 0 ;;
        esac
        # What the target says of one replica tells more than that others wait.
        [ "$verdict" = ready ] || [ -z "$instance_reason" ] || told=$reason told_culprit=$instance_id
    done <"$work/instances"
    [ -z "$told" ] || reason=$told culprit=$told_culprit
    verdict=ready
    if [ "$judged_ready" -ne "$wanted_replicas" ] || [ "$judged_all" -ne "$wanted_replicas" ]; then
        verdict=waiting
        reason="$judged_ready of $wanted_replicas ready${reason:+ ($reason)}"
    fi
    judge_live "$1"
    stale_why=$(stale_reason "$1")
    [ "$verdict/$stale_why" = ready/ ] || [ -z "$stale_why" ] || verdict=waiting reason=$stale_why
}

# What the target says of the service as a whole. SERVICE
judge_live() {
    read_live_reason "$1"
    case $live_failed/$live_reason/$verdict in
    failed/*) verdict=failed reason=$live_reason ;;
    */?*/waiting) [ "$judged_all" -gt 0 ] || reason="$reason ($live_reason)" ;;
    */?*/ready) verdict=waiting reason=$live_reason ;;
    esac
}

judge_instance() {
    verdict=waiting
    if [ -n "$wanted_digest" ] && [ "$instance_digest" != "$wanted_digest" ]; then
        reason="$instance_name is of an older configuration"
    elif [ -n "$wanted_image_id" ] && [ "$instance_image_id" != "$wanted_image_id" ]; then
        reason="$instance_name runs another image"
    else
        judge_status
    fi
    case $verdict in
    ready) judged_ready=$((judged_ready + 1)) ;;
    *) culprit=$instance_id ;;
    esac
}

judge_status() {
    case $service_kind/$instance_status in
    job/exited | job/dead) judge_ended_job ;;
    job/running) reason="$instance_name has not ended yet" ;;
    */running) judge_running ;;
    */restarting) judge_restarting ;;
    */exited | */dead) judge_ended ;;
    */failed) verdict=failed reason="$instance_name cannot run: $instance_reason" ;;
    */created) reason="$instance_name is not started yet${instance_reason:+: $instance_reason}" ;;
    *) reason="$instance_name is $instance_status" ;;
    esac
}

judge_ended_job() {
    if [ "$instance_exit" -eq 0 ]; then
        verdict=ready
    else
        verdict=failed reason="$instance_name ended with exit code $instance_exit"
    fi
}

judge_running() {
    uptime=0
    ! read_epoch "$instance_started" || uptime=$((target_clock - epoch))
    if [ "$instance_health" = unhealthy ] && [ "$judged_gate" != started ]; then
        verdict=failed reason="$instance_name is unhealthy${instance_reason:+: $instance_reason}"
    elif [ "$instance_health" = starting ] && [ "$judged_gate" != started ]; then
        reason="$instance_name: its health check has not passed yet"
    elif [ "$judged_gate" != stable ] || [ "$uptime" -ge "$service_window" ]; then
        verdict=ready
    elif is_crash_loop; then
        driver_read_exit "$instance_id"
        verdict=failed reason="$instance_name is in a crash loop ($instance_restarts restarts${last_exit:+, last exit code $last_exit})"
    else
        reason="$instance_name must stay up for $service_window s"
    fi
}

judge_restarting() {
    if is_crash_loop; then
        verdict=failed reason="$instance_name is in a crash loop ($instance_restarts restarts, last exit code $instance_exit)"
    else
        reason="$instance_name restarts after exit code $instance_exit"
    fi
}

judge_ended() {
    case $instance_policy in
    always | unless-stopped) reason="$instance_name has ended with exit code $instance_exit" ;;
    *) verdict=failed reason="$instance_name ended with exit code $instance_exit" ;;
    esac
}

# The engine counts from zero again when a container is started by hand.
is_crash_loop() {
    restarts_before=$(awk -F '|' -v id="$instance_id" '$1 == id { print $6 }' "$work/before")
    [ "${restarts_before:-0}" -le "$instance_restarts" ] || restarts_before=0
    [ $((instance_restarts - ${restarts_before:-0})) -ge "$crash_loop_restarts" ]
}
