# Users: the scripts of a release first, those of a namespace on Kubernetes, none elsewhere. (use_parts, use_cluster: nodes.sh)

# Scripts of each mode that show what they were told. RECORD
use_user_scripts() {
    printf '#!/bin/sh\nprintf "<%%s>" "$BOOTSMITH_PROJECT" "$BOOTSMITH_ROLE" "$@"\n' >"$box/root/scripts/who.sh"
    chmod +x "$box/root/scripts/who.sh"
    printf '%s\n' "script 'who' mode='bootstrap' file='who.sh'" "script 'who-exec' mode='exec' service='database' -- 'who'" \
        "script 'who-run' mode='run' service='web' -- 'who'" "$1" >>"$box/root/environments/production/release"
}

test_without_scripts_only_a_cluster_has_users() {
    for platform in compose swarm; do
        use_parts "$platform"
        bootstrap users add production anna --role view
        expect_code 3
        expect_error '[users] add = "SCRIPT"'
    done
    expect_empty "$box/docker/calls"
}

test_scripts_come_first_on_every_platform() {
    use_user_scripts "users add='who' list='who'"
    for platform in compose swarm kubernetes; do
        use_parts "$platform"
        bootstrap users add production anna@example.com --role cashier -- --shop 'a b'
        expect_code 0
        expect_content "$box/out" '<shop><cashier><anna@example.com><--shop><a b>'
        bootstrap users list production
        expect_content "$box/out" '<shop><>'
        bootstrap users list production --output json
        expect_code 2
        bootstrap users remove production anna
        expect_code 3
        expect_error 'this release has no script for `users remove`'
        expect_error 'it has scripts for: add list'
    done
}

test_the_role_reaches_scripts_of_every_mode() {
    use_user_scripts "users add='who-exec' remove='who-run'"
    product_is_up
    bootstrap users add production anna --role edit
    expect_code 0
    expect_call '^\[exec\]\[-i\].*\[-e\]\[BOOTSMITH_ROLE=edit\].*\[c1\]\[who\]\[anna\]$'
    expect_call '\[-e\]\[BOOTSMITH_VERSION=1.4.2\]'
    DB_PASSWORD=pw bootstrap users remove production anna
    expect_code 0
    expect_call "\[run\]\[--no-deps\].*\[-e\]\[BOOTSMITH_ROLE=\].*\[--entrypoint\]\['who'\]\[web\]\[anna\]\$"
}

cluster_users() {
    printf 'anna|view|2026-01-01T00:00:00Z\n' | answer 'get serviceaccounts --namespace shop-production*' 0
    printf '' | answer 'apply*' 0
    printf '    server: "https://api.example.com:6443"\n    insecure-skip-tls-verify: "true"\n' | answer 'config view --raw --minify*' 0
    printf 'a.secret.token 2026-04-01T00:00:00Z\n' | answer 'create token*' 0
}

test_cluster_user_gets_a_kubeconfig() {
    use_cluster
    cluster_users
    bootstrap users add production bert --role edit
    expect_code 0
    cat >"$box/wanted" <<'END'
apiVersion: v1
kind: Config
clusters:
- name: "shop-production"
  cluster:
    server: "https://api.example.com:6443"
    insecure-skip-tls-verify: true
users:
- name: "bert"
  user:
    token: "a.secret.token"
contexts:
- name: "shop-production"
  context: {cluster: "shop-production", user: "bert", namespace: "shop-production"}
current-context: "shop-production"
END
    expect_same "$box/wanted" "$box/out"
    expect_call '^\[create\]\[token\]\[bootsmith-user-bert\]\[--namespace\]\[shop-production\]\[--duration\]\[2160h\]'
    expect_error 'good until 2026-04-01T00:00:00Z'
    expect_no_error a.secret.token
    expect_match "$box/applied.user.yaml" '^kind: ServiceAccount'
    expect_match "$box/applied.binding.yaml" '^roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "bootsmith-user-bert"}'
    expect_empty "$box/work"
}

