# Up and its kin: what is handed to Compose, what is left alone, what ends it.

test_first_up_goes_in_waves() {
    product_after
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '\[--env-file\]\[/dev/null\].*\[up\]\[-d\]\[--no-deps\]\[--no-build\]\[--pull\]\[never\]\[database\]$'
    expect_error 'shop-production is at shop 1.4.2'
    expect_no_call '\[-y\]'
    expect_empty "$box/out"
}

test_second_up_calls_compose_not_at_all() {
    product_is_up
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_call '\[up\]'
    expect_no_call '^\[stop\]\|^\[start\]\|^\[restart\]'
}

test_only_what_differs_is_handed_over() {
    product_is_up
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '\[never\]\[web\]$'
    expect_no_call '\[never\]\[database\]'
}

test_dry_run_writes_nothing() {
    product_is_up
    PORT=81 DB_PASSWORD=pw bootstrap up production --dry-run
    expect_code 0
    expect_output 'web: recreate'
    expect_output 'database: keep'
    expect_no_call '\[up\]\|^\[create\]\|\[rm\]\|\[volume\]\[create\]'
}

test_crash_loop_ends_with_5_and_log_lines() {
    product_after
    sed -i '3s/|running|0|0|/|restarting|9|3|/' "$box/docker/after"
    echo 'last words' | answer 'logs --tail 20 c3' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'shop-production-web-1 is in a crash loop (3 restarts, last exit code 9)'
    expect_error '    | last words'
    expect_error 'up of shop-production failed, and nothing was restored: there is no earlier revision'
}

test_unhealthy_ends_with_5() {
    product_after
    sed -i '1s/|healthy|/|unhealthy|/' "$box/docker/after"
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'is unhealthy'
    expect_no_call '\[never\]\[web\]'
}

test_failed_job_ends_with_5_before_the_next_wave() {
    product_after
    sed -i '2s/|exited|0|/|exited|7|/' "$box/docker/after"
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'shop-production-init-1 ended with exit code 7'
    expect_no_call '\[never\]\[web\]'
}

test_deadline_says_who_is_not_ready() {
    product_after
    sed -i '1s/|healthy|/|starting|/' "$box/docker/after"
    DB_PASSWORD=pw bootstrap up production --timeout 4
    expect_code 5
    expect_error 'not ready in time (4 s): database: 0 of 1 ready'
}

test_compose_that_fails_ends_with_5_and_its_words() {
    product_after
    echo 'Error response from daemon: port is already allocated' | answer '*up -d* web' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error '    | Error response from daemon: port is already allocated'
    expect_error 'error: `web` could not be applied: port is already allocated'
    bootstrap history production
    expect_match "$box/out" '^1 .*failed.*`web` could not be applied'
}

test_missing_image_is_refused_before_anything_changes() {
    printf '' | answer 'image inspect*web*' 1
    echo 'Error response from daemon: unauthorized' | answer 'pull *' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the image registry.example.com/shop/web:1.4.2 cannot be pulled: unauthorized'
    expect_no_call '^\[create\].*\[fill\]\|\[volume\]\[create\]\|\[up\]'
}

test_image_that_cannot_be_refreshed_is_a_warning() {
    echo 'no route' | answer 'pull *' fail1
    bootstrap pull production
    expect_code 0
    expect_error 'warning: registry.example.com/shop/web:1.4.2 could not be refreshed'
}

test_engine_that_does_not_answer() {
    echo 'Cannot connect to the Docker daemon' | answer 'version *Server*' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the engine does not answer: Cannot connect'
    expect_error 'mount the socket'
}

test_engine_that_is_too_old() {
    echo '19.03 1.40' | answer 'version *Server*' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the engine is too old: 19.03'
}

test_failing_pre_hook_touches_no_service() {
    HERE_CODE=4 DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the hook pre-up failed: here (exit code 4)'
    expect_no_call '\[up\]\|\[volume\]\[create\].*kind=\(config\|secret\)'
    expect_call 'entry=failed.*the hook pre-up failed'
}

test_hook_that_writes_data_writes_to_standard_output_only_data() {
    product_is_up
    echo "hook 'pre-upgrade' 'backup'" >>"$box/root/environments/production/release"
    printf 'DUMP' | answer 'exec *backup*' 0
    DB_PASSWORD=pw bootstrap upgrade production
    expect_code 0
    expect_content "$box/out" DUMP
}

