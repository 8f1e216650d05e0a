# shellcheck shell=sh disable=SC2016
# What a swarm itself does not see: a container of this node that somebody paused, and a log that nobody keeps.

test_swarm_a_paused_container_is_called_paused_and_up_unpauses_it() {
    swarm_is_up
    bootstrap ps production
    expect_output 'web       running  2/2'
    echo c-t3 | answer 'ps --quiet --no-trunc --filter status=paused*' 0
    bootstrap ps production
    expect_output 'web       paused   1/2'
    DB_PASSWORD=pw bootstrap plan production
    expect_output 'web: unpause'
    bootstrap stop production --dry-run
    expect_output 'stop web.1 (paused)'
    for called in up start; do
        rm -f "$box/docker/answers/"*
        : >"$box/docker/calls"
        # Paused until the entrypoint unpauses it.
        echo c-t3 | answer 'ps --quiet --no-trunc --filter status=paused*' 0
        mv "$box/bin/docker" "$box/bin/docker.real"
        printf '#!/bin/sh\ncase "$*" in "unpause c-t3") rm -f "$FAKE_DOCKER/answers/"* ;; esac\nexec "%s" "$@"\n' "$box/bin/docker.real" >"$box/bin/docker"
        chmod +x "$box/bin/docker"
        DB_PASSWORD=pw bootstrap "$called" production --timeout 20
        expect_equal "$called 0" "$called $code"
        expect_call '^\[unpause\]\[c-t3\]$'
        mv "$box/bin/docker.real" "$box/bin/docker"
    done
}

# `docker service logs` says nothing, and ends with 0.
test_swarm_a_log_that_nobody_keeps_is_a_note() {
    swarm_is_up
    echo none | answer 'service inspect --format {{with .Spec.TaskTemplate.LogDriver}}* web' 0
    echo 'a line' | answer 'service logs --raw t1' 0
    bootstrap logs production
    expect_code 0
    expect_error 'warning: the log of web.1 cannot be read: its driver is `none`'
    expect_equal 'database.1 | a line' "$(cat "$box/out")"
    bootstrap logs production web
    expect_code 3
    expect_error 'no log of shop-production can be read'
}

test_swarm_a_failed_replica_without_a_log_says_so() {
    use_swarm
    swarm_after
    sed -i '/|web|1|/d' "$box/docker/after.tasks"
    {
        swarm_task t5 web 1 failed shutdown 9 '' @WEB@ '' 01
        swarm_task t6 web 1 failed shutdown 9 '' @WEB@ '' 02
        swarm_task t7 web 1 failed shutdown 9 '' @WEB@ '' 03
    } >>"$box/docker/after.tasks"
    echo 'Error response from daemon: configured logging driver does not support reading' | answer 'logs --tail 20 c-t*' fail1
    DB_PASSWORD=pw bootstrap up production --timeout 20
    expect_code 5
    expect_error '    | its log cannot be read: configured logging driver does not support reading'
}