# Every right of every role: one that is added, widened or moved shows here. Each role has what the one before has.
test_cluster_roles_are_explicit() {
    use_cluster
    cluster_users
    cat >"$box/view" <<'END'
- {apiGroups: [""], resources: [namespaces], verbs: [get]}
- {apiGroups: [""], resources: [pods, pods/log, pods/status, services, endpoints, configmaps, persistentvolumeclaims, serviceaccounts, events], verbs: [get, list, watch]}
- {apiGroups: ["events.k8s.io"], resources: [events], verbs: [get, list, watch]}
- {apiGroups: ["discovery.k8s.io"], resources: [endpointslices], verbs: [get, list, watch]}
- {apiGroups: ["apps"], resources: [deployments, statefulsets, daemonsets, replicasets, controllerrevisions], verbs: [get, list, watch]}
- {apiGroups: ["batch"], resources: [jobs, cronjobs], verbs: [get, list, watch]}
- {apiGroups: ["autoscaling"], resources: [horizontalpodautoscalers], verbs: [get, list, watch]}
- {apiGroups: ["networking.k8s.io"], resources: [ingresses, networkpolicies], verbs: [get, list, watch]}
- {apiGroups: ["policy"], resources: [poddisruptionbudgets], verbs: [get, list, watch]}
- {apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [get, list, watch]}
END
    {
        cat "$box/view"
        cat <<'END'
- {apiGroups: [""], resources: [secrets], verbs: [get, list, watch, create, update, patch, delete]}
- {apiGroups: [""], resources: [services, configmaps, persistentvolumeclaims, serviceaccounts, pods], verbs: [create, update, patch, delete]}
- {apiGroups: [""], resources: [pods/exec, pods/attach, pods/portforward], verbs: [get, create]}
- {apiGroups: [""], resources: [pods/eviction], verbs: [create]}
- {apiGroups: ["apps"], resources: [deployments, statefulsets, daemonsets], verbs: [create, update, patch, delete]}
- {apiGroups: ["apps"], resources: [deployments/scale, statefulsets/scale], verbs: [get, update, patch]}
- {apiGroups: ["batch"], resources: [jobs, cronjobs], verbs: [create, update, patch, delete]}
- {apiGroups: ["autoscaling"], resources: [horizontalpodautoscalers], verbs: [create, update, patch, delete]}
- {apiGroups: ["networking.k8s.io"], resources: [ingresses, networkpolicies], verbs: [create, update, patch, delete]}
- {apiGroups: ["policy"], resources: [poddisruptionbudgets], verbs: [create, update, patch, delete]}
- {apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [create, update, patch, delete]}
END
    } >"$box/edit"
    {
        cat "$box/edit"
        cat <<'END'
- {apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}
- {apiGroups: ["rbac.authorization.k8s.io"], resources: [roles, rolebindings], verbs: [get, list, watch, create, update, patch, delete]}
END
    } >"$box/admin"
    for role in view edit admin; do
        bootstrap users add production bert --role "$role"
        expect_code 0
        sed '1,/^rules:$/d' "$box/applied.user.yaml" >"$box/rules.$role"
        expect_same "$box/$role" "$box/rules.$role"
        expect_no_text "$box/applied.user.yaml" ClusterRole
        expect_no_text "$box/applied.binding.yaml" ClusterRole
    done
}

test_cluster_user_that_is_there_changes_its_role() {
    use_cluster
    cluster_users
    bootstrap users add production anna --role admin --dry-run
    expect_content "$box/out" 'change anna from view to admin'
    expect_no_call '^\[apply\]'
    bootstrap users list production --output json
    expect_output '{"user": "anna", "role": "view", "since": "2026-01-01T00:00:00Z"}'
}

test_cluster_user_words_are_checked_first() {
    use_cluster
    cluster_users
    for words in 'add' 'add bert' 'add bert --role boss' 'add Bert --role view' 'add bert- --role view' 'add bert x --role view' 'list x' 'remove' \
        "add $(printf 'a%040d' 0) --role view"; do
        # shellcheck disable=SC2086
        bootstrap users production $words
        expect_code 2
    done
    expect_empty "$box/docker/calls"
    bootstrap users add production bert --role boss
    expect_error 'known roles: view edit admin'
}

test_cluster_user_that_cannot_be_made_changes_nothing() {
    use_cluster
    printf '' | answer 'get serviceaccounts*' 0
    echo 'Error from server (NotFound): namespaces "shop-production" not found' | answer 'apply*--dry-run=server*' fail1
    bootstrap users add production bert --role view
    expect_code 3
    expect_error 'the user `bert` cannot be made: Error from server (NotFound)'
    expect_count "$box/docker/calls" 1 apply
    expect_empty "$box/out"
}

test_cluster_user_without_a_token_is_said() {
    use_cluster
    echo 'error: failed to create token: the server could not find the requested resource' | answer 'create token*' fail1
    cluster_users
    bootstrap users add production bert --role view
    expect_code 5
    expect_error 'the user `bert` is not ready: failed to create token'
    expect_empty "$box/out"
}

test_cluster_user_is_removed_as_a_whole() {
    use_cluster
    cluster_users
    printf '' | answer 'delete*' 0
    bootstrap users remove production bert
    expect_code 3
    expect_error 'unknown user `bert`'
    bootstrap users remove production anna
    expect_code 0
    expect_call '^\[delete\]\[rolebinding,role,serviceaccount\]\[bootsmith-user-anna\]\[--namespace\]\[shop-production\]'
}

# In the cluster there is no kubeconfig: cluster-info says where others find it.
test_cluster_user_made_from_inside_of_the_cluster() {
    use_cluster
    echo 'error: current-context must exist in order to minify' | answer 'config view --raw --minify*' fail1
    printf '    server: "https://public.example.com:6443"\n' | answer 'config view --raw --kubeconfig*' 0
    cluster_users
    bootstrap users add production bert --role view
    expect_output 'server: "https://public.example.com:6443"'
}
