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
    expect_equal 'remove ledger of shop-production' "$(sed -n '$p' "$box/out")"
    expect_no_call '\[rm\]\|^\[create\]'
    bootstrap down production --dry-run
    expect_code 0
    expect_no_output dbdata
    expect_no_output 'remove ledger'
    expect_output 'remove network shop-production_front'
    expect_output 'the data volumes are kept, and the ledger with them'
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

test_start_without_a_container_is_refused_and_named() {
    product_is_up
    sed -i '/shop-production-web-/d' "$box/docker/containers"
    bootstrap start production
    expect_code 3
    expect_error '`web` is missing'
    expect_error 'create it again: up production'
    expect_no_error 'is started'
    expect_no_call '^\[start\]\|_lock'
    bootstrap restart production web
    expect_code 3
    expect_error '`web` is missing'
    expect_no_error 'restarted'
    bootstrap restart production database
    expect_code 0
    expect_error 'restarted: database'
}

test_start_without_one_of_the_replicas_is_refused() {
    product_is_up
    sed -i '/shop-production-web-2/d' "$box/docker/containers"
    bootstrap start production
    expect_code 3
    expect_error 'of `web` 1 of 2 replicas are there'
}

# A container that goes between our look and our start.
test_start_of_what_vanishes_meanwhile_is_not_said() {
    product_is_up
    sed -i '/web-/s/|running|/|exited|/' "$box/docker/containers"
    mv "$box/bin/docker" "$box/bin/docker.real"
    printf '%s\n' '#!/bin/sh' "box=$box" 'case "$*" in "start "*) sed -i /web-/d "$box/docker/containers"; echo "Error: No such container" >&2; exit 1 ;; esac' \
        'exec "$box/bin/docker.real" "$@"' >"$box/bin/docker"
    chmod +x "$box/bin/docker"
    bootstrap start production --timeout 3
    expect_code 5
    expect_no_error 'is started'
}

# What is deployed decides, whatever the image holds that asks.
test_start_by_an_image_of_another_release_starts_what_is_deployed() {
    product_is_up
    sed -i '/web-/s/|running|/|exited|/' "$box/docker/containers"
    release=$box/root/environments/production/release
    sed -i "s/^service 'web'/service 'site'/" "$release"
    echo "service 'new' image='n' definition='d9' wave='1' gate='none' kind='service' replicas='1' window='0' pull='missing'" >>"$release"
    bootstrap start production --timeout 60
    expect_code 0
    expect_call '^\[start\].*\[c3\]\[c4\]'
    expect_no_error new
}

test_a_job_that_is_gone_is_no_reason_not_to_start() {
    product_is_up
    sed -i '/init-1/d' "$box/docker/containers"
    bootstrap start production
    expect_code 0
    expect_error 'warning: the job `init` is not there; `up production` runs it'
}

test_what_was_never_deployed_is_refused_with_what_is() {
    product_is_up
    echo c1 | answer 'ps *environment=production*' 0
    answer 'ps *environment=testing*' 0 </dev/null
    for command in stop start restart logs; do
        bootstrap "$command" testing
        expect_code 3
        expect_error 'nothing of shop-testing is deployed'
        expect_error 'deployed here: production'
        expect_no_call '_lock'
    done
}

test_stop_of_what_is_stopped_is_done() {
    product_is_up
    sed -i 's/|running|/|exited|/' "$box/docker/containers"
    bootstrap stop production
    expect_code 0
    expect_error 'shop-production is stopped'
    bootstrap stop production --dry-run
    expect_code 0
    expect_empty "$box/out"
}

test_stop_that_did_not_stop_everything_is_not_said() {
    product_is_up
    answer 'stop *' 0 </dev/null
    bootstrap stop production
    expect_code 5
    expect_error 'these replicas of shop-production still run: shop-production-database-1 shop-production-web-1'
    expect_no_error 'shop-production is stopped'
}

test_dry_runs_of_start_and_stop_name_what_would_change() {
    product_is_up
    bootstrap start production --dry-run
    expect_empty "$box/out"
    expect_error 'everything of shop-production runs already'
    sed -i '/web-1/s/|running|/|exited|/' "$box/docker/containers"
    bootstrap start production --dry-run
    expect_equal 'start shop-production-web-1 (exited)' "$(cat "$box/out")"
    bootstrap stop production --dry-run
    expect_output 'stop shop-production-web-2 (running)'
    expect_no_output web-1
    expect_no_output init
    bootstrap restart production --dry-run
    expect_no_output init
    DB_PASSWORD=pw bootstrap scale production web=03 --dry-run
    expect_equal 'web: scale from 2 to 3' "$(cat "$box/out")"
}

test_a_paused_container_is_called_paused_and_up_unpauses_it() {
    product_is_up
    sed -i '/web-1/s/|running|/|paused|/' "$box/docker/containers"
    bootstrap ps production
    expect_output 'web       paused   1/2'
    DB_PASSWORD=pw bootstrap plan production
    expect_output 'web: unpause'
    cp "$box/docker/containers" "$box/paused"
    DB_PASSWORD=pw bootstrap up production --timeout 20
    expect_code 0
    expect_error 'web: unpause'
    expect_call '^\[unpause\]\[c3\]$'
    cp "$box/paused" "$box/docker/containers"
    : >"$box/docker/calls"
    bootstrap start production --timeout 20
    expect_code 0
    expect_call '^\[unpause\]\[c3\]$'
}

test_scale_of_what_the_target_decides_is_refused() {
    sed -i "/^service 'web'/s/$/ global='yes'/; /^service 'database'/s/$/ autoscaled='yes'/" "$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap scale production web=3 database=default
    expect_code 3
    expect_error '`web` runs once on each node'
    expect_error 'an autoscaler decides how many replicas `database` has'
    expect_empty "$box/docker/calls"
}

test_scale_words_that_mean_nothing_are_usage() {
    for words in '=1' 'web=1 web=2' 'web=08x' 'web=99999999999999999999' 'web 2' "''" 'web=+1' 'web=0x3'; do
        # shellcheck disable=SC2086 # words
        if [ "$words" = "''" ]; then bootstrap scale production ''; else bootstrap scale production $words; fi
        expect_code 2
    done
    bootstrap scale production web=1 web=2
    expect_error '`web` is given twice'
    bootstrap scale production web 2
    expect_error 'write: web=2'
    bootstrap scale production web=two
    expect_error '`two` is not a whole number'
    bootstrap scale production web=99999999999
    expect_error 'too large'
    bootstrap scale production 'database init=1'
    expect_code 2
    expect_error 'unknown service or environment `database init`'
    expect_empty "$box/docker/calls"
}

test_zeros_at_the_front_of_a_number_mean_nothing() {
    product_is_up
    container c5 web @WEB@ running 0 0 '' unless-stopped web-3 >>"$box/docker/after"
    DB_PASSWORD=pw bootstrap scale production web=0003 --timeout 08 --lock-wait 09
    expect_code 0
    expect_call 'io.bootsmith.scale=3\]'
    DB_PASSWORD=pw bootstrap up production --timeout 00010 --lock-wait 000000000000000000008
    expect_code 0
    bootstrap logs production web --tail 010
    expect_call '^\[logs\]\[--tail\]\[10\]'
    bootstrap rollback production 0001
    expect_no_error 'arithmetic'
    expect_no_error 'unknown environment'
}
