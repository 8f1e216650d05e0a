# The driver for Docker Swarm, with a swarm of canned tables: what it deploys, what it makes of tasks, how it ends.

# The release of the fixture, as it is rendered for a swarm: a folder is one config for each file.
use_swarm() {
    use_driver swarm
    swarm_release=$box/root/environments/production/release
    sed -i "s/^mount 'CONFIG_SITE'.*/mount 'CONFIG_SITE' kind='config' source='site' file='configs\/site\/sub\/page.html' mode='0440'/
        s/ max_replicas='3'//" "$swarm_release"
}

# A line of what the swarm tells of a service. ID SERVICE DIGEST MODE REPLICAS [STOPPED] [UPDATE] [MESSAGE]
swarm_service() {
    printf '%s|%s|%s||%s|%s|%s|%s||%s_x |net |%s|sha256:1234|%s\n' "$1" "$2" "$3" "$4" "$5" "${6:-}" "${7:-}" "$1" "$(image_of "$2")" "${8:-}"
}

# A line of what it tells of a task. ID SERVICE-ID SLOT STATE DESIRED EXIT TEST DIGEST [COMPLAINT] [SECOND]
swarm_task() {
    printf '%s|%s|%s|n1|"2024-01-01T00:00:%sZ"|%s|%s|"2024-01-01T00:00:00Z"|c-%s|%s|%s|any|%s|sha256:1234|image|"%s"\n' \
        "$1" "$2" "$3" "${10:-00}" "$4" "$5" "$1" "$6" "$7" "$8" "${9:-}"
}

# Everything runs as wanted once the stack was deployed. The ids of services are their names.
swarm_after() {
    {
        swarm_service database database @DATABASE@ replicated 1
        swarm_service init init @INIT@ replicated-job 1
        swarm_service web web @WEB@ replicated 2
    } >"$box/docker/after.services"
    {
        swarm_task t1 database 1 running running 0 'test ' @DATABASE@
        swarm_task t2 init 0 complete complete 0 '' @INIT@
        swarm_task t3 web 1 running running 0 '' @WEB@
        swarm_task t4 web 2 running running 0 '' @WEB@
    } >"$box/docker/after.tasks"
}

swarm_is_up() {
    use_swarm
    swarm_after
    first_up
}

test_swarm_deploys_wave_by_wave_and_waits_by_itself() {
    use_swarm
    swarm_after
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[stack\]\[deploy\]\[--detach=true\]\[--with-registry-auth\]\[--resolve-image\]\[never\]\[-c\].*\[shop-production\]$'
    expect_count "$box/docker/calls" 3 '^\[stack\]\[deploy\]'
    expect_no_call '\[--prune\]'
    expect_equal '  web:' "$(grep '^  [a-z]*:$' "$box/docker/stack.yaml" | head -n 1)"
    expect_error 'shop-production is at shop 1.4.2'
}

# Services and tasks go at any time: they are listed again.
test_swarm_what_vanishes_while_it_is_looked_at_is_listed_again() {
    swarm_is_up
    echo 'Error response from daemon: task t3 not found' | answer 'inspect --type task *' fail1
    bootstrap ps production
    expect_count "$box/docker/calls" 3 '^\[inspect\]\[--type\]\[task\]'
    echo 'no such service: web' | answer 'service ps *' fail1
    bootstrap ps production
    expect_code 0
}

test_swarm_second_up_deploys_nothing() {
    swarm_is_up
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_call '\[deploy\]\|\[secret\]\[create\]\|\[update\]\|\[service\]\[rm\]'
}

test_swarm_deploys_only_what_differs() {
    swarm_is_up
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_count "$box/docker/calls" 1 '^\[stack\]\[deploy\]'
    expect_no_match "$box/docker/stack.yaml" '^  database:'
}

test_swarm_an_old_cli_is_not_told_to_detach() {
    use_swarm
    swarm_after
    echo 25.0.5 | answer 'version --format {{.Client.Version}}' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[stack\]\[deploy\]\[--with-registry-auth\]'
}

test_swarm_secrets_come_from_standard_input_under_salted_names() {
    swarm_is_up
    expect_equal pw "$(cat "$box/docker"/content.shop-production_secret-db-password-*)"
    expect_no_call pw
    secret_line=$(cat "$box/docker/secrets")
    case $secret_line in *'|secret|db-password|'*'|999:998:0400|'*) ;; *) fail "labels: $secret_line" ;; esac
    bootstrap up production
    expect_code 0
    expect_content "$box/docker/secrets" "$secret_line"
}

