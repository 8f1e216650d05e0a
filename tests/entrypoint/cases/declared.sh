# What is declared is what runs: networks and volumes that change, and services that follow others.

# Puts facts on the record of a service. SERVICE FACTS
with_facts() {
    sed -i "s/^service '$1' .*/& $2/" "$box/root/environments/production/release"
}

# A network of the release, with web on it. DIGEST [FACTS]
declare_network() {
    release=$box/root/environments/production/release
    sed -i "/^network 'back'/d; s/ networks='back'//" "$release"
    echo "network 'back' name='shop-production_back' external='no' digest='$1' driver='bridge'${2:+ $2}" >>"$release"
    with_facts web "networks='back'"
}

# As the engine lists it. ID DIGEST [INTERNAL COMPOSE-DIGEST]
made_network() {
    printf '%s|shop-production_back|%s|bridge|%s|false|%s|shop|production\n' "$1" "$2" "${3:-false}" "${4:-}"
}

# The product runs with the network b1 of digest d1.
product_with_network() {
    declare_network d1
    product_after
    for name in net database; do echo "n1|$name||bridge|false|false|||"; done >"$box/docker/networks.made"
    made_network b1 d1 >>"$box/docker/networks.made"
    cp "$box/docker/networks.made" "$box/docker/after.networks"
    sed -i '/|web|/s/|net n1|/|shop-production_back b1|/' "$box/docker/after"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    : >"$box/docker/calls"
}

# From the next call of Compose on. DIGEST
network_becomes() {
    { echo 'n1|net||bridge|false|false|||' && made_network b2 "$1"; } >"$box/docker/after.networks"
    sed -i '/|web|/s/|shop-production_back b1|/|shop-production_back b2|/' "$box/docker/after"
}

test_a_changed_network_is_made_again_with_what_is_on_it() {
    product_with_network
    declare_network d2 "internal='yes'"
    network_becomes d2
    DB_PASSWORD=pw bootstrap plan production --exit-code
    expect_code 10
    expect_output 'network back: recreate'
    expect_output '    services on it: web'
    expect_output 'web: recreate'
    expect_output '    network back: as it was -> recreated'
    expect_output 'database: keep'
    expect_no_call '^\[stop\]\|\[rm\]'
    DB_PASSWORD=pw bootstrap plan production --output json
    expect_output '"networks": [{"network": "back", "action": "recreate", "services": ["web"]}]'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'network back: recreate'
    expect_call '^\[stop\]\[c3\]\[c4\]$'
    expect_call '^\[network\]\[rm\]\[b1\]$'
    expect_call '\[--force-recreate\]\[web\]$'
    expect_no_call '\[never\].*\[database\]'
    : >"$box/docker/calls"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_call '\[up\]\|^\[stop\]\|\[network\]\[rm\]'
}

test_a_network_as_declared_is_left_alone() {
    product_with_network
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    DB_PASSWORD=pw bootstrap plan production --exit-code
    expect_code 0
    expect_no_call '\[up\]\|^\[stop\]\|\[network\]\[rm\]'
}

test_a_network_without_digest_is_judged_by_what_it_shows() {
    product_with_network
    sed -i 's/|d1|/||/' "$box/docker/networks.made"
    DB_PASSWORD=pw bootstrap plan production --exit-code
    expect_code 0
    sed -i 's/^\(b1|.*\)|bridge|false|/\1|bridge|true|/' "$box/docker/networks.made"
    DB_PASSWORD=pw bootstrap plan production --exit-code
    expect_code 10
    expect_output 'network back: recreate'
}

test_a_network_that_compose_would_replace_by_itself_is_replaced_by_us() {
    product_with_network
    sed -i '/^b1|/s/|d1|/||/; /^b1|/s/|||/||abc|/' "$box/docker/networks.made"
    sed -i 's/^b1|.*/b1|shop-production_back||bridge|false|false|abc|shop|production/' "$box/docker/networks.made"
    DB_PASSWORD=pw bootstrap plan production --exit-code
    expect_code 10
    expect_output 'network back: recreate'
}

test_a_network_with_a_guest_is_not_taken_away() {
    product_with_network
    declare_network d2
    printf 'proxy||||running\nshop-production-web-1|shop|production||running\n' | answer 'ps --all --no-trunc --filter network=b1 *' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the network `back` changes and has to be made again, but `proxy` of somebody else is on it'
    expect_error 'docker network disconnect shop-production_back proxy'
    expect_no_call '\[network\]\[rm\]\|^\[stop\]'
}

