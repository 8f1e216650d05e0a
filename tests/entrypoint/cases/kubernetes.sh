# shellcheck shell=sh disable=SC2016
# The driver for Kubernetes against a kubectl that answers as a cluster would (../kubectl), with manifests as they are rendered.

# A line of what the cluster tells of an object. KIND NAME SERVICE KEY=VALUE…
object() {
    printf 'object=%s\tname=%s\tservice=%s\tcreated=2024-01-01T00:00:00Z' "$1" "$2" "$3"
    shift 3
    for fact do printf '\t%s' "$fact"; done
    printf '\n'
}

workload() { # KIND NAME SERVICE REPLICAS
    object "$1" "$2" "$3" digest=@DIGEST@ generation=1 observed=1 "replicas=$4" "made=$4" "updated=$4" "nodes=$4" \
        "updated-nodes=$4" completions=1 succeeded=1 uses=
}

running_pod() { # NAME SERVICE OWNER FACT…
    pod_name=$1 pod_service=$2 pod_owner=$3
    shift 3
    object Pod "$pod_name" "$pod_service" digest=@DIGEST@ phase=Running "owner=$pod_owner" "image=$(kube_image "$pod_service")" Ready=True \
        running=2024-01-01T00:00:00Z restarts=0 "$@"
}

kube_image() {
    case $1 in web | agent) echo "registry.example.com/shop/$1:1.4.2" ;; *) echo docker.io/library/postgres:16.4 ;; esac
}

cluster_after() {
    {
        workload StatefulSet database database 1
        running_pod database-0 database StatefulSet/database 'probe=0 2 3 1'
        object Job init-1 init digest=@DIGEST@ completions=1 succeeded=1 Complete=True image=docker.io/library/postgres:16.4
        workload Deployment web web 2
        running_pod web-a web ReplicaSet/web
        running_pod web-b web ReplicaSet/web
        workload DaemonSet agent agent 1
        running_pod agent-a agent DaemonSet/agent
    } >"$box/docker/after"
}

# A product that was brought up by the entrypoint itself.
cluster_is_up() {
    use_kubernetes
    cluster_after
    first_up
}

line_of_call() {
    awk -v pattern="$1" '$0 ~ pattern { print NR; exit }' "$box/docker/calls"
}

test_kubernetes_up_goes_namespace_rehearsal_files_services() {
    use_kubernetes
    cluster_after
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_error 'shop-production is at shop 1.4.2'
    namespace_line=$(line_of_call '^\[apply\].*namespace.yaml')
    rehearsal_line=$(line_of_call '--dry-run=server\].*service-web.yaml')
    files_line=$(line_of_call '^\[apply\].*\[-f\]\[-\]$')
    first_line=$(line_of_call '^\[apply\].*bootsmith\]\[-o\]\[name\]\[-f\].*service-database.yaml')
    scale_line=$(line_of_call 'bootsmith-scale\].*scale.yaml')
    web_line=$(line_of_call '^\[apply\].*bootsmith\]\[-o\]\[name\]\[-f\].*service-web.yaml')
    expect_equal "$namespace_line $rehearsal_line $files_line $first_line $scale_line $web_line" \
        "$(printf '%s\n' "$namespace_line" "$rehearsal_line" "$files_line" "$first_line" "$scale_line" "$web_line" | sort -n | tr '\n' ' ' | sed 's/ $//')"
    expect_match "$box/docker/scales" 'replicas: 2'
    expect_no_match "$box/docker/scales" DaemonSet
    expect_no_call force-conflicts.*service-
}

test_kubernetes_names_are_put_in_place_and_text_of_the_user_is_not() {
    cluster_is_up
    expect_no_text "$box/docker/manifests" '${BOOTSMITH_'
    expect_match "$box/docker/manifests/service-web.yaml" 'u0024{BOOTSMITH_DIGEST_WEB}'
    expect_match "$box/docker/manifests/service-web.yaml" 'name: "config-app-[0-9a-f]\{32\}"'
    expect_match "$box/docker/manifests/service-init.yaml" 'name: "init-[0-9a-f]\{32\}"'
}

