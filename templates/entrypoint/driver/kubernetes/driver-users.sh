# Users for Kubernetes: a ServiceAccount, a Role and a RoleBinding for each, in the product's namespace alone.
#
# What is handed out is a kubeconfig with a token that the cluster does not store: it ends by itself, and at once when the
# user is removed. A stored token (a Secret) could be read by every user with the role edit.
#
# Must not:  write a name without quotes (YAML reads `y` and `1e3` as something else), `*` in a rule, bind a ClusterRole, or put a token in an argv or a file that stays.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly user_token_duration=2160h # 90 days; the cluster may shorten it

# VERB RESOURCE.GROUP lines for the action, as `needed_permissions` prints them.
needed_user_permissions() {
    echo 'list serviceaccounts'
    for needed_kind in serviceaccounts roles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io; do
        case $action in
        add) printf '%s\n' "create $needed_kind" "patch $needed_kind" ;;
        remove) echo "delete $needed_kind" ;;
        esac
    done
    [ "$action" != add ] || echo 'create serviceaccounts/token'
}

driver_check_users() {
    : # every cluster has them
}

driver_read_users() {
    capture "$work/answer" cluster get serviceaccounts --namespace "$target" \
        --selector "io.bootsmith.project=$project,io.bootsmith.environment=$environment_name,io.bootsmith.kind=user" \
        -o 'go-template={{range .items}}{{index .metadata.labels "io.bootsmith.user"}}|{{index .metadata.labels "io.bootsmith.role"}}|{{.metadata.creationTimestamp}}{{"\n"}}{{end}}' ||
        return 1
    sort "$work/answer" >"$work/users"
}

# ACTION NAME ROLE
driver_change_user() {
    user_name=$2 user_role=$3 user_object=bootsmith-user-$2
    case $1 in
    add) add_cluster_user ;;
    remove)
        capture "$work/answer" cluster delete rolebinding,role,serviceaccount "$user_object" --namespace "$target" --ignore-not-found
        ;;
    esac
}

add_cluster_user() {
    { user_object_head v1 ServiceAccount && printf 'automountServiceAccountToken: false\n' && user_role_object; } >"$work/user.yaml"
    user_binding_object >"$work/binding.yaml"
    apply_user_file user.yaml --dry-run=server ||
        refuse "the user \`$user_name\` cannot be made: $(complaint)" "is $target deployed (\`up $environment_name\`), and may you make roles in it?"
    apply_user_file user.yaml && apply_user_file binding.yaml || return 1
    read_user_cluster
    capture "$work/token" cluster create token "$user_object" --namespace "$target" --duration "$user_token_duration" \
        -o 'go-template={{.status.token}} {{.status.expirationTimestamp}}{{"\n"}}'
    user_status=$?
    read -r user_token user_expires <"$work/token"
    rm -f "$work/token"
    [ "$user_status" -eq 0 ] || return 1
    show_kubeconfig
    say "the kubeconfig on standard output is good until $user_expires; the same command makes another"
}

apply_user_file() { # FILE OPTION…
    user_file=$1
    shift
    capture "$work/answer" cluster apply --server-side --field-manager=bootsmith "$@" -f "$work/$user_file"
}

# API-VERSION KIND
user_object_head() {
    printf '%s\n' --- "apiVersion: $1" "kind: $2" metadata: "  name: \"$user_object\"" "  namespace: \"$target\"" '  labels:' \
        "    io.bootsmith.project: \"$project\"" "    io.bootsmith.environment: \"$environment_name\"" '    io.bootsmith.kind: user' \
        "    io.bootsmith.user: \"$user_name\"" "    io.bootsmith.role: \"$user_role\""
}

user_role_object() {
    user_object_head rbac.authorization.k8s.io/v1 Role
    printf 'rules:\n'
    view_rules
    [ "$user_role" = view ] || edit_rules
    [ "$user_role" != admin ] || admin_rules
}

user_binding_object() {
    user_object_head rbac.authorization.k8s.io/v1 RoleBinding
    printf '%s\n' "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: \"$user_object\"}" \
        "subjects: [{kind: ServiceAccount, name: \"$user_object\", namespace: \"$target\"}]"
}

# GROUP RESOURCES VERBS
rule() {
    printf -- '- {apiGroups: ["%s"], resources: [%s], verbs: [%s]}\n' "$1" "$2" "$3"
}