# Killed between the network and the containers: these still name the one that is gone.
test_what_is_on_a_network_that_is_gone_is_made_again() {
    product_with_network
    sed -i '/^b1|/d' "$box/docker/networks.made"
    network_becomes d1
    bootstrap ps production
    expect_output 'it is on a network that is gone: shop-production_back'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '\[--force-recreate\]\[web\]$'
}

test_a_failed_release_gives_the_network_back() {
    product_with_network
    declare_network d2
    network_becomes d2
    sed -i 's/\(|web|.*\)|running|0|0|/\1|exited|7|0|/; /|web|/s/unless-stopped/no/' "$box/docker/after"
    { echo 'n1|net||bridge|false|false|||' && made_network b2 d2; } >"$box/docker/after.networks"
    DB_PASSWORD=pw bootstrap up production --timeout 3
    expect_error 'restoring revision 1'
    expect_call '^\[network\]\[rm\]\[b1\]$'
    expect_call '^\[network\]\[rm\]\[b2\]$'
}

# Lines that a swarm prints for services and tasks, as driver-tasks.sh asks. They are on the network b1. DIGEST
stack_of_the_fixture() {
    {
        printf 'database|database|%s||replicated|1|||||n1|image|sha256:1234|\n' "$(digest_word "$1" DATABASE)"
        printf 'init|init|%s||replicated-job|1|||||n1|image|sha256:1234|\n' "$(digest_word "$1" INIT)"
        printf 'web|web|%s||replicated|1|||||%s|image|sha256:1234|\n' "$(digest_word "$1" WEB)" "$2"
    } >"$box/docker/$3services"
    for name in database init web; do
        case $name in init) state=complete ;; *) state=running ;; esac
        printf 't-%s|%s|1|n1|"2024-01-01T00:00:00Z"|%s|%s|"2024-01-01T00:00:00Z"|c-%s|0|test|any|%s|sha256:1234|image|""\n' \
            "$name" "$name" "$state" "$state" "$name" "$(digest_word "$1" "$(printf '%s' "$name" | tr 'a-z' 'A-Z')")"
    done >"$box/docker/$3tasks"
}

digest_word() {
    if [ "$1" = after ]; then printf '@%s@' "$2"; else printf '%s' "$1"; fi
}

test_swarm_a_changed_network_is_made_again_with_what_is_on_it() {
    use_driver swarm
    sed -i "s/ max_replicas='3'//; /^service 'web'/s/replicas='2'/replicas='1'/; /^mount 'CONFIG_SITE'/d; s/ CONFIG_SITE//" "$box/root/environments/production/release"
    declare_network d2
    made_network b1 d1 >"$box/docker/networks.made"
    made_network b2 d2 >"$box/docker/after.networks"
    stack_of_the_fixture old b1 ''
    stack_of_the_fixture after b2 after.
    DB_PASSWORD=pw bootstrap up production --adopt --timeout 20
    expect_error 'network back: recreate'
    expect_call '^\[service\]\[rm\]\[web\]$'
    expect_call '^\[network\]\[rm\]\[b1\]$'
    expect_call '^\[stack\]\[deploy\]'
    expect_no_call '^\[service\]\[rm\]\[database\]'
}

# What the engine says of dbdata. LINES
volume_shows() {
    printf '%s\n' "$@" | answer 'volume inspect --format {{.Driver}}*shop-production_dbdata' 0
}

