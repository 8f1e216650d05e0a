# Said when it is so: what a command says at its end was looked at, and what it was asked for and is not so has a code of its own.

# The data volume, and networks.
product_has_objects() {
    product_is_up
    echo 'shop-production_dbdata||||||||||' >>"$box/docker/volumes"
    printf '%s\n' 'n1|shop-production_back' 'n2|shop-production_front' >"$box/docker/networks"
}

# A container that mounts a volume without a name. NUMBER
add_anonymous_volume() {
    anonymous=$(printf '%064d' "$1")
    sed -i "s#^\(c1|.*\)||net n1|#\1|$anonymous /engine/volumes/$anonymous/_data |net n1|#" "$box/docker/containers"
    echo "$anonymous||||||||||" >>"$box/docker/all-volumes"
}

test_down_says_deleted_when_it_is_so() {
    product_has_objects
    bootstrap down production --volumes --yes
    expect_code 0
    expect_error 'volume shop-production_dbdata: deleted with its data'
    expect_error 'network shop-production_back: removed'
    expect_error 'shop-production is removed'
    for place in volumes networks containers; do expect_empty "$box/docker/$place"; done
}

test_down_with_a_volume_in_use_ends_with_5() {
    product_has_objects
    echo 'Error response from daemon: remove shop-production_dbdata: volume is in use - [f00]' | answer 'volume rm shop-production_dbdata' fail1
    echo stranger | answer 'ps --all --filter volume=shop-production_dbdata *' 0
    bootstrap down production --volumes --yes
    expect_code 5
    expect_error 'volume `shop-production_dbdata` is left: it is used by stranger'
    expect_no_error 'deleted with its data'
    expect_no_error 'shop-production is removed'
    expect_error 'the ledger is kept with the data'
    expect_call '^\[volume\]\[rm\]\[shop-production_dbdata\]'
    expect_no_call '^\[volume\]\[rm\]\[shop-production_rel.0001\]'
}

test_down_with_a_network_in_use_ends_with_5() {
    product_has_objects
    echo 'Error response from daemon: error while removing network: network shop-production_back has active endpoints' | answer 'network rm n1' fail1
    echo stranger | answer 'network inspect *shop-production_back' 0
    bootstrap down production
    expect_code 5
    expect_error 'network `shop-production_back` is left: it is used by stranger'
    expect_error 'network shop-production_front: removed'
    expect_no_error 'network shop-production_back: removed'
    expect_no_error 'shop-production is removed'
}

test_down_with_a_container_that_stays_ends_with_5() {
    product_has_objects
    echo 'Error response from daemon: cannot remove container' | answer 'rm --force --volumes c*' fail1
    bootstrap down production --volumes --yes
    expect_code 5
    expect_error 'container `shop-production-web-1` is left'
}

test_a_dry_down_names_every_object_and_data_first() {
    product_has_objects
    bootstrap down production --volumes --yes --dry-run
    expect_code 0
    expect_equal 'delete volume shop-production_dbdata, with its data' "$(sed -n 1p "$box/out")"
    expect_output 'remove container shop-production-web-1 (running)'
    expect_output 'remove network shop-production_back'
    expect_output 'remove secret shop-production_secret-db-password-'
    expect_equal 'remove ledger of shop-production' "$(sed -n '$s/ (.*//p' "$box/out")"
    expect_no_call '\[rm\]\|^\[create\]'
    bootstrap down production --dry-run
    expect_code 0
    expect_no_output dbdata
    expect_no_output 'remove ledger'
    expect_output 'remove network shop-production_front'
    expect_error 'the data volumes are kept, and the ledger with them'
}

test_anonymous_volumes_go_with_the_data_and_are_counted() {
    product_has_objects
    add_anonymous_volume 1
    cat "$box/docker/all-volumes" | answer 'volume ls --quiet' once
    cut -d '|' -f 1 "$box/docker/all-volumes" | answer 'volume ls --quiet' once
    printf '' | answer 'volume ls --quiet' 0
    bootstrap down production --volumes --yes
    expect_code 0
    expect_call '^\[rm\]\[--force\]\[--volumes\].*\[c1\]'
    expect_error 'anonymous volumes: 1 deleted with their data'
}

test_anonymous_volumes_that_are_left_are_said() {
    product_has_objects
    add_anonymous_volume 7
    cut -d '|' -f 1 "$box/docker/all-volumes" | answer 'volume ls --quiet' 0
    bootstrap down production
    expect_code 0
    expect_no_call '^\[rm\]\[--force\]\[--volumes\]'
    expect_error "anonymous volumes are left, and no later command finds them: $(printf '%064d' 7)"
    product_has_objects
    add_anonymous_volume 7
    bootstrap down production --volumes --yes
    expect_code 5
    expect_error "anonymous volume \`$(printf '%064d' 7)\` is left"
}

test_down_of_nothing_removes_nothing() {
    bootstrap down testing
    expect_code 0
    expect_error 'nothing of shop-testing is deployed, so nothing was removed'
    expect_no_call '\[rm\]\|^\[create\]'
    bootstrap down testing --dry-run
    expect_code 0
    expect_error 'nothing would be removed'
    expect_empty "$box/out"
}

test_kubernetes_down_with_a_volume_in_use_ends_with_5() {
    cluster_is_up
    rm "$box/docker/objects"
    printf '%s\n' deployment.apps/web persistentvolumeclaim/dbdata >"$box/docker/names"
    echo 'error: timed out waiting for the condition on persistentvolumeclaims/dbdata' | answer 'delete *persistentvolumeclaim/dbdata' fail1
    printf 'stranger dbdata\nother logs\n' | answer 'get pods -o go-template=*' 0
    bootstrap down production --volumes --yes
    expect_code 5
    expect_error 'volume `dbdata` is left: it is used by pod/stranger'
    expect_no_error 'deleted with its data'
    expect_no_error 'shop-production is removed'
}