test_swarm_a_changed_secret_is_a_new_one() {
    swarm_is_up
    DB_PASSWORD=other bootstrap up production
    expect_code 0
    expect_call '^\[secret\]\[create\]'
    expect_call '^\[stack\]\[deploy\]'
}

test_swarm_templates_in_a_parameter_stand_for_themselves() {
    use_swarm
    swarm_after
    printf '#!/bin/sh\ncase "$*" in "stack deploy"*) printf "%%s" "$BOOTSMITH_VALUE_GREETING" >"$FAKE_DOCKER/greeting" ;; esac\nexec sh "%s" "$@"\n' \
        "$tests/docker" >"$box/bin/docker"
    GREETING='{{.Node.ID}} a{' DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_content "$box/docker/greeting" '{{"{{"}}.Node.ID}} a{{"{"}}'
}

test_swarm_no_manager_is_refused() {
    use_swarm
    echo 'active false n1' | answer 'info --format {{.Swarm.*' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'it is no manager'
    expect_no_call '\[create\]\|\[deploy\]'
}

test_swarm_no_swarm_is_refused() {
    use_swarm
    echo 'inactive false' | answer 'info --format {{.Swarm.*' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the engine is in no swarm'
}

test_swarm_missing_externals_are_all_named() {
    use_swarm
    printf "network 'front' name='corporate' external='yes'\nexternal_secret 'shop-tls' source='tls'\n" >>"$swarm_release"
    answer 'network inspect *' 1 </dev/null
    answer 'secret inspect --format {{.ID}} -- *' 1 </dev/null
    bootstrap up production
    expect_code 3
    expect_error 'the external network `corporate` does not exist'
    expect_error 'docker network create --driver overlay corporate'
    expect_error 'the external secret `shop-tls` does not exist'
    expect_error 'DB_PASSWORD'
    expect_no_call '\[create\]\|\[deploy\]'
}

test_swarm_a_crash_loop_is_told_from_earlier_tasks() {
    use_swarm
    swarm_after
    {
        sed '3d' "$box/docker/after.tasks"
        for second in 01 02 03; do swarm_task "f$second" web 1 failed shutdown 9 '' @WEB@ 'task: non-zero exit (9)' "$second"; done
        swarm_task t3 web 1 ready ready '' '' @WEB@ '' 04
    } >"$box/docker/tasks.new"
    mv "$box/docker/tasks.new" "$box/docker/after.tasks"
    echo 'last words' | answer 'logs --tail 20 *' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error 'web.1 is in a crash loop (3 restarts, last exit code 9)'
    expect_error '    | last words'
}

test_swarm_one_unhealthy_replica_is_a_failure() {
    use_swarm
    swarm_after
    {
        sed '4d' "$box/docker/after.tasks"
        swarm_task t8 web 2 failed shutdown 137 'test ' @WEB@ 'task: non-zero exit (137): dockerexec: unhealthy container' 01
        swarm_task t9 web 2 ready ready '' 'test ' @WEB@ '' 02
    } >"$box/docker/tasks.new"
    mv "$box/docker/tasks.new" "$box/docker/after.tasks"
    DB_PASSWORD=pw bootstrap up production
    expect_code 5
    expect_error '`web` failed: web.2 is unhealthy'
}

# The swarm put the old definition back, so that its digest is live again.
test_swarm_an_update_that_was_rolled_back_ends_with_4() {
    swarm_is_up
    old=$(awk -F '|' '$2 == "web" { print $3 }' "$box/docker/services")
    swarm_service web web "$old" replicated 2 '' rollback_completed '"rollback completed"' >"$box/docker/after.services"
    {
        swarm_task f1 web 1 failed shutdown 3 '' @WEB@ 'task: non-zero exit (3)' 01
        swarm_task t5 web 1 running running 0 '' "$old" '' 02
        swarm_task t6 web 2 running running 0 '' "$old" '' 02
    } >"$box/docker/after.tasks"
    echo 'no luck' | answer 'logs --tail 20 c-f1' 0
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 4
    expect_error '`web` failed: the swarm restored its earlier configuration: task: non-zero exit (3)'
    expect_error '    | no luck'
    expect_error 'was restored and runs'
    expect_no_call '\[--rollback\]'
}

test_swarm_deploys_again_what_somebody_else_changed() {
    use_swarm
    swarm_after
    printf '#!/bin/sh\nif [ "$1 $2" = "stack deploy" ] && [ ! -f "$FAKE_DOCKER/once" ]; then : >"$FAKE_DOCKER/once"; echo "update out of sequence" >&2; exit 1; fi\nexec sh "%s" "$@"\n' \
        "$tests/docker" >"$box/bin/docker"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
}

