# The driver for Kubernetes: the only files of its image that know kubectl: this one, which finds and looks, and the parts
# -apply (namespace, rehearsal, services), -files (configs, secrets, records), -permissions, -remove, and -run (logs, commands, manifests).
#
# What a driver is, function by function: driver/README.md of the sources. Everything is asked and done with kubectl: the API
# server answers in the words of a go-template, so that no JSON has to be read here.
#
# Must not:  decide what is wanted, find an object by its name alone, or delete a namespace for what is in it.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly server_minimum=1.25  # server-side apply, suspended jobs, PodSecurity and immutable secrets are all there

# fetch_images says this instead of pulling: from here no image can be had or looked at.
nodes_pull='the nodes of the cluster pull each image when they first need it'

# A pod that is not started yet will be.
starts_by_itself=yes

# kubectl for this target. It replaces the process: to be called in the background, in a pipe or in a substitution only.
cluster() {
    [ -z "$option_context" ] || set -- --context "$option_context" "$@"
    exec kubectl --cache-dir "$work/kubectl" --namespace "$target" "$@"
}

# The labels of everything that is ours, as a selector.
our_labels() {
    printf 'io.bootsmith.project=%s,io.bootsmith.environment=%s' "$project" "$environment_name"
}

driver_find_tools() {
    export KUBERC=off # nothing of the operator's preferences may leak in
    if ! command -v kubectl >/dev/null; then
        add_fault 'there is no `kubectl` in this image' 'the base of the bootstrap image must bring kubectl'
    elif capture "$work/tool" kubectl version --client; then
        kubectl_version=$(sed -n 's/^Client Version: v*//p' "$work/tool")
        # shellcheck disable=SC2034 # read by doctor_check
        check_note="kubectl $kubectl_version"
    else
        add_fault "kubectl does not work: $(complaint)"
    fi
}

driver_check_engine() {
    if ! capture_seconds=20 capture "$work/engine" cluster version -o json; then
        add_fault "the API server does not answer: $(complaint)" "$(cluster_hint)"
        return 0
    fi
    server_version=$(awk -F '"' '/"serverVersion"/ { server = 1 } server && $2 == "gitVersion" { print $4; exit }' "$work/engine")
    is_server_new_enough "${server_version#v}" ||
        add_fault "the cluster is too old: $server_version" "Kubernetes $server_minimum or newer is needed"
    check_permissions
    # shellcheck disable=SC2034 # read by doctor_check
    check_note="Kubernetes $server_version, namespace $target${option_context:+, context $option_context}"
    is_skew_supported "$kubectl_version" "${server_version#v}" ||
        check_warning="kubectl $kubectl_version is supported for servers up to one minor version older or newer, and this one is ${server_version#v}: build the image on a base with another kubectl"
}

# https://kubernetes.io/releases/version-skew-policy/#kubectl. VERSION VERSION
is_skew_supported() {
    [ "${1%%.*}" = "${2%%.*}" ] || return 1
    skew=$(($(minor_of "$1") - $(minor_of "$2")))
    [ "${skew#-}" -le 1 ]
}

minor_of() { # VERSION, such as 1.36.2 or 1.31+
    version_minor=${1#*.}
    version_minor=${version_minor%%[!0-9]*}
    printf '%s' "${version_minor:-0}"
}

is_server_new_enough() { # VERSION, such as 1.36.2 or 1.31+
    case $1 in [0-9]*) ;; *) return 1 ;; esac
    [ "${1%%.*}" -gt "${server_minimum%%.*}" ] || [ "$(minor_of "$1")" -ge "${server_minimum#*.}" ]
}

cluster_hint() {
    case $(cat "$work/complaint") in
    *context*'does not exist'*) echo 'the contexts of the kubeconfig: kubectl config get-contexts' ;;
    *[Uu]nauthorized* | *'provide credentials'* | *'must be logged in'*) echo 'the login of the kubeconfig is not valid here; a login helper (exec) must be in this image too' ;;
    *'executable '*' not found'*) echo 'the kubeconfig calls a login helper that is not in this image: use one with a token or a certificate' ;;
    *x509* | *[Tt][Ll][Ss]*) echo 'the certificate of the API server is not the one that the kubeconfig trusts' ;;
    *)
        if [ -n "${KUBERNETES_SERVICE_HOST:-}" ]; then
            echo 'in a cluster: the service account must be mounted, and policies must let the pod reach the API server'
        else
            echo 'mount a kubeconfig: -v "$HOME/.kube/config:/kubeconfig:ro" -e KUBECONFIG=/kubeconfig (for 127.0.0.1: --network host)'
        fi
        ;;
    esac
}

# The kinds that a release is made of, as RESOURCE.GROUP; in the order in which they are removed.
readonly workload_kinds='deployments.apps statefulsets.apps daemonsets.apps jobs.batch cronjobs.batch'
readonly other_kinds='services ingresses.networking.k8s.io networkpolicies.networking.k8s.io poddisruptionbudgets.policy horizontalpodautoscalers.autoscaling serviceaccounts persistentvolumeclaims'
readonly record_kinds='configmaps secrets'

