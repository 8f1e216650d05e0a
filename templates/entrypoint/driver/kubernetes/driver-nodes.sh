# Nodes for Kubernetes: cordon, drain, labels, deletion, and the line with which kubeadm joins a machine.
#
# A node that is cordoned is `pause`; when nothing but DaemonSets' and the node's own pods is left on it, it is `drain`.
#
# Must not:  put a token in an argv or a file, or delete a pod past its disruption budget.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly join_token_seconds=86400 # kubeadm's own default

# One line `node|…` a node, with role, Ready, unschedulable, taints still raw, and one line `label|…` a label.
readonly nodes_template='{{range .items}}{{$name := .metadata.name}}node|{{$name}}|{{range $key, $value := .metadata.labels}}{{if or (eq $key "node-role.kubernetes.io/control-plane") (eq $key "node-role.kubernetes.io/master")}}manager{{end}}{{end}}|{{range .status.conditions}}{{if eq .type "Ready"}}{{.status}}{{end}}{{end}}|{{if .spec.unschedulable}}yes{{end}}|{{range .spec.taints}}{{.effect}} {{end}}|{{range .status.addresses}}{{if eq .type "InternalIP"}}{{.address}} {{end}}{{end}}|{{if .status.nodeInfo}}{{.status.nodeInfo.kubeletVersion}}{{end}}{{"\n"}}{{range $key, $value := .metadata.labels}}label|{{$name}}|{{$key}}|{{printf "%q" $value}}{{"\n"}}{{end}}{{end}}'

# Pods with what says whether a drain moves them.
readonly node_pods_template='{{range .items}}{{.metadata.namespace}}/{{.metadata.name}}|{{if .status}}{{.status.phase}}{{end}}|{{range .metadata.ownerReferences}}{{.kind}} {{end}}|{{if .metadata.annotations}}{{if index .metadata.annotations "kubernetes.io/config.mirror"}}mirror{{end}}{{end}}{{"\n"}}{{end}}'

driver_read_nodes() {
    capture "$work/answer" cluster get nodes -o "go-template=$nodes_template" || return 1
    sed -n 's/^label|//p' "$work/answer" >"$work/node-labels"
    sed -n 's/^node|//p' "$work/answer" | awk -F '|' -v OFS='|' '{
            state = $3 == "True" ? "ready" : ($3 == "" ? "unknown" : "down")
            split($6, address, " ")
            free = $4 == "" && state == "ready" && (" " $5) !~ / (NoSchedule|NoExecute) /
            print $1, $1, ($2 == "" ? "worker" : "manager"), state, ($4 == "" ? "active" : "pause"), (free ? "yes" : "no"), address[1], $7
        }' >"$work/cordoned"
    tell_drained <"$work/cordoned" >"$work/nodes"
}

# Whether a cordoned node is empty is seen by its pods; who may not see them is told `pause`.
tell_drained() {
    while next_node; do
        [ "$node_availability" = active ] || ! read_node_pods "$node_id" || [ -s "$work/pods" ] || node_availability=drain
        printf '%s|%s|%s|%s|%s|%s|%s|%s\n' "$node_id" "$node_name" "$node_role" "$node_state" "$node_availability" \
            "$node_schedulable" "$node_address" "$node_version"
    done
}

# $work/pods: the pods that a drain has to move, as NAMESPACE/NAME. NODE
read_node_pods() {
    capture "$work/answer" cluster get pods --all-namespaces --field-selector "spec.nodeName=$1" -o "go-template=$node_pods_template" || return 1
    awk -F '|' '($2 == "Running" || $2 == "Pending") && $3 !~ /DaemonSet|Node / && $4 == "" { print $1 }' "$work/answer" >"$work/pods"
}

# VERB RESOURCE.GROUP lines for the action, as `needed_permissions` prints them.
needed_node_permissions() {
    echo 'list nodes'
    case $action in
    drain) printf '%s\n' 'patch nodes' 'list pods' 'create pods/eviction' ;;
    activate | label) echo 'patch nodes' ;;
    remove) echo 'delete nodes' ;;
    esac
}

