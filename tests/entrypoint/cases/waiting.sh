# Waiting: what takes long says what it waits for; what cannot be read or reached says why, with a hint that helps.

# A docker in which calls that begin with PATTERN end when the entrypoint has said something of them. PATTERN
slow_docker() {
    mv "$box/bin/docker" "$box/bin/docker.real"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' "box=$box" 'case "$*" in' "$1)" \
        'tries=0; until grep -q "^waiting: " "$box/err" || [ "$tries" -gt 600 ]; do tries=$((tries + 1)); /bin/sleep 0.1; done ;;' 'esac' \
        'exec "$box/bin/docker.real" "$@"' >"$box/bin/docker"
    chmod +x "$box/bin/docker"
}

test_a_slow_stop_says_what_is_waited_for() {
    product_is_up
    slow_docker '"stop c3"*'
    bootstrap stop production
    expect_code 0
    expect_error 'waiting: web to stop ('
}

test_a_slow_pull_says_which_image() {
    slow_docker '"pull --quiet registry.example.com"*'
    bootstrap pull production
    expect_code 0
    expect_error 'waiting: the engine, which pulls registry.example.com/shop/web:1.4.2 ('
    expect_no_error 'waiting: the engine, which pulls docker.io'
}

test_quiet_says_nothing_of_waiting() {
    product_is_up
    slow_docker '"stop c3"*'
    sed -i 's/-gt 600/-gt 110/' "$box/bin/docker"
    bootstrap stop production --quiet
    expect_code 0
    expect_empty "$box/err"
}

test_a_log_that_cannot_be_read_is_a_note() {
    product_is_up
    echo 'Error response from daemon: configured logging driver does not support reading' | answer 'logs*c3' fail1
    echo 'a line' | answer 'logs c4' 0
    bootstrap logs production web web
    expect_code 0
    expect_error 'warning: the log of shop-production-web-1 cannot be read: configured logging driver does not support reading'
    expect_equal 'shop-production-web-2 | a line' "$(cat "$box/out")"
}

test_logs_of_which_none_can_be_read_are_refused() {
    product_is_up
    echo 'Error response from daemon: configured logging driver does not support reading' | answer 'logs*' fail1
    bootstrap logs production
    expect_code 3
    expect_error 'no log of shop-production can be read'
    expect_empty "$box/out"
}

test_a_failed_replica_without_a_log_does_not_speak_in_the_words_of_the_engine() {
    product_after
    sed -i '3s/|running|0|0|/|restarting|9|3|/' "$box/docker/after"
    echo 'Error response from daemon: configured logging driver does not support reading' | answer 'logs --tail 20 c3' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error '    | its log cannot be read: configured logging driver does not support reading'
    expect_no_error '| Error response'
}

# NAME of the user, WORDS of the engine, WORDS of the hint
expect_engine_hint() {
    rm -f "$box/docker/answers/"*
    printf '#!/bin/sh\necho %s\n' "$1" >"$box/bin/id"
    chmod +x "$box/bin/id"
    echo "$2" | answer 'version *Server*' fail1
    bootstrap ps production
    expect_code 3
    expect_error "$3"
}

test_hints_of_an_engine_that_does_not_answer_help_who_reads_them() {
    denied='permission denied while trying to connect to the Docker daemon socket'
    expect_engine_hint 0 "$denied" '--userns host, with SELinux add --security-opt label=disable'
    expect_no_error '--user 0'
    expect_engine_hint 1000 "$denied" '--user 0, or --group-add'
    export DOCKER_HOST=ssh://anna@engine.example.com
    expect_engine_hint 0 'error during connect: exec: "ssh": executable file not found in $PATH' 'this image has no ssh'
    unset DOCKER_HOST
    expect_engine_hint 0 'context "desk" does not exist' 'give what it says as -e DOCKER_HOST='
}

# WORDS of the engine, WORDS of the hint
expect_pull_hint() {
    rm -f "$box/docker/answers/"*
    answer 'image inspect*web*' 1 </dev/null
    echo "Error response from daemon: $1" | answer 'pull *' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error "$2"
}

test_a_registry_out_of_reach_is_no_matter_of_a_login() {
    expect_pull_hint 'Get "https://registry.example.com/v2/": dial tcp: lookup registry.example.com: no such host' 'check its network, DNS and proxy'
    expect_no_error 'check the login'
    expect_pull_hint 'manifest for registry.example.com/shop/web:1.4.2 not found: manifest unknown' 'check its name and tag'
    expect_pull_hint 'pull access denied, unauthorized' 'check the login'
}

test_an_empty_bundle_is_refused() {
    bootstrap load production
    expect_code 3
    expect_error 'standard input is empty'
    expect_error 'docker run -i … load < BUNDLE'
    expect_no_call '^\[load\]'
}

test_migrate_without_a_migration_needs_no_secret() {
    product_is_up
    bootstrap migrate production
    expect_code 0
    expect_error 'no migration of shop 1.4.2 is pending'
}
