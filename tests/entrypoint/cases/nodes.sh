# Nodes: on Compose, Swarm and Kubernetes, and by the scripts of a release.

# A driver of which the cases look at the parts for nodes and users alone; its engine is there. PLATFORM
use_parts() {
    use_driver "$1"
    printf '%s() { :; }\n' driver_find_tools driver_check_engine >"$box/root/driver/driver.sh"
    # shellcheck disable=SC2016
    case $1 in kubernetes) echo 'cluster() { kubectl "$@"; }' >>"$box/root/driver/driver.sh" ;; esac
}

# A kubectl that records and answers as the docker of the tests does; what is applied is in the files applied.FILE.
use_cluster() {
    use_parts kubernetes
    cp "$tests/docker" "$box/bin/answering"
    {
        printf '#!/bin/sh\nbox=%s\n' "$box"
        # shellcheck disable=SC2016
        printf '%s\n' 'for word do case $word in */*.yaml) cp "$word" "$box/applied.${word##*/}" ;; esac; done' 'exec "$box/bin/answering" "$@"'
    } >"$box/bin/kubectl"
    chmod +x "$box/bin/kubectl"
}

# Two managers and a worker.
use_swarm() {
    use_parts swarm
    printf 'n1\nn2\nn3\n' | answer 'node ls*' 0
    swarm_nodes 'n1|alpha|manager|ready|active||10.0.0.1|28.2.2|yes|reachable|10.0.0.1:2377' \
        'n2|beta|manager|ready|active||10.0.0.2|28.2.2||reachable|10.0.0.2:2377' 'n3|gamma|worker|ready|drain||10.0.0.3|28.2.2|'
    printf 'n1|type|"front end"\nn3|zone|"a|b"\nn3|type|"x"\n\n' | answer 'node inspect --format {{$id*' 0
}

# What the swarm says of its nodes: a line each.
swarm_nodes() {
    printf '%s\n' "$@" | answer 'node inspect --format {{.ID}}*' 0
}

test_compose_has_one_node() {
    echo 'AB:CD|host|manager|ready|active|yes||20.10.24' | answer 'info --format {{.ID}}*' 0
    echo '["zone=a","note=it'\''s \"x\", y"]' | answer 'info --format {{json .Labels}}' 0
    bootstrap nodes list production --output json
    expect_code 0
    expect_output '{"id": "AB:CD", "name": "host", "role": "manager", "state": "ready", "availability": "active", "schedulable": true, "address": "", "version": "20.10.24", "labels": {"zone": "a", "note": "it'\''s \"x\", y"}}'
    for action in 'drain host' 'activate host' 'label host a=b' 'remove host' join create 'delete host'; do
        # shellcheck disable=SC2086
        bootstrap nodes production $action
        expect_code 3
        expect_error "there is nothing to ${action%% *}"
    done
}

test_words_of_nodes_are_checked_before_anything_is_asked() {
    use_swarm
    for words in '' lst 'list x' drain 'drain a b' 'label alpha' 'label alpha x' 'label alpha -x=1' 'label alpha x=a*b' 'label alpha a/b/c=d' \
        'join --role boss' 'list --timeout 3' 'drain alpha --role worker' 'join --role A' delete; do
        # shellcheck disable=SC2086
        bootstrap nodes production $words
        expect_code 2
    done
    expect_no_call 'update'
    bootstrap nodes production lst
    expect_error 'did you mean `list`? known actions: list drain'
    bootstrap nodes production label alpha "x=$(printf '%064d' 0)"
    expect_error 'longer than 63 characters'
}

test_help_of_nodes_shows_actions_and_examples() {
    bootstrap help nodes
    expect_output '  drain NODE               moves'
    expect_output '  nodes join production --role worker'
}

test_swarm_lists_nodes() {
    use_swarm
    bootstrap nodes list production
    expect_code 0
    expect_output 'alpha  manager  ready  active        10.0.0.1  28.2.2   type="front end"'
    expect_output 'gamma  worker   ready  drain         10.0.0.3  28.2.2   zone="a|b" type=x'
    bootstrap nodes list --output json production
    expect_output '{"id": "n3", "name": "gamma", "role": "worker", "state": "ready", "availability": "drain", "schedulable": false, "address": "10.0.0.3", "version": "28.2.2", "labels": {"zone": "a|b", "type": "x"}}'
}

test_swarm_that_does_not_answer() {
    use_parts swarm
    echo 'Error response from daemon: This node is not a swarm manager.' | answer 'node ls*' fail1
    bootstrap nodes list production
    expect_code 3
    expect_error 'the nodes cannot be read: This node is not a swarm manager.'
}