test_a_changed_volume_is_refused() {
    sed -i "s/^volume 'dbdata'.*/& driver='local' -- 'o=addr=10.0.0.1' 'type=nfs'/" "$box/root/environments/production/release"
    volume_shows local
    for words in up plan 'up --dry-run'; do
        # shellcheck disable=SC2086 # words
        DB_PASSWORD=pw bootstrap ${words%% *} production ${words#"${words%% *}"}
        expect_code 3
        expect_error 'the volume `shop-production_dbdata` was made with other options than this release declares: local -> local o=addr=10.0.0.1 type=nfs'
        expect_error 'docker volume rm shop-production_dbdata'
    done
    expect_no_call '\[volume\]\[rm\]\|\[up\]'
}

test_a_volume_as_declared_is_left_alone() {
    sed -i "s/^volume 'dbdata'.*/& driver='local' -- 'o=addr=10.0.0.1' 'type=nfs'/" "$box/root/environments/production/release"
    product_after
    volume_shows local o=addr=10.0.0.1 type=nfs
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

# An id as engines give them, for what containers join. LETTER
long_id() {
    printf "%064d" 0 | tr 0 "$1"
}

# Sets the fields behind the 18 of `container`: JOINS CREATED of a service. TABLE SERVICE JOINS CREATED STARTED
tie() {
    awk -F '|' -v OFS='|' -v service="$2" -v joins="$3" -v created="$4" -v started="$5" '
        $2 == service { $19 = joins; $20 = created; $9 = started }
        { print }' "$box/docker/$1" >"$box/docker/tied"
    mv "$box/docker/tied" "$box/docker/$1"
}

# Web joins the network of the database, whose id is of the letter a.
product_with_joiner() {
    with_facts web "joins='database'"
    product_after
    sed -i "s/^c1|/$(long_id a)|/" "$box/docker/after"
    tie after database 'default private' 2024-01-01T00:00:00Z 2024-01-01T00:00:00Z
    tie after web "container:$(long_id a) private" 2024-01-01T00:00:01Z 2024-01-01T00:00:01Z
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    : >"$box/docker/calls"
}

# The database is another container from the next call of Compose on, of the letter b, and so is what web joins.
database_becomes_another() {
    sed -i "s/$(long_id a)/$(long_id b)/" "$box/docker/after"
}

test_who_joins_a_container_is_made_again_with_it() {
    product_with_joiner
    sed -i "/^service 'database'/s/definition='d0'/definition='d9'/" "$box/root/environments/production/release"
    database_becomes_another
    DB_PASSWORD=pw bootstrap plan production
    expect_output 'database: recreate'
    expect_output 'web: recreate'
    expect_output '    with database: as it was -> recreate'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '\[--force-recreate\]\[web\]$'
    : >"$box/docker/calls"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_call '\[up\]'
}

test_who_joins_a_container_that_is_gone_is_named_and_made_again() {
    product_with_joiner
    sed -i '/|database|/d' "$box/docker/containers"
    database_becomes_another
    bootstrap ps production
    expect_output 'it is joined to a container that is gone'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '\[never\]\[database\]$'
    expect_call '\[--force-recreate\]\[web\]$'
}

# A restart of the web service gives its containers another time of start, as the engine does.
restart_takes_effect() {
    mv "$box/bin/docker" "$box/bin/docker.real"
    # shellcheck disable=SC2016 # for the script
    printf '#!/bin/sh\ncase "$*" in "restart c3 c4") sed -i "/|web|/s/2024-01-01T00:00:01Z/2024-01-01T00:00:09Z/" "$FAKE_DOCKER/containers" ;; esac\nexec "%s" "$@"\n' "$box/bin/docker.real" >"$box/bin/docker"
    chmod +x "$box/bin/docker"
}

test_who_joins_a_container_is_restarted_after_it() {
    product_with_joiner
    tie containers database 'default private' 2024-01-01T00:00:00Z 2024-01-01T00:00:05Z
    restart_takes_effect
    DB_PASSWORD=pw bootstrap plan production
    expect_output 'web: restart'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[restart\]\[c3\]\[c4\]$'
    expect_no_call '\[up\]'
    : >"$box/docker/calls"
    bootstrap restart production database
    expect_code 0
    expect_error 'restarted: database web'
    expect_call '^\[restart\]\[c3\]\[c4\]$'
}

# In whatever order the engine started them.
test_who_was_started_before_what_it_joins_is_restarted() {
    product_with_joiner
    tie containers database 'default private' 2024-01-01T00:00:00Z 2024-01-01T00:00:05Z
    sed -i 's/|running|/|exited|/' "$box/docker/containers"
    restart_takes_effect
    bootstrap start production
    expect_code 0
    expect_call '^\[restart\]\[c3\]\[c4\]$'
}

test_who_depends_with_restart_is_restarted_when_that_one_is_made_again() {
    with_facts web "restarts='database'"
    product_after
    tie after database 'default private' 2024-01-01T00:00:00Z 2024-01-01T00:00:00Z
    tie after web 'default private' 2024-01-01T00:00:01Z 2024-01-01T00:00:01Z
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    : >"$box/docker/calls"
    # Started again by the engine: the service need not follow.
    tie containers database 'default private' 2024-01-01T00:00:00Z 2024-01-01T00:00:05Z
    DB_PASSWORD=pw bootstrap plan production --exit-code
    expect_code 0
    sed -i "/^service 'database'/s/definition='d0'/definition='d9'/" "$box/root/environments/production/release"
    tie after database 'default private' 2024-01-01T00:00:08Z 2024-01-01T00:00:08Z
    restart_takes_effect
    DB_PASSWORD=pw bootstrap plan production
    expect_output 'web: restart'
    expect_output '    with database: as it was -> recreate'
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[restart\]\[c3\]\[c4\]$'
    expect_no_call '\[never\].*\[web\]'
}
