# Said when it is so, and what `ps` says, on a swarm.

test_swarm_down_with_what_is_in_use_ends_with_5() {
    swarm_is_up
    echo 'n1|Shutdown' | answer 'service ps --no-trunc --no-resolve *' 0
    answer 'ps --quiet *' 0 </dev/null
    echo 'n1|shop-production_side' >"$box/docker/networks"
    echo shop-production_dbdata | answer 'volume ls *' 0
    echo 'volume is in use' | answer 'volume rm *' fail1
    echo stranger | answer 'ps --all --filter volume=*' 0
    bootstrap down production --volumes --yes
    expect_code 5
    expect_error 'volume `shop-production_dbdata` is left: it is used by stranger'
    expect_no_error 'deleted with its data'
    expect_error 'network shop-production_side: removed'
    expect_no_error 'shop-production is removed'
}

test_swarm_a_dry_down_names_every_object() {
    swarm_is_up
    echo 'n1|shop-production_side' >"$box/docker/networks"
    echo shop-production_dbdata | answer 'volume ls *' 0
    bootstrap down production --volumes --yes --dry-run
    expect_code 0
    expect_equal 'delete volume shop-production_dbdata, with its data' "$(sed -n 1p "$box/out")"
    for object in 'service web' 'network shop-production_side' 'config shop-production_config-app' 'secret shop-production_secret-db-password' 'ledger of'; do
        expect_output "remove $object"
    done
}

test_swarm_ps_says_where_the_product_is() {
    swarm_is_up
    printf 'web|web|ingress|8080|80/tcp\ndatabase|database|host|5432|5432/tcp\n\n' | answer 'service inspect --format {{$service*' 0
    echo n1 | answer 'node ls --quiet' 0
    echo 'n1|alpha|manager|ready|active||10.0.0.1|28.2.2|yes|reachable|10.0.0.1:2377' | answer 'node inspect *' 0
    bootstrap ps production
    expect_equal 'shop-production runs 1.4.2 (revision 1)' "$(sed -n 1p "$box/out")"
    expect_output '*:8080->80/tcp'
    expect_output 'alpha:5432->5432/tcp'
}

# What a record pins runs by name and digest.
test_swarm_ps_leaves_digests_out_that_say_nothing_more() {
    swarm_is_up
    sed -i '/|web|/s#image|"#registry.example.com/shop/web:1.4.2@sha256:abcdef|"#' "$box/docker/tasks"
    bootstrap ps production
    expect_output 'registry.example.com/shop/web:1.4.2'
    expect_no_output 'sha256:'
}

test_swarm_the_code_of_a_crash_is_its_own() {
    use_swarm
    swarm_after
    {
        sed '/|web|1|/d' "$box/docker/after.tasks"
        for second in 01 02 03; do swarm_task "f$second" web 1 failed shutdown 9 '' @WEB@ 'task: non-zero exit (9)' "$second"; done
        swarm_task t3 web 1 running running 0 '' @WEB@ '' 04 | sed 's/2024-01-01T00:00:00Z/2999-01-01T00:00:00Z/'
    } >"$box/tasks"
    mv "$box/tasks" "$box/docker/after.tasks"
    sed -i "s/window='0'/window='5'/" "$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap up production --timeout 30
    expect_code 5
    expect_error 'crash loop (3 restarts, last exit code 9)'
}