test_kubernetes_up_again_applies_no_service() {
    cluster_is_up
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_call '^\[apply\].*bootsmith\]\[-o\]\[name\]'
}

test_kubernetes_stored_secret_need_not_be_given_again() {
    cluster_is_up
    sed "s/^\\(object=StatefulSet.*\\)uses=.*/\\1uses=$(sed -n 's/^secret\/\(secret-db-password-[0-9a-f]*\)|.*/\1/p' "$box/docker/records")/" \
        "$box/docker/objects" >"$box/objects"
    cp "$box/objects" "$box/docker/objects"
    bootstrap up production
    expect_code 0
    expect_no_call '^\[apply\].*bootsmith\]\[-o\]\[name\]'
}

test_kubernetes_a_secret_goes_through_a_pipe_alone() {
    use_kubernetes
    cluster_after
    DB_PASSWORD=hunter2secret bootstrap up production
    expect_code 0
    expect_no_call hunter2secret
    expect_match "$box/docker/applied" "$(printf hunter2secret | base64)"
    expect_no_text "$box/docker/manifests" hunter2secret
}

test_kubernetes_conflict_is_refused_with_field_and_manager() {
    use_kubernetes
    answer '*dry-run=server*service-web.yaml' fail1 <<'END'
error: Apply failed with 2 conflicts: conflicts with "kubectl-set" using apps/v1:
- .spec.template.spec.containers[name="web"].image
- .spec.minReadySeconds
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
END
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error '`web`: .spec.template.spec.containers[name="web"].image was changed by `kubectl-set`'
    expect_error '`web`: .spec.minReadySeconds was changed by `kubectl-set`'
    expect_error '--take-over'
    expect_no_call 'bootsmith\]\[-o\]\[name\]'
    expect_no_call '^\[apply\].*\[-f\]\[-\]$'
}

test_kubernetes_take_over_forces() {
    use_kubernetes
    cluster_after
    DB_PASSWORD=pw bootstrap up production --take-over
    expect_code 0
    expect_call '\[--force-conflicts\].*service-web.yaml'
}

test_kubernetes_options_are_of_kubernetes() {
    bootstrap up production --take-over
    expect_code 2
    expect_error '`up` takes no option `--take-over`'
}

test_kubernetes_context_goes_to_every_call() {
    use_kubernetes
    bootstrap ps production --context blue
    expect_code 0
    expect_equal "$(grep -c -v 'version\]\[--client' "$box/docker/calls")" "$(grep -c '^\[--context\]\[blue\]' "$box/docker/calls")"
}

test_kubernetes_refusal_of_the_server_is_told() {
    use_kubernetes
    echo 'The StatefulSet "database" is invalid: spec: Forbidden: updates to statefulset spec for fields other than x are forbidden' |
        answer '*dry-run=server*service-database.yaml' fail1
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error '`database`: the API server refuses it'
    expect_error 'delete statefulset database --cascade=orphan'
}

test_kubernetes_missing_permissions_are_named() {
    use_kubernetes
    printf 'list pods allowed\ncreate jobs.batch denied\npatch jobs.batch denied\npatch services denied\ncreate services denied\n' |
        answer 'create --validate=false*' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'permissions are missing in the namespace shop-production: create,patch of jobs.batch services'
    expect_no_call '^\[apply\]'
}

test_kubernetes_a_cluster_that_is_too_old_is_refused() {
    use_kubernetes
    printf '{"serverVersion": {\n"gitVersion": "v1.24.9"}}\n' | answer 'version -o json' 0
    bootstrap ps production
    expect_code 3
    expect_error 'too old: v1.24.9'
}

