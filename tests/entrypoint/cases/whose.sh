# Whose objects these are: what has our name and was not made by us is refused before anything is changed.

# A line of each list of the fake docker, as the formats of driver-namesakes.sh ask for them.
# NAME [PROJECT ENVIRONMENT COMPOSE-PROJECT STACK KIND SERVICE COMPOSE-SERVICE NUMBER HASH ONEOFF SWARM-SERVICE]
other_container() {
    printf 'id-%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s\n' "$1" "$1" "${2:-}" "${3:-}" "${4:-}" "${5:-}" "${6:-}" "${7:-}" "${8:-}" "${9:-}" \
        "${10:-}" "${11:-}" "${12:-}" >>"$box/docker/whose.containers"
}

# NAME [PROJECT ENVIRONMENT COMPOSE-PROJECT STACK]
other_volume() {
    printf '%s|%s|%s|%s|%s\n' "$1" "${2:-}" "${3:-}" "${4:-}" "${5:-}" >>"$box/docker/whose.volumes"
}

other_network() {
    printf '%s|%s|%s|%s|%s|id-%s\n' "$1" "${2:-}" "${3:-}" "${4:-}" "${5:-}" "$1" >>"$box/docker/whose.networks"
}

# NAME PROJECT ENVIRONMENT STACK
other_service() {
    printf 'id-%s|%s|%s|%s|%s\n' "$1" "$1" "$2" "$3" "$4" >>"$box/docker/whose.services"
}

expect_nothing_changed() {
    expect_no_call '^\[\(stop\|start\|restart\|rm\|rename\|create\|run\|kill\)\]'
    expect_no_call '\[up\]\|\[deploy\]\|\[\(volume\|network\|service\|config\|secret\|container\)\]\[\(create\|rm\|update\)\]'
}

