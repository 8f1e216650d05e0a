# What is judged before anything changes: versions, host ports, the manifest as the platform's own tool reads it.

# The release needs a version of a program. PROGRAM VERSION API
require_version() {
    printf "requirement 'services.*.healthcheck.start_interval' program='%s' version='%s'%s uses='services.web.healthcheck.start_interval'\n" \
        "$1" "$2" "${3:+ api='$3'}" >>"$box/root/environments/production/requirements"
}

# The web service publishes ports. WORDS
publish() {
    sed -i "s|^service 'web' |&published='$1' |" "$box/root/environments/production/release"
}

# Refused before anything was changed. MESSAGE
expect_refusal() {
    expect_code 3
    expect_error "$1"
    expect_no_call '^\[volume\]\[create\]'
    expect_no_call '\[up\]\[-d\]'
    expect_no_call '^\[stack\]\[deploy\]'
}

test_an_engine_that_is_too_old_is_refused_before_anything_changes() {
    product_after
    require_version engine 25.0 1.44
    for command in up upgrade plan doctor; do
        DB_PASSWORD=pw bootstrap "$command" production
        expect_code 3
    done
    DB_PASSWORD=pw bootstrap up production
    expect_refusal 'Docker Engine 20.10.24 is too old for `services.*.healthcheck.start_interval` (services.web.healthcheck.start_interval), which needs 25.0'
    expect_error 'hint: update the engine'
    DB_PASSWORD=pw bootstrap doctor production
    expect_output 'FAIL  versions'
}

test_a_compose_that_is_too_old_is_refused_before_anything_changes() {
    product_after
    require_version compose 2.26.2
    DB_PASSWORD=pw bootstrap up production
    expect_refusal 'Docker Compose 2.26.1 is too old'
}

test_programs_that_are_new_enough_are_taken() {
    product_after
    require_version engine 20.10 1.41
    require_version compose 2.26.1
    require_version compose 2.9
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

test_a_swarm_asks_the_engine_of_every_node() {
    use_driver swarm
    printf 'alpha|28.0.1|true\nbeta|24.0.7|false\n' | answer 'node ls --format {{.Hostname}}|{{.EngineVersion}}*' 0
    require_version engine 25.0 1.41
    DB_PASSWORD=pw bootstrap up production
    expect_refusal 'Docker Engine of the node `beta`, 24.0.7 is too old'
    expect_no_error 'alpha'
}

test_a_manifest_that_compose_refuses_is_refused_before_anything_changes() {
    product_is_up
    echo 'services.web.mem_limit: invalid size: lots' | answer 'compose * config --quiet' fail15
    for command in up upgrade plan doctor; do
        DB_PASSWORD=pw PORT=81 bootstrap "$command" production
        expect_code 3
    done
    DB_PASSWORD=pw PORT=81 bootstrap up production
    expect_refusal 'Docker Compose 2.26.1 refuses the manifest of `production`: services.web.mem_limit: invalid size: lots'
}

test_a_stack_that_the_cli_refuses_is_refused_before_anything_changes() {
    use_driver swarm
    echo 'services.web.deploy.replicas must be a integer' | answer 'stack config *' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_refusal 'docker 28.2.2 refuses the stack file of `production`: services.web.deploy.replicas must be a integer'
}

# What others have, as `docker ps` shows it: NAME PORTS
others_publish() {
    printf 'other-id|%s|%s\n' "$1" "$2" | answer 'ps --no-trunc --format {{.ID}}|{{.Names}}|{{.Ports}}|*' once
}

test_a_port_that_somebody_has_is_refused_before_anything_changes() {
    product_after
    publish '8080-8080/tcp'
    others_publish blog-web-1 '0.0.0.0:8080->80/tcp, :::8080->80/tcp'
    DB_PASSWORD=pw bootstrap up production
    expect_refusal '`web` cannot publish port 8080/tcp of the host: `blog-web-1` has it'
    expect_error 'hint: stop `blog-web-1`, or publish another port'
    others_publish blog-web-1 '127.0.0.1:8079-8081->80-82/tcp'
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 3
    expect_output 'FAIL  ports'
}

test_ports_that_do_not_meet_are_taken() {
    product_after
    publish '127.0.0.1@8080-8080/tcp 53-53/udp'
    others_publish blog-web-1 '127.0.0.2:8080->80/tcp, 0.0.0.0:53->53/tcp, 9000/tcp, 8080/udp'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

test_a_range_needs_a_port_for_each_replica() {
    product_after
    publish '8080-8082*/tcp'
    others_publish blog-web-1 '0.0.0.0:8081->80/tcp'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    others_publish blog-web-1 '0.0.0.0:8081-8082->80-81/tcp'
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 3
    expect_output '`web` cannot publish port 8082/tcp of the host'
}

test_ports_of_what_is_taken_over_are_no_obstacle() {
    product_after
    publish '8080-8080/tcp'
    others_publish shop-production-web-1 '0.0.0.0:8080->80/tcp|shop-production'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

test_our_own_ports_are_ours() {
    product_is_up
    publish '8080-8080/tcp'
    printf 'c3|shop-production-web-1|0.0.0.0:8080->80/tcp\n' | answer 'ps --no-trunc --format {{.ID}}|{{.Names}}|{{.Ports}}|*' 0
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 0
    expect_output 'ok    ports'
}

test_a_port_of_another_service_of_the_swarm_is_refused() {
    use_driver swarm
    publish '8080-8080/tcp'
    echo 'abc|blog_web|*:8080->80/tcp' | answer 'service ls --format {{.ID}}|{{.Name}}|{{.Ports}}' 0
    DB_PASSWORD=pw bootstrap up production
    expect_refusal '`web` cannot publish port 8080/tcp of the host: `blog_web` has it'
}

test_doctor_says_that_the_ledger_is_missing() {
    product_is_up
    sed -i '/_rel\./d' "$box/docker/volumes"
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 3
    expect_output 'FAIL  ledger'
    expect_output 'up production --adopt --migrated=VERSION'
}