test_swarm_stop_keeps_the_number_in_a_label() {
    swarm_is_up
    echo 'n1|Shutdown 1 second ago' | answer 'service ps --no-trunc --no-resolve *' 0
    bootstrap stop production --yes
    expect_code 0
    expect_call '^\[service\]\[update\]\[--detach\]\[--quiet\]\[--replicas\]\[0\]\[--label-add\]\[io.bootsmith.stopped=2\]\[web\]$'
    expect_no_call '\[init\]$'
}

test_swarm_stop_waits_for_nodes_that_are_up_alone() {
    swarm_is_up
    printf 'n1|Running 1 minute ago\nn2|Running 1 minute ago\n' | answer 'service ps --no-trunc --no-resolve *' once
    printf 'n1|Shutdown 1 second ago\nn2|Running 1 minute ago\n' | answer 'service ps --no-trunc --no-resolve *' 0
    printf 'n1\nn2\n' | answer 'node ls --quiet' 0
    swarm_nodes 'n1|alpha|manager|ready|active' 'n2|beta|worker|down|active'
    bootstrap stop production --yes
    expect_code 0
    expect_error 'down: beta; what runs there ends when the node is back'
    expect_call '\[io.bootsmith.stopped=1\]\[database\]$'
}

test_swarm_a_stopped_service_is_shown_with_its_number() {
    swarm_is_up
    sed -i '/^web|/d' "$box/docker/services"
    swarm_service web web d replicated 0 2 >>"$box/docker/services"
    sed -i '/|web|/d' "$box/docker/tasks"
    bootstrap ps production --output json
    expect_code 0
    expect_output '"service": "web", "kind": "service", "state": "stopped", "wanted": 2'
    bootstrap start production --timeout 3
    expect_call '^\[service\]\[update\]\[--detach\]\[--quiet\]\[--replicas\]\[2\]\[--label-rm\]\[io.bootsmith.stopped\]\[web\]$'
}

test_swarm_a_scale_is_a_config() {
    swarm_is_up
    swarm_service web web @WEB@ replicated 3 >"$box/docker/after.services"
    {
        sed -n '/|web|/p' "$box/docker/tasks"
        swarm_task t7 web 3 running running 0 '' @WEB@
    } >"$box/docker/after.tasks"
    DB_PASSWORD=pw bootstrap scale production web=3
    expect_code 0
    expect_call '^\[config\]\[create\].*\[io.bootsmith.scale=3\].*\[shop-production_scale-web\]\[-\]$'
}

test_swarm_an_orphan_goes_last() {
    swarm_is_up
    swarm_service old old d replicated 1 >>"$box/docker/services"
    swarm_task t9 old 1 running running 0 '' d >>"$box/docker/tasks"
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'old: removed, it is not in this release'
    expect_equal '[service][rm][old]' "$(grep '^\[stack\]\[deploy\]\|^\[service\]\[rm\]' "$box/docker/calls" | tail -n 1)"
}

test_swarm_a_network_that_is_left_is_awaited() {
    swarm_is_up
    echo 'n1 shop-production_side' | answer 'network ls *--filter*' twice
    PORT=81 DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[network\]\[rm\]\[n1\]$'
    expect_count "$box/docker/calls" 3 '^\[network\]\[ls\].*\[--filter\]'
}

test_swarm_down_waits_for_a_network_that_goes_already() {
    swarm_is_up
    answer 'ps *' 0 </dev/null
    echo 'n1|Shutdown' | answer 'service ps --no-trunc --no-resolve *' 0
    # It is listed once more after the engine does not know it.
    mv "$box/bin/docker" "$box/bin/docker.real"
    printf '%s\n' '#!/bin/sh' "box=$box" 'case "$*" in' '"network rm "*) : >"$box/going"; echo "Error: No such network: n1" >&2; exit 1 ;;' \
        '"network ls "*) [ -f "$box/gone" ] || echo "n1 shop-production_side"; [ ! -f "$box/going" ] || echo gone >"$box/gone" ;;' \
        'esac' 'exec "$box/bin/docker.real" "$@"' >"$box/bin/docker"
    chmod +x "$box/bin/docker"
    bootstrap down production --yes
    expect_code 0
    expect_no_error 'left'
    expect_content "$box/gone" gone
}