# Every command that changes something. EXPECTED-CODE
each_command_ends_with() {
    for words in up upgrade migrate 'scale web=3' stop start restart 'down --yes' 'down --volumes --yes'; do
        # shellcheck disable=SC2086 # words
        DB_PASSWORD=pw bootstrap ${words%% *} production ${words#"${words%% *}"}
        expect_code "$1"
    done
}

test_a_container_of_another_product_with_our_name_is_refused_by_every_command() {
    product_is_up
    other_container shop-production-web-1 sho p-production shop-production '' '' web web 1 hash
    each_command_ends_with 3
    expect_error 'the container `shop-production-web-1` belongs to another product: project `sho`, environment `p-production`'
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 3
    expect_nothing_changed
}

test_rollback_and_downgrade_are_refused_too() {
    product_is_up
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    : >"$box/docker/calls"
    other_volume shop-production_dbdata sho p-production shop-production
    for words in 'rollback production' 'rollback production 1' 'downgrade production 1.4.2'; do
        # shellcheck disable=SC2086 # words
        DB_PASSWORD=pw bootstrap $words
        expect_code 3
        expect_error 'the volume `shop-production_dbdata` belongs to another product: project `sho`, environment `p-production`'
    done
    expect_nothing_changed
}

test_what_another_product_left_is_refused() {
    other_volume shop-production_rel.0001 sho p-production
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the volume `shop-production_rel.0001` belongs to another product'
    bootstrap unlock production --force
    expect_code 3
    expect_nothing_changed
}

test_plan_doctor_and_ps_say_it() {
    product_is_up
    other_container debug '' '' shop-production '' '' '' shell 1 hash
    DB_PASSWORD=pw bootstrap plan production
    expect_code 3
    expect_error 'the container `debug` belongs to no bootstrap image'
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 3
    expect_output 'FAIL  objects     the container `debug` belongs to no bootstrap image'
    bootstrap ps production
    expect_code 0
    expect_error 'warning: the container `debug` belongs to no bootstrap image'
    expect_output 'web       running'
}

test_a_project_made_by_hand_is_refused_until_it_is_adopted() {
    product_after
    other_container shop-production-web-1 '' '' shop-production '' '' '' web 1 hash
    other_container shop-production-mail-1 '' '' shop-production '' '' '' mail 1 hash
    other_volume shop-production_dbdata '' '' shop-production
    other_network shop-production_default '' '' shop-production
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the container `shop-production-web-1` belongs to no bootstrap image'
    expect_error 'the volume `shop-production_dbdata` belongs to no bootstrap image, and may hold data'
    expect_error 'the network `shop-production_default` belongs to no bootstrap image'
    expect_error 'hint: take it over, with its data: up production --adopt'
    expect_nothing_changed
    DB_PASSWORD=pw bootstrap up production --adopt --dry-run
    expect_code 0
    expect_output 'container shop-production-web-1: take over'
    expect_nothing_changed
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 0
    expect_call '^\[stop\]\[id-shop-production-web-1\]\[id-shop-production-mail-1\]$'
    expect_call '^\[rm\]\[id-shop-production-mail-1\]$'
    expect_call '^\[network\]\[rm\]\[id-shop-production_default\]$'
    expect_no_call '^\[rm\].*web-1\|\[volume\]\[rm\].*dbdata'
}

test_what_was_taken_over_is_ours_from_then_on() {
    product_after
    other_volume shop-production_dbdata
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 0
    : >"$box/docker/calls"
    DB_PASSWORD=pw PORT=81 bootstrap up production
    expect_code 0
    bootstrap stop production
    expect_code 0
    bootstrap down production --volumes --yes
    expect_code 0
    expect_call '^\[volume\]\[rm\]\[shop-production_dbdata\]$'
}

test_an_adopted_product_says_which_migrations_its_data_has_seen() {
    product_after
    mkdir -p "$box/root/migrations"
    echo 'SELECT 1' >"$box/root/migrations/m.sql"
    echo "migration 'm' release='1.4.0' service='database' mode='exec' content='c' up='m.sql' -- 'psql' '{file}'" >>"$box/root/environments/production/release"
    other_volume shop-production_dbdata '' '' shop-production
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 2
    expect_error '`--adopt` does not say which migrations the data of shop-production has seen: m'
    expect_nothing_changed
    DB_PASSWORD=pw bootstrap up production --adopt --migrated=1.4.0
    expect_code 0
    expect_no_call '^\[exec\]'
}

test_a_volume_that_nobody_labelled_stops_no_service() {
    product_is_up
    other_volume shop-production_cache
    bootstrap stop production
    expect_code 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the volume `shop-production_cache` belongs to no bootstrap image'
}

test_a_container_with_our_labels_that_compose_did_not_make_is_named_at_once() {
    product_is_up
    other_container by-hand shop production shop-production '' '' web
    each_command_ends_with 3
    expect_error 'the container `by-hand` has the labels of `web` of this product, but was made by somebody else'
    expect_error 'hint: remove it: docker rm --force by-hand'
    expect_nothing_changed
    bootstrap ps production
    expect_error 'warning: the container `by-hand` has the labels of `web` of this product'
}

test_a_stack_of_our_name_is_refused_on_compose() {
    echo true | answer 'info --format {{.Swarm.ControlAvailable}}' 0
    other_service shop-production_web '' '' shop-production
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 3
    expect_error 'the service `shop-production_web` belongs to no bootstrap image: Docker Swarm made it under the name of this product'
    expect_error 'docker service rm shop-production_web'
    : >"$box/docker/whose.services"
    other_service shop-production_web shop production shop-production
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the service `shop-production_web` belongs to this product on Docker Swarm'
    expect_nothing_changed
}

test_a_task_of_a_stack_of_ours_is_no_replica_on_compose() {
    other_container shop-production_web.1.x shop production '' shop-production '' web '' '' '' '' service-id
    bootstrap down production --yes
    expect_code 3
    expect_error 'the container `shop-production_web.1.x` belongs to this product on Docker Swarm'
    expect_nothing_changed
}

test_a_compose_project_of_our_name_is_refused_on_a_swarm() {
    use_driver swarm
    other_container shop-production-web-1 shop production shop-production '' '' web web 1 hash
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the container `shop-production-web-1` belongs to this product on Docker Compose'
    expect_error 'down production, with the bootstrap image for Docker Compose'
    expect_nothing_changed
}

test_data_of_the_other_platform_is_taken_over_when_that_is_said() {
    use_driver swarm
    other_volume shop-production_dbdata shop production shop-production
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the volume `shop-production_dbdata` holds data of this product on Docker Compose'
    DB_PASSWORD=pw bootstrap up production --adopt --dry-run
    expect_code 0
    expect_output 'volume shop-production_dbdata: take over'
}

test_a_stack_made_by_hand_is_adopted_on_a_swarm() {
    use_driver swarm
    other_service shop-production_web '' '' shop-production
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the service `shop-production_web` belongs to no bootstrap image, but to something else that is called shop-production'
    expect_nothing_changed
    DB_PASSWORD=pw bootstrap up production --adopt --timeout 3
    expect_call '^\[service\]\[rm\]\[id-shop-production_web\]$'
}

test_a_service_of_another_product_is_refused_on_a_swarm() {
    use_driver swarm
    other_service shop-production_web sho p-production shop-production
    for words in up stop restart 'down --yes'; do
        # shellcheck disable=SC2086 # words
        DB_PASSWORD=pw bootstrap ${words%% *} production ${words#"${words%% *}"}
        expect_code 3
        expect_error 'the service `shop-production_web` belongs to another product: project `sho`, environment `p-production`'
    done
    expect_nothing_changed
}

# The neighbour's target begins like ours.
test_a_longer_name_is_somebody_elses() {
    product_is_up
    other_container shop-production-eu-web-1 shop production-eu shop-production-eu '' '' web web 1 hash
    other_volume shop-production-eu_dbdata shop production-eu shop-production-eu
    other_network shop-production-eu_default shop production-eu shop-production-eu
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    bootstrap down production --yes
    expect_code 0
}

test_what_the_release_calls_external_is_somebody_elses_and_meant() {
    echo "network 'front' name='shop-production_front' external='yes'" >>"$box/root/environments/production/release"
    product_after
    other_network shop-production_front
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

test_who_comes_while_we_wait_for_the_lock_is_seen() {
    product_after
    echo 'shop-production_dbdata|sho|p-production|shop-production|' >"$box/late"
    mv "$box/bin/docker" "$box/bin/docker.real"
    # shellcheck disable=SC2016 # for the script
    printf '#!/bin/sh\ncase "$*" in "create "*_lock*) cp "%s" "$FAKE_DOCKER/whose.volumes" ;; esac\nexec "%s" "$@"\n' "$box/late" "$box/bin/docker.real" >"$box/bin/docker"
    chmod +x "$box/bin/docker"
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'belongs to another product'
    expect_no_call '\[up\]\|^\[volume\]\[create\]'
}