# What is there and how it does; no Secrets.
view_rules() {
    rule '' 'namespaces' 'get'
    rule '' 'pods, pods/log, pods/status, services, endpoints, configmaps, persistentvolumeclaims, serviceaccounts, events' "$reading_verbs"
    rule events.k8s.io 'events' "$reading_verbs"
    rule discovery.k8s.io 'endpointslices' "$reading_verbs"
    rule apps 'deployments, statefulsets, daemonsets, replicasets, controllerrevisions' "$reading_verbs"
    rule batch 'jobs, cronjobs' "$reading_verbs"
    rule autoscaling 'horizontalpodautoscalers' "$reading_verbs"
    rule networking.k8s.io 'ingresses, networkpolicies' "$reading_verbs"
    rule policy 'poddisruptionbudgets' "$reading_verbs"
    rule coordination.k8s.io 'leases' "$reading_verbs"
}

# What the bootstrap image does to the product. Whoever makes pods reaches what the pods of the namespace reach.
edit_rules() {
    rule '' 'secrets' "$reading_verbs, $writing_verbs"
    rule '' 'services, configmaps, persistentvolumeclaims, serviceaccounts, pods' "$writing_verbs"
    rule '' 'pods/exec, pods/attach, pods/portforward' 'get, create'
    rule '' 'pods/eviction' 'create'
    rule apps 'deployments, statefulsets, daemonsets' "$writing_verbs"
    rule apps 'deployments/scale, statefulsets/scale' 'get, update, patch'
    rule batch 'jobs, cronjobs' "$writing_verbs"
    rule autoscaling 'horizontalpodautoscalers' "$writing_verbs"
    rule networking.k8s.io 'ingresses, networkpolicies' "$writing_verbs"
    rule policy 'poddisruptionbudgets' "$writing_verbs"
    rule coordination.k8s.io 'leases' "$writing_verbs"
    own_addition_resources | while IFS=. read -r brought_resource brought_group; do
        rule "$brought_group" "$brought_resource" "$reading_verbs, $writing_verbs"
    done
}

# Users of the same namespace: the cluster lets nobody give more than they have.
admin_rules() {
    rule '' 'serviceaccounts/token' 'create'
    rule rbac.authorization.k8s.io 'roles, rolebindings' "$reading_verbs, $writing_verbs"
}

readonly reading_verbs='get, list, watch' writing_verbs='create, update, patch, delete'

# Where the user finds the cluster: as we do by our kubeconfig, or, inside of the cluster, by what it says of itself.
read_user_cluster() {
    if capture "$work/cluster" cluster config view --raw --minify --flatten -o "go-template=$cluster_template"; then return 0; fi
    if capture "$work/cluster-info" cluster get configmap cluster-info --namespace kube-public -o 'go-template={{.data.kubeconfig}}' &&
        capture "$work/cluster" kubectl config view --raw --kubeconfig "$work/cluster-info" -o "go-template=$cluster_template"; then
        return 0
    fi
    warn "the cluster's address in the kubeconfig is good inside of the cluster alone: no other is known here"
    printf '    server: "https://%s:%s"\n    certificate-authority-data: "%s"\n' "${KUBERNETES_SERVICE_HOST:-kubernetes.default.svc}" \
        "${KUBERNETES_SERVICE_PORT:-443}" "$(base64 <"$in_cluster_authority" | tr -d '\n')" >"$work/cluster"
}

readonly in_cluster_authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt
readonly cluster_template='{{with (index .clusters 0).cluster}}{{range $key, $value := .}}{{if ne $key "extensions"}}    {{$key}}: {{printf "%v" $value | printf "%q"}}{{"\n"}}{{end}}{{end}}{{end}}'

show_kubeconfig() {
    printf '%s\n' 'apiVersion: v1' 'kind: Config' 'clusters:' "- name: \"$target\"" '  cluster:'
    sed 's/^\( *insecure-skip-tls-verify\): "\(.*\)"$/\1: \2/' "$work/cluster"
    printf '%s\n' 'users:' "- name: \"$user_name\"" '  user:' "    token: \"$user_token\"" 'contexts:' "- name: \"$target\"" \
        "  context: {cluster: \"$target\", user: \"$user_name\", namespace: \"$target\"}" "current-context: \"$target\""
}