test_swarm_labels_only_what_differs() {
    use_swarm
    bootstrap nodes label production gamma type=x zone- size=big nothere-
    expect_code 0
    expect_call '^\[node\]\[update\]\[--label-rm\]\[zone\]\[--label-add\]\[size=big\]\[n3\]$'
    expect_error 'gamma: nothing to do for type=x'
    expect_error 'gamma: nothing to do for nothere-'
}

test_swarm_drain_waits_until_nothing_runs() {
    use_swarm
    # One look at a task that ends, then one at a node without.
    printf '%s\n' 'web.1|Running 3 minutes ago' 'old.1|Shutdown 1 hour ago' 'job.1|Complete 1 hour ago' >"$box/tasks"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' "box=$box" 'case "$*" in "node ps "*) cat "$box/tasks"; echo "web.1|Shutdown 1 second ago" >"$box/tasks" ;; *) exec "$box/bin/answering" "$@" ;; esac' >"$box/bin/waiting"
    mv "$box/bin/docker" "$box/bin/answering"
    mv "$box/bin/waiting" "$box/bin/docker"
    chmod +x "$box/bin/docker"
    bootstrap nodes drain production beta
    expect_code 0
    expect_call '^\[node\]\[update\]\[--availability\]\[drain\]\[n2\]$'
    expect_error 'waiting: web.1 (running 3 minutes ago)'
    expect_error 'beta is drained'
    expect_count "$box/docker/calls" 1 availability
}

test_swarm_drain_has_a_deadline() {
    use_swarm
    echo 'web.1|Running 3 minutes ago' | answer 'node ps*' 0
    bootstrap nodes drain production alpha --timeout 3
    expect_code 5
    expect_error '`alpha` is not drained in time (3 s): web.1 (running 3 minutes ago)'
    expect_error '`nodes activate production alpha` undoes it'
}

test_the_last_node_that_takes_replicas_is_not_drained() {
    use_swarm
    rm "$box"/docker/answers/2.*
    swarm_nodes 'n1|alpha|manager|ready|active||10.0.0.1|28.2.2|yes|reachable|10.0.0.1:2377' \
        'n2|beta|worker|down|active||10.0.0.2|28.2.2|' 'n3|gamma|worker|ready|drain||10.0.0.3|28.2.2|'
    mv "$box/docker/answers/3.pattern" "$box/docker/answers/2.pattern"
    mv "$box/docker/answers/3.output" "$box/docker/answers/2.output"
    mv "$box/docker/answers/3.code" "$box/docker/answers/2.code"
    bootstrap nodes drain production alpha
    expect_code 3
    expect_error 'what runs on `alpha` would have no place'
    expect_no_call update
}

test_swarm_removes_only_what_is_empty() {
    use_swarm
    printf '' | answer 'node ps*' 0
    bootstrap nodes remove production beta
    expect_code 3
    expect_error '`beta` is not drained'
    bootstrap nodes remove production gamma --dry-run
    expect_content "$box/out" 'remove gamma'
    expect_no_call '^\[node\]\[rm\]'
    bootstrap nodes remove production gamma
    expect_code 0
    expect_call '^\[node\]\[rm\]\[--force\]\[n3\]$'
    expect_error 'on gamma itself: docker swarm leave --force'
    expect_no_call demote
}

test_swarm_keeps_a_drained_node_that_still_ends_its_tasks() {
    use_swarm
    echo 'web.1|Running 3 minutes ago' | answer 'node ps*' 0
    bootstrap nodes remove production gamma
    expect_code 3
    expect_error '`gamma` is not empty yet: web.1'
}

test_swarm_keeps_managers_that_can_agree() {
    use_parts swarm
    printf 'n1\nn2\nn3\n' | answer 'node ls*' 0
    swarm_nodes 'n1|alpha|manager|ready|drain||10.0.0.1|28.2.2|yes|reachable|10.0.0.1:2377' \
        'n2|beta|manager|ready|active||10.0.0.2|28.2.2||reachable|10.0.0.2:2377' 'n3|gamma|manager|down|active||10.0.0.3|28.2.2||unreachable|10.0.0.3:2377'
    printf '' | answer 'node inspect*' 0
    bootstrap nodes remove production alpha
    expect_code 3
    expect_error 'without `alpha` too few managers are left'
    bootstrap nodes remove production gamma
    expect_code 0
    expect_call '^\[node\]\[demote\]\[n3\]$'
    expect_call '^\[node\]\[rm\]\[--force\]\[n3\]$'
}

test_two_nodes_of_one_name_are_told_by_their_ids() {
    use_parts swarm
    printf 'n1\nn2\n' | answer 'node ls*' 0
    swarm_nodes 'n1|same|manager|ready|active||10.0.0.1|28.2.2|yes|reachable|10.0.0.1:2377' 'n2|same|worker|ready|pause||10.0.0.2|28.2.2|'
    printf '' | answer 'node inspect*' 0
    bootstrap nodes activate production same
    expect_code 3
    expect_error 'say which by its id: n1 n2'
    bootstrap nodes list production
    expect_output 'same (n2)  worker   ready  pause'
    bootstrap nodes activate production n2
    expect_call '^\[node\]\[update\]\[--availability\]\[active\]\[n2\]$'
    bootstrap nodes activate production n3
    expect_code 3
    expect_error 'unknown node `n3`'
}

