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
