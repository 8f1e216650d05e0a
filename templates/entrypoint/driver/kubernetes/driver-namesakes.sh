# The driver for Kubernetes, part: what is in our namespace and was not made by this product (lib/whose.sh).
#
# A namespace may be shared with what an administrator put there. Before the first deployment every workload in it has to be known to be
# meant; later on those alone that have a name of ours, or belong to another product. Of everything else the names count that the release
# gives: the server would merge what we apply into what is there, and a StatefulSet would use a claim of the name that it wants.
#
# Takes in:  the namespace, the names that the release gives. Gives out: the namesakes; labels on claims that are taken over.
# Must not:  change anything else.

readonly whose_template='{{range .items}}{{if not .metadata.ownerReferences}}{{.kind}}|{{.metadata.name}}|{{with .metadata.labels}}{{or (index . "io.bootsmith.project") ""}}|{{or (index . "io.bootsmith.environment") ""}}|{{or (index . "io.bootsmith.service") ""}}{{else}}||{{end}}{{"\n"}}{{end}}{{end}}'

# type | name | project | environment | maker | service | id. A name that is taken cannot be shared: such an object has no maker. A claim can be
# taken over, with its data.
driver_list_namesakes() {
    # shellcheck disable=SC2086,SC2046 # lists of kinds
    capture "$work/whose" cluster get "$(printf '%s,' $workload_kinds $(kinds_with_names) | sed 's/,$//')" -o go-template="$whose_template" || return 1
    list_release_names >"$work/release-names"
    awk -F '|' -v OFS='|' -v project="$project" -v environment="$environment_name" -v known="$newest_revision" '
        FILENAME == ARGV[1] { if (sub(/[*]$/, "")) numbered[$0]; else named[$0]; next }
        NF < 5 || ($3 == project && $4 == environment) { next }
        { kind = tolower($1); object = kind "/" $2; before = object; sub(/[0-9]+$/, "", before) }
        { is_workload = kind ~ /^(deployment|statefulset|daemonset|job|cronjob)$/; is_taken = object in named || before != object && before in numbered }
        is_workload { is_taken = ("service-of-the-release/" $2) in named }
        kind ~ /^(configmap|secret)$/ && $2 ~ /^bootsmith-/ { is_taken = 1 }
        $3 == "" && !is_taken && (!is_workload || known != "") { next }
        kind == "persistentvolumeclaim" { print "volume", $2, $3, $4, "kubernetes", $5, ""; next }
        { print kind, $2, $3, $4, (is_taken ? "" : "kubernetes"), $5, "" }' "$work/release-names" "$work/whose"
    case $command/$whose_scope in ps/*) ;; */everything) list_addition_namesakes ;; esac
}

# Who may only look need not be allowed to list them, and neither has who starts and stops what is there: needed_classes asks for the same.
kinds_with_names() {
    case $command/$whose_scope in
    ps/*) ;;
    */everything) echo "$other_kinds $record_kinds" ;;
    esac
}

# KIND/NAME of what the release applies; of the claims of a StatefulSet `persistentvolumeclaim/CLAIM-NAME-*`, for they are numbered.
list_release_names() {
    for named_service in $service_names; do
        read_object_of_service "$named_service"
        printf 'service-of-the-release/%s\n' "$object_of_service"
    done
    for named_manifest in "$environment_folder"/kubernetes/common.yaml "$environment_folder"/kubernetes/availability.yaml "$environment_folder"/kubernetes/service-*.yaml; do
        [ ! -f "$named_manifest" ] || awk '
            /^---/ { kind = "" } /^kind: / { kind = tolower($2) }
            /^[a-zA-Z]/ { is_head = /^metadata:/; is_claim = 0 }
            /^  [a-zA-Z]/ { is_claim = /^  volumeClaimTemplates:/ }
            /[$]/ { next }
            is_head && /^  name: / { name = $2; gsub(/"/, "", name); print kind "/" name }
            is_claim && /^        name: / { claim = $2; gsub(/"/, "", claim); print "persistentvolumeclaim/" claim "-" name "-*" }' "$named_manifest"
    done
}

# TYPE NAME
driver_show_removal() {
    case $1 in
    volume) printf 'kubectl -n %s delete persistentvolumeclaim %s' "$target" "$2" ;;
    *) printf 'kubectl -n %s delete %s %s' "$target" "$1" "$2" ;;
    esac
}

# A claim gets our labels; what has another name than ours stays as it is.
driver_adopt() {
    for adopted_claim in $(awk -F '|' '$1 == "volume" { print $2 }' "$work/adopted"); do
        capture "$work/answer" cluster label --overwrite persistentvolumeclaim "$adopted_claim" \
            "io.bootsmith.project=$project" "io.bootsmith.environment=$environment_name" || return 1
    done
}

# A cluster has no networks to declare: services are found by name, and policies are objects like all others.
driver_read_networks() {
    : >"$work/networks.live"
}

driver_list_network_guests() {
    fail_bug "a cluster has no network $1"
}

driver_renew_network() {
    fail_bug "a cluster has no network $1"
}

driver_show_network() {
    fail_bug "a cluster has no network $1"
}

# The API server itself refuses to change a claim.
driver_read_volume_options() {
    return 1
}