# ACTION NODE
driver_check_nodes() {
    case $1/$2 in
    drain/?*) check_drain "$2" ;;
    remove/?*)
        [ "$node_role" != manager ] || [ "$node_state" = down ] ||
            add_fault "\`$node_name\` is a control plane node, and part of the cluster's store while it is up" "on it first: kubeadm reset"
        ;;
    join/)
        [ "$option_role" != manager ] ||
            add_fault 'a control plane node joins with certificates, which only a control plane node has' \
                'on one: kubeadm token create --print-join-command --certificate-key "$(kubeadm init phase upload-certs --upload-certs | tail -n 1)"'
        ;;
    esac
}

# What nothing would bring back somewhere else keeps a node from being drained: pods without a controller. NODE
check_drain() {
    drain_node --dry-run=client "$1" ||
        add_fault "\`$1\` cannot be drained: $(complaint | sed 's/, continuing command.*//; s/^unable to drain node .* due to error: *//')" 'delete what no controller owns, or give it one; nothing was changed'
}

# What a pod wrote into its own emptyDir ends with it, wherever it ends. OPTION NODE
drain_node() {
    capture "$work/answer" cluster drain "$2" --ignore-daemonsets --delete-emptydir-data "$1"
}

# ACTION NODE WORD…
driver_change_node() {
    case $1 in
    drain) drain_for "$2" "$3" ;;
    activate) capture "$work/answer" cluster uncordon "$2" ;;
    label)
        shift
        capture "$work/answer" cluster label node --overwrite "$@"
        ;;
    remove)
        capture "$work/answer" cluster delete node "$2" || return 1
        hint "on $2 itself: kubeadm reset"
        ;;
    esac
}

# Evicts for SECONDS; who is left has a reason, such as a disruption budget. NODE SECONDS
drain_for() {
    drain_seconds=$2
    [ "$drain_seconds" -gt 0 ] || drain_seconds=1 # 0 is no end
    : >"$work/node-load"
    if capture_seconds=$((drain_seconds + 30)) drain_node "--timeout=${drain_seconds}s" "$1"; then return 0; fi
    grep -q -e 'will retry' -e 'timeout' -e 'did not complete' -e 'timed out' "$work/complaint" || return 1
    cp "$work/complaint" "$work/evictions"
    read_node_pods "$1" || return 1
    awk '
        FILENAME == ARGV[1] {
            if (match($0, /error when evicting pods\/"[^"]*" -n "[^"]*"/)) {
                split(substr($0, RSTART, RLENGTH), part, "\"")
                said = substr($0, RSTART + RLENGTH)
                sub(/^[^:]*: */, "", said)
                pod = part[4] "/" part[2]
                if (!(pod in why) || said !~ /^global timeout/) why[pod] = said
            }
            next
        }
        { print $0 "|" (($0 in why) ? why[$0] : "it has not ended yet") }' "$work/evictions" "$work/pods" >"$work/node-load"
}

# Makes a token that ends after a day, and prints the line in which kubeadm uses it. ROLE
driver_show_join() {
    read_cluster_info
    join_token_id=$(random_letters 6) join_token_secret=$(random_letters 16)
    feed_kubectl join_token_secret create -f - || return 1
    printf 'kubeadm join %s --token %s.%s%s\n' "$join_server" "$join_token_id" "$join_token_secret" "$join_hashes"
    say "the token is good for a day; the machine joins as $1"
}