# Who may only look need not be allowed to read Secrets: needed_classes asks for the same.
record_kinds() {
    case $command in ps | logs | images) echo configmaps ;; *) echo "$record_kinds" ;; esac
}

# The table of portability asks for no version of a cluster.
driver_check_requirement() {
    :
}

# A Service has addresses of its own; ports of nodes the API server refuses in the rehearsal.
driver_check_ports() {
    :
}

# The API server rehearses it: driver_check_host_files.
driver_check_manifest() {
    :
}

# The namespace must not be another product's; external secrets and volumes must be there.
driver_check_externals() {
    namespace_enforces='' # a level of Pod Security
    namespace_state='' # missing, ours, theirs; unknown when it may not be asked for
    if capture "$work/namespace" cluster get namespace "$target" -o go-template="$namespace_template"; then
        IFS='|' read -r namespace_project namespace_environment namespace_phase namespace_enforces <"$work/namespace"
        judge_namespace
    elif grep -q NotFound "$work/complaint"; then
        namespace_state=missing
    fi
    check_addition_resources
    [ "$namespace_state" = missing ] || for_each volume check_external_volume
    for_each external_secret check_external_secret
}

readonly namespace_template='{{with .metadata.labels}}{{or (index . "io.bootsmith.project") ""}}|{{or (index . "io.bootsmith.environment") ""}}{{else}}|{{end}}|{{.status.phase}}|{{with .metadata.labels}}{{or (index . "pod-security.kubernetes.io/enforce") ""}}{{end}}{{"\n"}}'

judge_namespace() {
    case $namespace_project/$namespace_environment in
    "$project/$environment_name") namespace_state=ours ;;
    /) namespace_state=theirs ;;
    *) add_fault "the namespace $target belongs to $namespace_project, environment $namespace_environment" ;;
    esac
    [ "$namespace_phase" != Terminating ] ||
        add_fault "the namespace $target is being deleted" 'wait until it is gone, then repeat the same command'
}

check_external_volume() {
    parse_object "$@"
    [ -z "$object_external" ] || capture "$work/answer" cluster get persistentvolumeclaim "$object_name" -o name ||
        add_fault "the external volume \`$object_name\` does not exist in the namespace $target" 'it is a PersistentVolumeClaim that must be there first'
}

# Only the names of the keys are asked for.
check_external_secret() {
    external_name=$1 external_key=content
    shift
    for fact do
        case $fact in key=*) external_key=${fact#*=} ;; esac
    done
    if ! capture "$work/answer" cluster get secret "$external_name" -o go-template='{{range $key, $value := .data}}{{$key}}{{"\n"}}{{end}}'; then
        add_fault "the external secret \`$external_name\` does not exist in the namespace $target" \
            "create it: kubectl -n $target create secret generic $external_name --from-file=$external_key=FILE"
    elif ! grep -qxF -e "$external_key" "$work/answer"; then
        add_fault "the external secret \`$external_name\` has no key \`$external_key\`" "its keys are: $(tr '\n' ' ' <"$work/answer")"
    fi
}

# Nodes have the logins: there is none that could be judged from here.
driver_check_logins() {
    check_note='nodes log in by themselves, or by the imagePullSecrets of the release'
}

driver_describe_disk() {
    if capture "$work/answer" cluster get persistentvolumeclaims --selector "$(our_labels)" \
        -o go-template='{{range .items}}{{.metadata.name}} {{or .status.phase "?"}} {{with .status.capacity}}{{.storage}}{{end}}, {{end}}'; then
        check_note=$(sed 's/, $//' "$work/answer")
        check_note=${check_note:-no volumes yet}
    else
        check_note='volumes not known'
    fi
}

# An image is known by its reference alone: what a node has pulled under it is the node's business.
driver_read_image_id() {
    # shellcheck disable=SC2034 # read by the core
    image_id=$1
}

driver_image_digest() {
    case $1 in *@*) printf '%s\n' "${1##*@}" ;; esac
}

# Nobody but a node can say: the core does not ask where nodes pull.
driver_is_pullable() {
    fail_bug "whether $1 can be pulled is not known from here"
}

driver_pull() {
    detail "$1: $nodes_pull"
}

driver_load() {
    fail_bug 'a cluster takes images from a registry alone'
}

driver_say_where_else() {
    :
}

# What runs once a node, or is scaled by an autoscaler, has as many replicas as the cluster says by now.
driver_count_nodes() {
    wanted_replicas=$(live_replicas "$service_name")
    [ -n "$wanted_replicas" ] || wanted_replicas=$service_replicas
}

# An object that is only rehearsed tells the time of the API server.
driver_read_clock() {
    if [ -z "${clock_ahead:-}" ]; then
        clock_ahead=0
        if capture "$work/clock" cluster create configmap bootsmith-clock --dry-run=server -o go-template='{{.metadata.creationTimestamp}}' &&
            read_epoch "$(cat "$work/clock")"; then
            clock_ahead=$((epoch - $(date +%s)))
        fi
    fi
    target_clock=$(($(date +%s) + clock_ahead))
}

# Prints NAME|VERSION lines; what does not answer is left out.
driver_show_versions() {
    begin_faults
    driver_find_tools
    printf 'kubectl|%s\n' "${kubectl_version:-}"
}