test_kubernetes_unreachable_cluster_hints() {
    use_kubernetes
    echo 'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?' | answer 'version -o json' fail1
    bootstrap ps production
    expect_code 3
    expect_error 'the API server does not answer: The connection to the server'
    expect_error 'mount a kubeconfig'
}

test_kubernetes_namespace_of_another_product_is_refused() {
    use_kubernetes
    echo 'wiki|production|Active' >"$box/docker/namespace"
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'belongs to wiki, environment production'
}

test_kubernetes_external_secret_and_its_key_must_be_there() {
    use_kubernetes
    echo ca.crt | answer 'get secret shop-tls *' 0
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the external secret `shop-tls` has no key `tls.crt`'
    expect_error 'its keys are: ca.crt'
    echo 'Error from server (NotFound): secrets "shop-tls" not found' >"$box/docker/answers/1.output"
    echo fail1 >"$box/docker/answers/1.code"
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the external secret `shop-tls` does not exist'
}

# An update whose new pod is as FACTS say, beside an old one that runs. FACT…
update_web_to() {
    cluster_is_up
    {
        workload Deployment web web 2
        running_pod web-old web ReplicaSet/web
        object Pod web-new web digest=@DIGEST@ phase=Pending owner=ReplicaSet/web image=registry.example.com/shop/web:1.4.2 "$@"
    } >"$box/docker/after"
    sed "s/definition='d2'/definition='d9'/" "$box/root/environments/production/release" >"$box/release"
    cp "$box/release" "$box/root/environments/production/release"
    DB_PASSWORD=pw bootstrap up production --timeout 5
}

test_kubernetes_image_that_is_refused_fails_at_once() {
    update_web_to waiting=ImagePullBackOff 'waiting-text="Back-off pulling image: \"x\": 401 Unauthorized"'
    expect_code 5
    expect_error 'web-new cannot run: its image registry.example.com/shop/web:1.4.2 cannot be pulled: Back-off pulling image: "x": 401 Unauthorized'
    expect_error 'the registry refuses the login of the nodes'
}

test_kubernetes_registry_that_does_not_answer_is_waited_for() {
    update_web_to waiting=ErrImagePull 'waiting-text="dial tcp: i/o timeout"'
    expect_code 5
    expect_error 'not ready in time (5 s)'
    expect_error 'dial tcp: i/o timeout'
}

test_kubernetes_pod_without_a_node_says_why() {
    update_web_to PodScheduled=False 'PodScheduled-text="0/1 nodes are available: 1 Insufficient memory."'
    expect_code 5
    expect_error 'no node takes it: 0/1 nodes are available: 1 Insufficient memory.'
}

test_kubernetes_missing_key_of_a_container_fails_at_once() {
    update_web_to waiting=CreateContainerConfigError 'waiting-text="secret \"x\" not found"'
    expect_code 5
    expect_error 'CreateContainerConfigError: secret "x" not found'
}

test_kubernetes_rollout_is_waited_for_although_all_pods_are_ready() {
    cluster_is_up
    sed 's/generation=1	observed=1\(.*service=web\)*/generation=2	observed=1/' "$box/docker/objects" >"$box/objects"
    sed '/object=DaemonSet/d; /object=StatefulSet/d' "$box/objects" >"$box/docker/objects"
    DB_PASSWORD=pw bootstrap up production --timeout 4
    expect_code 5
    expect_error 'the cluster has not taken up the change yet'
}

test_kubernetes_evicted_pods_and_leaving_ones_are_no_replicas() {
    cluster_is_up
    digest=$(sed -n 's/.*object=Pod	name=web-a.*digest=\([0-9a-f]*\).*/\1/p' "$box/docker/objects")
    {
        object Pod web-evicted web "digest=$digest" phase=Failed owner=ReplicaSet/web
        object Pod web-leaving web "digest=$digest" phase=Running leaving=yes owner=ReplicaSet/web
    } >>"$box/docker/objects"
    bootstrap ps production --output json
    expect_code 0
    expect_no_match "$box/out" 'web-evicted\|web-leaving'
}