test_old_services_are_removed_last() {
    product_is_up
    container c9 mailer old running 0 0 '' always mailer-1 >>"$box/docker/containers"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[stop\]\[c9\]$'
    expect_call '^\[rm\]\[--force\]\[c9\]$'
    expect_no_call '^\[stop\]\[c1\]'
}

test_half_made_replacement_is_taken_away_first() {
    product_is_up
    container c8 web other created 0 0 '' always 1ceb_web-1 >>"$box/docker/containers"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[rm\]\[--force\]\[c8\]$'
}

test_half_made_replacement_whose_old_is_gone_gets_its_name() {
    product_is_up
    sed -i '/web-1/{s/|running|/|created|/; s|/shop-production-web-1|/0123456789ab_shop-production-web-1|;}' "$box/docker/containers"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[rename\]\[c[0-9]\]\[shop-production-web-1\]$'
    expect_no_call '^\[rename\].*database\|^\[rename\].*web-2'
}

test_scale_is_recorded_and_kept() {
    product_is_up
    container c5 web @WEB@ running 0 0 '' unless-stopped web-3 >>"$box/docker/after"
    DB_PASSWORD=pw bootstrap scale production web=3
    expect_code 0
    expect_call '^\[volume\]\[create\].*\[io.bootsmith.scale=3\].*\[io.bootsmith.scale-of=2\]\[shop-production_scale-web\]'
    expect_line "$box/docker/environment" 'BOOTSMITH_REPLICAS_WEB=3'
    : >"$box/docker/calls"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_call '\[up\]\|^\[volume\]\[rm\]'
    sed -i "s/replicas='2'/replicas='3'/" "$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap up production
    expect_call '^\[volume\]\[rm\]\[shop-production_scale-web\]$'
}

test_scale_beyond_the_published_ports_is_refused_before_the_engine_is_asked() {
    DB_PASSWORD=pw bootstrap scale production web=4 database=9
    expect_code 3
    expect_error '`web` cannot have 4 replicas: its published ports are enough for 3'
    expect_error 'hint: the release has to publish a range of ports'
    expect_no_error database
    expect_empty "$box/docker/calls"
    product_is_up
    container c5 web @WEB@ running 0 0 '' unless-stopped web-3 >>"$box/docker/after"
    DB_PASSWORD=pw bootstrap scale production web=3
    expect_code 0
}

test_recorded_scale_goes_as_far_as_the_published_ports() {
    product_is_up
    echo 'shop-production_scale-web|scale|||||web|3|2||' >>"$box/docker/volumes"
    sed -i "s/max_replicas='3'/max_replicas='2'/" "$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'warning: `web` was scaled to 3, but the published ports of this release are enough for 2'
    expect_no_call '\[up\]'
}

test_scale_refuses_other_parameters() {
    product_is_up
    PORT=81 DB_PASSWORD=pw bootstrap scale production web=3
    expect_code 3
    expect_error 'runs with another configuration'
    expect_no_call '\[volume\]\[create\]\|\[up\]'
}

test_stop_goes_backwards_and_start_forwards() {
    product_is_up
    bootstrap stop production
    expect_code 0
    expect_equal '[stop][c3][c4]
[stop][c1]' "$(grep '^\[stop\]' "$box/docker/calls")"
    sed -i 's/|running|/|exited|/' "$box/docker/containers"
    at_nap 2 <<'END'
sed -i 's/^\(c[134].*\)|exited|/\1|running|/' "$box/docker/containers"
END
    bootstrap start production --timeout 20
    expect_code 0
    expect_no_call '^\[start\].*\[c2\]'
}

test_down_keeps_data_unless_told() {
    product_is_up
    {
        echo 'shop-production_dbdata||||||||||'
        echo 'shop-production_scale-web|scale|||||web|3|2||'
    } >>"$box/docker/volumes"
    bootstrap down production
    expect_code 0
    expect_call '^\[volume\]\[rm\]\[shop-production_scale-web\]$'
    expect_no_call '\[rm\].*dbdata'
    bootstrap down production --volumes --yes
    expect_call '^\[volume\]\[rm\]\[shop-production_dbdata\]$'
}