test_swarm_what_is_pending_is_starting() {
    swarm_is_up
    sed -i 's/^\(t[34]|.*\)|running|running|/\1|pending|running|/' "$box/docker/tasks"
    bootstrap ps production
    expect_output 'web       starting  0/2'
}

test_swarm_exec_on_another_node_is_refused() {
    swarm_is_up
    echo 'active true n2' | answer 'info --format {{.Swarm.*' 0
    echo 'first 10.0.0.1' | answer 'node inspect *' 0
    bootstrap run psql production
    expect_code 3
    expect_error 'which runs on the node first'
    expect_error 'DOCKER_HOST=tcp://10.0.0.1:2376'
    expect_no_call '^\[exec\]'
}

test_swarm_exec_goes_into_the_container_of_this_node() {
    swarm_is_up
    bootstrap run psql production
    expect_code 0
    expect_call '^\[exec\]\[-i\].*\[c-t1\]\[psql\]\[-U\]'
}

test_swarm_a_one_off_is_a_job_of_its_own() {
    swarm_is_up
    echo 'failed|c9|7|task: non-zero exit (7)' | answer 'inspect --type task --format {{.Status.State}}*' 0
    echo c9 | answer 'container inspect *' 0
    echo 'said' | answer 'logs c9' 0
    DB_PASSWORD=pw bootstrap run once production 'it'\''s $HOME'
    expect_code 7
    expect_output said
    expect_text "$box/docker/stack.yaml" 'entrypoint: ["mi grate"]'
    expect_text "$box/docker/stack.yaml" 'command: ["--all", "it'\''s $$HOME"]'
    expect_call '^\[service\]\[rm\]\[shop-production_run-[0-9a-f]*\]$'
}

test_swarm_a_one_off_has_no_input() {
    swarm_is_up
    sed -i "s/^script 'restore' mode='exec'/script 'restore' mode='run'/" "$swarm_release"
    code=0
    echo data | DB_PASSWORD=pw run_bootstrap run restore production >"$box/out" 2>"$box/err" || code=$?
    expect_code 3
    expect_error 'a container of its own has no input'
    expect_no_call '\[create\]\|\[deploy\]'
}

test_swarm_down_removes_everything() {
    swarm_is_up
    answer 'ps *' 0 </dev/null
    echo 'n1|Shutdown' | answer 'service ps --no-trunc --no-resolve *' 0
    bootstrap down production --yes
    expect_code 0
    expect_call '^\[service\]\[rm\]\[database\]\[init\]\[web\]$'
    expect_call '^\[secret\]\[rm\]\[id-shop-production_secret-db-password-'
    expect_call '^\[config\]\[rm\]'
    expect_no_call '^\[volume\]\[rm\]'
}

test_swarm_what_it_would_not_keep_is_refused_before_anything_changes() {
    use_swarm
    # Eleven values of a file's largest size are more than a config holds; a secret has one value alone, and so never more than it may.
    head -c 100000 /dev/zero | tr '\000' x >"$box/secrets/GREETING"
    {
        printf "literal '%s'\n" '['
        for _ in 1 2 3 4 5 6 7 8 9 10 11; do echo "value 'GREETING'"; done
    } >"$box/root/environments/production/configs/app.pieces"
    sed -i "s/parameters='LEVEL'/parameters='GREETING LEVEL'/" "$swarm_release"
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'error: the config `app` has 1100001 bytes, and a swarm keeps at most 1023999'
    expect_error 'hint: its bytes come from: GREETING LEVEL'
    expect_no_call '\[create\]\|\[deploy\]'
}

test_swarm_an_empty_secret_is_refused_before_anything_changes() {
    use_swarm
    sed -i "s/^\(parameter 'DB_PASSWORD'.*\) required='yes'/\1/" "$swarm_release"
    DB_PASSWORD='' bootstrap up production
    expect_code 3
    expect_error 'error: the secret `db-password` is empty, and a swarm keeps none that is'
    expect_no_call '\[create\]\|\[deploy\]'
}

# Three nodes as the driver asks for them; what it must not look at is not among them.
three_nodes() {
    cat <<'END'
n1|node.id|"n1"
n1|node.hostname|"alpha"
n1|node.ip|"10.0.0.1"
n1|node.role|"manager"
n1|node.platform.os|"linux"
n1|node.platform.arch|"x86_64"
n1|node.labels.disk|"SSD"

n2|node.id|"n2"
n2|node.hostname|"beta"
n2|node.ip|"10.0.1.2"
n2|node.role|"worker"
n2|node.platform.os|"linux"
n2|node.platform.arch|"x86_64"
n2|engine.labels.rack|"a|b"

n3|node.id|"n3"
n3|node.hostname|"gamma"
n3|node.ip|"10.0.1.3"
n3|node.role|"worker"
n3|node.platform.os|"linux"
n3|node.platform.arch|"aarch64"
n3|node.labels.disk|"tape"
n3|node.labels.zone|"a \"b\""
END
}

