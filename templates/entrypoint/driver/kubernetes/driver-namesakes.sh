# The driver for Kubernetes, part: what is in our namespace and was not made by this product (lib/whose.sh).
#
# A namespace may be shared with what an administrator put there. Before the first deployment every workload in it has to be known to be
# meant; later on those alone that have a name of ours, or belong to another product.
#
# Takes in:  the namespace, the names that the release gives. Gives out: the namesakes.
# Must not:  change anything.

readonly WHOSE_TEMPLATE='{{range .items}}{{if not .metadata.ownerReferences}}{{.kind}}|{{.metadata.name}}|{{with .metadata.labels}}{{or (index . "io.bootsmith.project") ""}}|{{or (index . "io.bootsmith.environment") ""}}|{{or (index . "io.bootsmith.service") ""}}{{else}}||{{end}}{{"\n"}}{{end}}{{end}}'

# type | name | project | environment | maker | service | id. A name that is taken cannot be shared: such an object has no maker.
driver_list_namesakes() {
    # shellcheck disable=SC2086 # a list of kinds
    capture "$work/whose" cluster get "$(printf '%s,' $WORKLOAD_KINDS | sed 's/,$//')" -o go-template="$WHOSE_TEMPLATE" || return 1
    awk -F '|' -v OFS='|' -v project="$project" -v environment="$environment_name" -v services=" $service_names " -v known="$newest_revision" '
        NF < 5 || ($3 == project && $4 == environment) { next }
        { taken = index(services, " " $2 " ") }
        $3 != "" || taken || known == "" { print tolower($1), $2, $3, $4, (taken ? "" : "kubernetes"), $5, "" }' "$work/whose"
}

# TYPE NAME
driver_show_removal() {
    printf 'kubectl -n %s delete %s %s' "$target" "$1" "$2"
}

# What has another name than ours stays beside us.
driver_adopt() {
    :
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