# What kubeadm reads to join, and holds against the hashes: where the cluster is, and its authorities.
read_cluster_info() {
    capture "$work/cluster-info" cluster get configmap cluster-info --namespace kube-public -o 'go-template={{.data.kubeconfig}}' ||
        refuse "there is no cluster-info, which a machine joins by: $(complaint)" \
            'kubeadm makes it; a cluster made in another way gets its nodes in that way: [nodes] create = "SCRIPT" can call it'
    capture "$work/cluster" kubectl config view --raw --kubeconfig "$work/cluster-info" \
        -o 'jsonpath={.clusters[0].cluster.server}|{.clusters[0].cluster.certificate-authority-data}' ||
        refuse "cluster-info in kube-public cannot be read: $(complaint)"
    IFS='|' read -r join_server join_authorities <"$work/cluster" || [ -n "$join_server" ]
    join_server=${join_server#*://}
    join_server=${join_server%%/*}
    case $join_server in *:*) ;; *) join_server=$join_server:443 ;; esac
    read_join_hashes
    [ -n "$join_hashes" ] || refuse 'cluster-info in kube-public has no certificate authority: nobody could tell the cluster from another one'
}

# One option for each authority.
read_join_hashes() {
    join_hashes=''
    printf '%s' "$join_authorities" | base64 -d 2>/dev/null |
        awk -v place="$work/authority." '/-----BEGIN CERTIFICATE-----/ { file = place (++count) } file { print >file }'
    for join_authority in "$work"/authority.*; do
        [ ! -f "$join_authority" ] || join_hashes="$join_hashes --discovery-token-ca-cert-hash sha256:$(public_key_hash "$join_authority")"
    done
}

# The SHA-256 of a certificate's SubjectPublicKeyInfo, as kubeadm wants it; there is no openssl in a base. PEM-FILE
public_key_hash() {
    sed '/^-----/d' "$1" | base64 -d >"$work/certificate"
    public_key_range <"$work/certificate" >"$work/range"
    read -r key_begin key_bytes <"$work/range"
    tail -c "+$key_begin" "$work/certificate" | head -c "$key_bytes" | sha256sum | cut -d ' ' -f 1
}

# Prints where it begins, counted from 1, and how many bytes it has. In a certificate (RFC 5280, 4.1) it stands behind
# version, which may be left out, serialNumber, signature, issuer, validity and subject. DER on standard input.
public_key_range() {
    od -An -v -tu1 | tr -s ' ' '\n' | sed '/^$/d' | awk '
        # The element at a place: where its content begins, and where the next one does.
        function read_element(at,    count) {
            size = byte[at + 1]; content = at + 2
            if (size >= 128) {
                count = size - 128
                for (size = 0; count > 0; count--) size = size * 256 + byte[content++]
            }
            after = content + size
        }
        { byte[NR] = $1 }
        END {
            read_element(1); read_element(content)
            at = content
            if (byte[at] == 160) { read_element(at); at = after }
            for (skipped = 0; skipped < 5; skipped++) { read_element(at); at = after }
            read_element(at)
            print at, after - at
        }'
}

random_letters() {
    tr -dc 'a-z0-9' </dev/urandom | head -c "$1"
}

# https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
join_token_secret() {
    printf '%s\n' 'apiVersion: v1' 'kind: Secret' 'type: bootstrap.kubernetes.io/token' 'metadata:' \
        "  name: \"bootstrap-token-$join_token_id\"" '  namespace: kube-system' 'stringData:' \
        "  description: \"made by the bootstrap image of $project\"" \
        "  token-id: \"$join_token_id\"" "  token-secret: \"$join_token_secret\"" \
        "  expiration: \"$(date -u -d "@$(($(date +%s) + join_token_seconds))" +%Y-%m-%dT%H:%M:%SZ)\"" \
        '  usage-bootstrap-authentication: "true"' '  usage-bootstrap-signing: "true"' \
        '  auth-extra-groups: "system:bootstrappers:kubeadm:default-node-token"'
}

# Runs kubectl with what a function prints as its input, which no file keeps. FUNCTION WORD…
feed_kubectl() {
    feeding=$1
    shift
    "$feeding" | cluster --request-timeout=60s "$@" >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child
}