test_swarm_join_prints_the_token_on_standard_output_alone() {
    use_swarm
    echo SWMTKN-1-secret | answer 'swarm join-token --quiet worker' 0
    bootstrap nodes join production
    expect_code 0
    expect_content "$box/out" 'docker swarm join --token SWMTKN-1-secret 10.0.0.1:2377'
    expect_no_error SWMTKN
    bootstrap nodes join production --role manager
    expect_call '^\[swarm\]\[join-token\]\[--quiet\]\[manager\]$'
    expect_no_match "$box/docker/calls" SWMTKN
}

cluster_nodes() {
    answer 'get nodes*' 0 <<'END'
node|cp|manager|True||NoSchedule |10.0.0.1 fd00::1 |v1.36.0
label|cp|node-role.kubernetes.io/control-plane|""
node|w1||True||PreferNoSchedule |10.0.0.2 |v1.36.0
label|w1|type|"frontend"
label|w1|kubernetes.io/hostname|"w1"
node|w2||True|yes|NoSchedule |10.0.0.3 |v1.36.0
node|w3||Unknown||NoExecute |10.0.0.4 |v1.36.0
END
}

test_cluster_nodes_have_the_same_schema() {
    use_cluster
    cluster_nodes
    printf '%s\n' 'kube-system/proxy|Running|DaemonSet |' 'kube-system/static|Running|Node |mirror' 'shop/done|Succeeded|Job |' |
        answer 'get pods*spec.nodeName=w2*' 0
    bootstrap nodes list production --output json
    expect_code 0
    expect_output '{"id": "cp", "name": "cp", "role": "manager", "state": "ready", "availability": "active", "schedulable": false, "address": "10.0.0.1", "version": "v1.36.0", "labels": {"node-role.kubernetes.io/control-plane": ""}}'
    expect_output '"name": "w1", "role": "worker", "state": "ready", "availability": "active", "schedulable": true'
    expect_output '"name": "w2", "role": "worker", "state": "ready", "availability": "drain", "schedulable": false'
    expect_output '"name": "w3", "role": "worker", "state": "down", "availability": "active", "schedulable": false'
    bootstrap nodes list production
    expect_output 'w1    worker   ready  active        10.0.0.2  v1.36.0  type=frontend'
}

test_a_cordoned_node_that_is_not_empty_is_paused() {
    use_cluster
    cluster_nodes
    echo 'shop/web-1|Running|ReplicaSet |' | answer 'get pods*' 0
    bootstrap nodes list production
    expect_output 'w2    worker   ready  pause'
    bootstrap nodes remove production w2
    expect_code 3
    bootstrap nodes activate production w2
    expect_call '^\[uncordon\]\[w2\]$'
}

test_cluster_drain_says_what_a_budget_keeps() {
    use_cluster
    cluster_nodes
    printf '%s\n' 'shop/web-1|Running|ReplicaSet |' 'shop/web-2|Running|ReplicaSet |' | answer 'get pods*' 0
    printf '' | answer 'drain*--dry-run=client' 0
    {
        echo 'error when evicting pods/"web-1" -n "shop" (will retry after 5s): Cannot evict pod as it would violate the pod'\''s disruption budget.'
        echo 'error: unable to drain node "w2" due to error: error when evicting pods/"web-1" -n "shop": global timeout reached: 1s'
    } | answer 'drain*' fail1
    bootstrap nodes drain production w2 --timeout 1
    expect_code 5
    expect_call '^\[drain\]\[w2\]\[--ignore-daemonsets\]\[--delete-emptydir-data\]\[--timeout=1s\]$'
    expect_error "shop/web-1 (Cannot evict pod as it would violate the pod's disruption budget.); shop/web-2 (it has not ended yet)"
    expect_no_call disable-eviction
}

test_cluster_drain_refuses_pods_that_nothing_brings_back() {
    use_cluster
    cluster_nodes
    echo 'shop/bare|Running||' | answer 'get pods*' 0
    echo 'error: unable to drain node "w2" due to error: cannot delete Pods that declare no controller (use --force to override): shop/bare, continuing command...' |
        answer 'drain*--dry-run=client' fail1
    bootstrap nodes drain production w2
    expect_code 3
    expect_error '`w2` cannot be drained: cannot delete Pods that declare no controller (use --force to override): shop/bare'
    expect_no_call 'timeout='
}