test_ps_names_states() {
    product_is_up
    sed -i '3s/|running|/|exited|/' "$box/docker/containers"
    container c9 mailer old running 0 0 '' always mailer-1 >>"$box/docker/containers"
    bootstrap ps production
    expect_code 0
    expect_output 'web       partial  1/2'
    expect_output 'init      done     1/1'
    expect_output 'not in this release'
    bootstrap status production --output json
    expect_output '{"service": "web", "kind": "service", "state": "partial", "wanted": 2, "ready": 1, "in_release": true'
}

test_doctor_has_a_line_for_each_check() {
    mkdir -p "$box/home/.docker"
    printf '{ "credsStore": "nowhere",\n "credHelpers": {"a.example": "ecr-login", "b.example":"gcr" } }' >"$box/home/.docker/config.json"
    bootstrap doctor production
    expect_code 3
    expect_output 'ok    engine      Docker 20.10.24, API 1.41'
    expect_output 'FAIL  parameters  secret `db-password` is not given'
    expect_output 'docker-credential-nowhere'
    expect_output 'docker-credential-ecr-login'
    expect_output 'docker-credential-gcr'
    rm -r "$box/home/.docker"
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 0
}

test_old_compose_is_found_when_there_is_no_plugin() {
    printf '' | answer 'compose version*' 1
    printf '#!/bin/sh\n[ "$1" != version ] || { echo 1.29.2; exit 0; }\nexec docker compose "$@"\n' >"$box/bin/docker-compose"
    chmod +x "$box/bin/docker-compose"
    product_after
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '\[--compatibility\].*\[up\]\[-d\]\[--no-deps\]\[--no-build\]\[web\]$'
    expect_no_call '\[--pull\]'
}

test_settings_of_compose_do_not_leak_in() {
    product_after
    COMPOSE_FILE=/x COMPOSE_PROFILES=debug DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_match "$box/docker/environment" '^COMPOSE_FILE\|^COMPOSE_PROFILES'
}

# A bundle comes on standard input.
load_bundle() { # COMMAND…
    code=0
    echo 'a bundle' | run_bootstrap "$@" >"$box/out" 2>"$box/err" || code=$?
}

test_load_brings_the_images_of_a_bundle() {
    printf '#!/bin/sh\ncase "$1" in load) cat >"%s/loaded" ;; *) exec "%s" "$@" ;; esac\n' "$box" "$box/bin/docker.real" >"$box/docker.load"
    mv "$box/bin/docker" "$box/bin/docker.real"
    cp "$box/docker.load" "$box/bin/docker"
    chmod +x "$box/bin/docker"
    load_bundle load production
    expect_code 0
    expect_content "$box/loaded" 'a bundle'
    expect_error 'loading the images of the bundle'
    expect_error 'the images of shop 1.4.2 are there'
}

test_load_says_what_was_not_in_it() {
    answer 'image inspect*web*' 1 </dev/null
    load_bundle load production
    expect_code 3
    expect_error 'was not in it'
    expect_error 'take the bundle of this release'
}

test_what_is_no_bundle_is_refused() {
    echo 'open /var/lib/docker/tmp/docker-import-1/repositories: no such file or directory' >"$box/said"
    answer 'load*' 1 <"$box/said"
    load_bundle load production
    expect_code 3
    expect_error 'what is on standard input cannot be loaded'
}

test_a_dry_load_loads_nothing() {
    load_bundle load production --dry-run
    expect_code 0
    expect_output 'load registry.example.com/shop/web:1.4.2'
    expect_no_call '^\[load\]'
}

test_a_swarm_says_which_nodes_need_the_images_too() {
    use_driver swarm
    printf 'true manager-1\nfalse worker-1\nfalse worker-2\n' | answer 'node ls --format {{.Self}}*' 0
    load_bundle load production
    expect_code 0
    expect_error 'every node needs them: `docker load --input BUNDLE` on worker-1 worker-2 too'
}

test_a_cluster_loads_no_bundle() {
    use_kubernetes
    load_bundle load production
    expect_code 3
    expect_error 'a cluster takes images from a registry alone'
    expect_error 'bootsmith push BUNDLE REGISTRY'
}

test_what_is_never_pulled_is_not_pulled() {
    sed -i "/library.postgres/s/pull='missing'/pull='never'/" "$box/root/environments/production/release"
    bootstrap pull production
    expect_code 0
    expect_call '^\[pull\].*shop/web:1.4.2\]$'
    expect_no_call '^\[pull\].*postgres'
}