test_swarm_constraints_are_judged_as_the_swarm_does() {
    use_swarm
    three_nodes >"$box/nodes"
    # Nodes that fit, and constraints.
    cat >"$box/constraints" <<'END'
3 node.platform.os is=linux
2 node.role is=worker
2 node.role is_not=Manager
1 node.labels.disk is=ssd
0 node.labels.Disk is=ssd
2 node.labels.disk is_not=ssd
1 NODE.Hostname is=beta
1 node.ip is=10.0.1.2
2 node.ip is=10.0.1.0/24
1 node.ip is_not=10.0.1.0/24
1 engine.labels.rack is=a|b
1 node.labels.zone is=a "b"
0 node.colour is_not=red
1 node.role is=worker node.platform.arch is=x86_64
0 node.role is=manager node.platform.arch is=aarch64
END
    while read -r fitting first; do
        echo "$first" | sed 's/ \(node\.[a-z.]* is\)/~\1/' | tr '~' '\n' >"$box/judged"
        counted=$(library <<'END'
. "$root/driver/driver-nodes.sh"
service_name=web
: >"$work/constraints"
while read -r key fact; do keep_constraint web "$key" "$fact"; done <"$root/../judged"
keep_constraint other node.id is=n9
count_fitting_nodes "$work/constraints" "$root/../nodes"
END
        )
        expect_equal "$fitting: $first" "$counted: $first"
    done <"$box/constraints"
}

test_swarm_a_service_of_every_node_waits_for_those_that_fit() {
    use_swarm
    sed -i "s/^\(service 'web'.* \)replicas='2'/\1replicas='1' global='yes'/" "$swarm_release"
    printf 'n1\nn2\nn3\n' | answer 'node ls --quiet' 0
    three_nodes | answer 'node inspect --format {{if eq (print .Status.State) "ready"}}*n1 n2 n3' 0
    DB_PASSWORD=pw bootstrap up production --dry-run
    expect_code 0
    expect_output 'web: create (1)'
    expect_no_call '^\[node\]\[inspect\]'
    echo "constraint 'web' 'node.role' is='worker'" >>"$swarm_release"
    DB_PASSWORD=pw bootstrap up production --dry-run
    expect_code 0
    expect_output 'web: create (2)'
}

test_swarm_the_first_service_may_be_one_of_every_node() {
    use_swarm
    sed -i "s/^\(service 'database'.* \)replicas='1'/\1replicas='1' global='yes'/" "$swarm_release"
    DB_PASSWORD=pw bootstrap up production --dry-run
    expect_code 0
    expect_output 'database: create (1)'
    expect_no_error 'parameter not set'
}

# A swarm takes no dots in the names of services.
test_swarm_calls_a_service_by_its_object() {
    use_swarm
    swarm_after
    sed -i "s/service 'web' /service 'My_Web.1' object='My_Web-1' /; s/service='web'/service='My_Web.1'/" "$box/root/environments/production/release"
    for file in stack.yaml run.yaml; do
        sed -i 's/^  web:/  My_Web-1:/; s/_WEB\b/_cMYucWEBd1/g' "$box/root/environments/production/$file"
    done
    sed -i 's/^web|web|/My_Web.1|My_Web.1|/; s/^\(t[34]\)|web|/\1|My_Web.1|/' "$box/docker/after.services" "$box/docker/after.tasks"
    sed -i 's/BOOTSMITH_DIGEST_WEB/BOOTSMITH_DIGEST_cMYucWEBd1/' "$box/bin/docker"
    echo My_Web.1 >"$box/docker/declared.My_Web-1"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_match "$box/docker/stack.yaml" '^  My_Web-1:'
    expect_no_match "$box/docker/stack.yaml" '^  database:'
    bootstrap ps production
    expect_match "$box/out" '^My_Web\.1 .* 2/2'
    DB_PASSWORD=pw bootstrap scale My_Web.1=1 production
    expect_call '^\[config\]\[create\].*\[io.bootsmith.service=My_Web.1\].*\[shop-production_scale-My_Web-1\]'
    bootstrap logs My_Web.1 production
    expect_code 0
}