test_cluster_drain_that_is_forbidden() {
    use_cluster
    cluster_nodes
    echo 'shop/web-1|Running|ReplicaSet |' | answer 'get pods*' 0
    printf '' | answer 'drain*--dry-run=client' 0
    echo 'error: unable to cordon node "w2": nodes "w2" is forbidden' | answer 'drain*' fail1
    bootstrap nodes drain production w2
    expect_code 3
    expect_error '`w2` cannot be drained: unable to cordon node "w2": nodes "w2" is forbidden'
}

test_cluster_labels_and_removes() {
    use_cluster
    cluster_nodes
    printf '' | answer 'get pods*' 0
    bootstrap nodes label production w1 type=backend zone- kubernetes.io/hostname-
    expect_call '^\[label\]\[node\]\[--overwrite\]\[w1\]\[type=backend\]\[kubernetes.io/hostname-\]$'
    for removed in w2 w3; do
        bootstrap nodes remove production "$removed"
        expect_code 0
        expect_call "^\[delete\]\[node\]\[$removed\]\$"
    done
    bootstrap nodes remove production cp
    expect_code 3
}

# The hash is that of: openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum
test_cluster_join_makes_a_token_and_tells_the_authority() {
    use_cluster
    cluster_nodes
    printf '' | answer 'get pods*' 0
    printf 'apiVersion: v1\nkind: Config\n' | answer 'get configmap cluster-info --namespace kube-public*' 0
    authority='-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUF+d7SKJo3uqhFDDN4fH5dnuvfmwwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjExMzUxMDdaGA8yMTI2MTAy
ODEzNTEwN1owFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABF6SqCFdxXRFR5Mg3NIP7ah6HZ4/3qEvqNMdEa2nitRlVDFoV/mq
N/+hYHksg7uRq+86YQdSWnY7S0DRn/s4G7+jUzBRMB0GA1UdDgQWBBSYR3PJoA0L
hjYpZjnTV4Kiy7y1qjAfBgNVHSMEGDAWgBSYR3PJoA0LhjYpZjnTV4Kiy7y1qjAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCrv9j6pY17S8+C3oKm
9Yyd/q9yDcL5/WKGTNays2JYfAIhAP/SJWuGQLtMiGmHWj85SMs3PbI7l5IO2wpH
PJhU8Gya
-----END CERTIFICATE-----'
    printf 'https://api.example.com:6443|%s' "$(printf '%s\n%s\n' "$authority" "$authority" | base64 | tr -d '\n')" |
        answer 'config view*' 0
    printf '' | answer 'create*' stdin
    printf '' | answer '--request-timeout=60s create -f -' stdin
    bootstrap nodes join production
    expect_code 0
    hash=' --discovery-token-ca-cert-hash sha256:fee733be168a5b64c760a7fd203adaba19805e0ee12d49ad2215e4dc58c62609'
    token=$(sed -n 's/^kubeadm join api\.example\.com:6443 --token \([a-z0-9]\{6\}\.[a-z0-9]\{16\}\) .*/\1/p' "$box/out")
    expect_content "$box/out" "kubeadm join api.example.com:6443 --token $token$hash$hash"
    expect_text "$box/docker/stdin" "name: \"bootstrap-token-${token%.*}\""
    expect_text "$box/docker/stdin" "token-secret: \"${token#*.}\""
    expect_match "$box/docker/stdin" 'expiration: "20[0-9-]*T[0-9:]*Z"'
    expect_no_text "$box/docker/calls" "${token#*.}"
    bootstrap nodes join production --role manager
    expect_code 3
    expect_error 'kubeadm token create --print-join-command'
}

test_a_cluster_that_kubeadm_did_not_make() {
    use_cluster
    cluster_nodes
    printf '' | answer 'get pods*' 0
    echo 'Error from server (NotFound): configmaps "cluster-info" not found' | answer 'get configmap*' fail1
    bootstrap nodes join production
    expect_code 3
    expect_error 'there is no cluster-info'
    expect_empty "$box/out"
}

test_provisioning_is_the_script_of_the_release() {
    use_swarm
    bootstrap nodes create production --size 3
    expect_code 3
    expect_error 'declare one in bootstrap.toml: [nodes] create = "SCRIPT"'
    printf "nodes create='here' delete='here'\n" >>"$box/root/environments/production/release"
    bootstrap explain production
    expect_output '  scripts behind nodes'
    expect_output '    delete  here'
    HERE_CODE=9 bootstrap nodes create production --size 3 --yes
    expect_code 9
    expect_content "$box/out" '<shop><production><1.4.2><--size><3><--yes>'
    bootstrap nodes production delete gamma --force
    expect_content "$box/out" '<shop><production><1.4.2><gamma><--force>'
    bootstrap nodes delete --dry-run gamma production x
    expect_content "$box/out" 'run here: mode bootstrap'
    expect_no_call '^\[node\]'
}