test_kubernetes_readiness_that_failed_longer_than_its_probe_allows_is_unhealthy() {
    use_kubernetes
    {
        workload StatefulSet database database 1
        object Pod database-0 database digest=d phase=Running image=x Ready=False Ready-since=2024-01-01T00:00:00Z \
            running=2024-01-01T00:00:00Z restarts=0 'probe=0 10 3 1'
    } >"$box/docker/objects"
    bootstrap ps production --output json
    expect_output '"health": "unhealthy"'
}

test_kubernetes_the_newest_job_of_a_service_counts() {
    use_kubernetes
    {
        object Job init-old init digest=old completions=1 Complete=True image=x
        object Job init-new init digest=new completions=1 Failed=True 'Failed-text="too | many"' image=x
    } | sed 's/\(name=init-new.*created=2024\)/\1/; s/name=init-new\(.*\)2024-01-01/name=init-new\12024-02-01/' >"$box/docker/objects"
    bootstrap ps production --output json
    expect_output '"config_digest": "new"'
    expect_output '"exit_code": 1'
    expect_no_match "$box/out" '"config_digest": "old"'
}

test_kubernetes_stop_keeps_the_number() {
    cluster_is_up
    rm "$box/docker/scales"
    sed '/object=Pod/d' "$box/docker/objects" >"$box/objects"
    cp "$box/objects" "$box/docker/objects"
    bootstrap stop production --yes
    expect_code 0
    expect_call 'bootsmith-scale\]\[--force-conflicts\]'
    expect_equal 'Deployment "web" "2" replicas: 0' "$(scale_of_kind Deployment)"
    expect_equal 'DaemonSet "agent" "1" template: {spec: {nodeSelector: {io.bootsmith.stopped: "yes"}}}' "$(scale_of_kind DaemonSet)"
    scale_of_kind Job >"$box/job"
    expect_empty "$box/job"
}

# What the second manager applied to the workload of a kind, on one line. KIND
scale_of_kind() {
    awk -v kind="$1" '/^---/ { on = 0 } $1 == "kind:" { on = $2 == kind; if (on) printf "%s", kind }
        on && /^  name:|replicas: "/ { printf " %s", $2 }
        on && /^  (replicas|template|suspend):/ { sub(/^ +/, ""); printf " %s", $0 }' "$box/docker/scales"
}

test_kubernetes_start_gives_the_number_back() {
    use_kubernetes
    {
        workload StatefulSet database database 1
        running_pod database-0 database StatefulSet/database 'probe=0 2 3 1'
        workload Deployment web web 0 | sed 's/uses=$/kept=2/'
        workload DaemonSet agent agent 0 | sed 's/uses=$/kept=1\tparked=yes/'
    } >"$box/docker/objects"
    bootstrap start production --timeout 3
    expect_code 5
    expect_error 'web: 0 of 2 ready'
    expect_equal 'Deployment "web" replicas: 2' "$(scale_of_kind Deployment)"
    expect_equal 'DaemonSet "agent"' "$(scale_of_kind DaemonSet)"
}

test_kubernetes_scale_writes_the_number_alone() {
    cluster_is_up
    rm "$box/docker/scales"
    DB_PASSWORD=pw bootstrap scale production web=3 --timeout 3
    expect_code 5
    expect_call 'bootsmith-scale\]\[--force-conflicts\]'
    expect_no_call '^\[apply\].*service-web.yaml'
    expect_match "$box/docker/scales" 'replicas: 3'
    expect_match "$box/docker/records" '^configmap/bootsmith-scale-web|scale||||web|3|2|'
}

test_kubernetes_leftovers_go_by_name_and_volumes_stay() {
    use_kubernetes
    cluster_after
    printf '%s\n' statefulset.apps/database deployment.apps/old deployment.apps/web persistentvolumeclaim/data service/old >"$box/docker/names"
    printf 'configmap/config-old-1|config|old|1|0:0:0444|||||\n' >"$box/docker/records"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[delete\]\[--ignore-not-found\]\[deployment.apps/old\]\[service/old\]$'
    expect_call '^\[delete\]\[--ignore-not-found\]\[configmap/config-old-1\]$'
    expect_no_call 'delete.*persistentvolumeclaim'
}

test_kubernetes_down_keeps_data_and_a_namespace_that_is_lived_in() {
    cluster_is_up
    rm "$box/docker/objects"
    printf '%s\n' deployment.apps/web persistentvolumeclaim/data >"$box/docker/names"
    echo PersistentVolumeClaim/data | answer 'get configmaps,secrets,pods *' 0
    bootstrap down production --yes
    expect_code 0
    expect_call '^\[delete\]\[--ignore-not-found\]\[deployment.apps/web\]$'
    expect_no_call 'delete.*persistentvolumeclaim'
    expect_no_call 'delete\]\[namespace'
    expect_error 'namespace shop-production: kept for what is still in it: PersistentVolumeClaim/data'
}

test_kubernetes_down_with_volumes_removes_the_namespace_that_is_empty() {
    cluster_is_up
    rm "$box/docker/objects"
    echo persistentvolumeclaim/data >"$box/docker/names"
    printf 'ConfigMap/kube-root-ca.crt\nServiceAccount/default\n' | answer 'get configmaps,secrets,pods *' 0
    bootstrap down production --volumes --yes
    expect_code 0
    expect_call '^\[delete\]\[--ignore-not-found\].*\[persistentvolumeclaim/data\]$'
    expect_call '^\[delete\]\[namespace\]\[shop-production\]$'
}

test_kubernetes_down_leaves_a_namespace_that_we_did_not_make() {
    cluster_is_up
    rm "$box/docker/objects"
    echo '||Active' >"$box/docker/namespace"
    bootstrap down production --volumes --yes
    expect_code 0
    expect_no_call 'delete\]\[namespace'
}

test_kubernetes_a_one_off_is_a_job_and_gives_its_code() {
    cluster_is_up
    echo 7 >"$box/docker/once-code"
    DB_PASSWORD=pw bootstrap run production once
    expect_code 7
    expect_text "$box/docker/patch" '"command": ["mi grate", "--all $$(HOME)"]'
    expect_text "$box/docker/patch" '"readinessGates"'
    expect_call '^\[delete\]\[job\]\[shop-production-run-once-[0-9a-f]*\]'
}

test_kubernetes_a_one_off_has_no_input() {
    cluster_is_up
    echo data >"$box/input"
    code=0
    DB_PASSWORD=pw run_bootstrap run production fill <"$box/input" >"$box/out" 2>"$box/err" || code=$?
    expect_code 3
    expect_error '`fill` reads data, but a container of its own has no input on Kubernetes'
    expect_no_call '^\[apply\]'
}

test_kubernetes_exec_names_the_container() {
    cluster_is_up
    bootstrap run production backup extra
    expect_code 0
    expect_call '^\[exec\]\[-i\]\[pod/database-0\]\[-c\]\[database\]\[--\]\[env\]\[BOOTSMITH_PROJECT=shop\].*\[extra\]$'
}

test_kubernetes_images_are_not_said_to_be_here() {
    use_kubernetes
    bootstrap images production --check
    expect_code 0
    expect_output 'pulled by the nodes'
    bootstrap pull production
    expect_code 0
    expect_error 'the nodes of the cluster pull each image'
}

test_kubernetes_config_needs_no_cluster_and_masks() {
    use_kubernetes
    bootstrap config production
    expect_code 0
    expect_output 'config-digest: "(decided on the target)"'
    expect_output '  "GREETING": "it'"'"'s \"me\" $HOME \\"'
    expect_no_call version.*json
}
