# The driver for Kubernetes, part: removal of what no release wants any more.
#
# Everything is deleted by its exact kind and name, after it was found by our labels: never a namespace for what is in it.
#
# Takes in:  the labels, what the rehearsal of this release named. Gives out: fewer objects.
# Must not:  delete a volume unless the operator said --volumes --yes, or what runs us in the cluster.

driver_remove_leftovers() {
    driver_read_state && read_records || return 1
    for leftover in $(orphan_services); do
        say "$leftover: removed, it is not in this release"
    done
    # shellcheck disable=SC2086 # lists of kinds
    list_objects $workload_kinds $other_kinds >"$work/listed" || return 1
    cat "$work"/rehearsed/* >"$work/kept"
    # shellcheck disable=SC2046 # a list of names
    remove_objects $(grep -v '^persistentvolumeclaim/' "$work/listed" | grep -vxF -f "$work/kept")
    remove_old_additions || return 1
    # shellcheck disable=SC2046 # a list of names
    remove_objects $(awk -F '|' '$3 == "oneoff" && $6 ~ /^(Succeeded|Failed)$/ && $5 ~ /^Job\// { sub("^Job/", "job.batch/", $5); print $5 }' "$work/pods" | sort -u)
    # shellcheck disable=SC2046 # a list of names
    remove_objects $(unwanted_records)
}

# Prints KIND.GROUP/NAME of all that is ours, except what we run in ourselves, one-offs, and the users of the namespace. KIND…
list_objects() {
    capture "$work/answer" cluster get "$(printf '%s,' "$@" | sed 's/,$//')" -o name \
        --selector "$(our_labels),io.bootsmith.kind notin (in-cluster,oneoff,user,ledger)" && cat "$work/answer"
}

# What `down` removes.
list_everything() {
    read_addition_resources || return 1
    # shellcheck disable=SC2046,SC2086 # lists of kinds
    list_objects $(printf '%s\n' $workload_kinds $other_kinds $record_kinds $(cat "$work/addition-resources") | awk '!seen[$0]++')
}

# OBJECT…
remove_objects() {
    [ $# -eq 0 ] || capture_long "the cluster, which deletes $*" 600 "$work/answer" cluster delete --ignore-not-found "$@" || warn "objects are left over: $(complaint)"
}

# For `down`, when the services are stopped.
driver_remove_all() {
    list_everything >"$work/listed" || fail_unrestored "what is there cannot be listed: $(complaint)"
    # shellcheck disable=SC2046 # a list of names
    remove_objects $(grep -v '^persistentvolumeclaim/' "$work/listed")
    # shellcheck disable=SC2046 # a list of names
    remove_objects $(awk -F '|' '$3 == "oneoff" && $5 ~ /^Job\// { sub("^Job/", "job.batch/", $5); print $5 }' "$work/pods" | sort -u)
    if [ -n "$option_volumes" ]; then
        # shellcheck disable=SC2013 # names are words
        for old_volume in $(grep '^persistentvolumeclaim/' "$work/listed"); do
            remove_data_volume "$old_volume"
        done
    fi
}

# A claim that a pod uses stays until that pod is gone: it is not waited for longer than our own pods may take. OBJECT
remove_data_volume() {
    if capture_long "the cluster, which deletes $1" $((volume_seconds + 30)) "$work/answer" cluster delete --ignore-not-found --timeout "${volume_seconds}s" "$1"; then
        say "volume ${1#*/}: deleted with its data"
    else
        warn "the volume ${1#*/} is left over: $(complaint)"
    fi
}

readonly volume_seconds=60

# Prints KIND|NAME|STATE of what `down` removes.
driver_list_removal() {
    list_everything >"$work/listed" || return 1
    while IFS=/ read -r listed_kind listed_name; do
        case $listed_kind in
        persistentvolumeclaim) [ -z "$option_volumes" ] || printf 'volume|%s|\n' "$listed_name" ;;
        *) printf '%s|%s|\n' "${listed_kind%%.*}" "$listed_name" ;;
        esac
    done <"$work/listed"
}

# Prints the pods that use a volume. KIND NAME
driver_list_users() {
    [ "$1" = volume ] || return 0
    capture "$work/users-of" cluster get pods -o go-template="$claim_template" || return 0
    awk -v name="$2" '$2 "" == name { print "pod/" $1 }' "$work/users-of"
}

readonly claim_template='{{range .items}}{{$pod := .metadata.name}}{{range .spec.volumes}}{{with .persistentVolumeClaim}}{{$pod}} {{.claimName}}{{"\n"}}{{end}}{{end}}{{end}}'

# When the ledger is gone too.
driver_remove_place() {
    remove_namespace
}

# The namespace goes when it is ours and nothing is in it: neither data that is kept, nor anything of somebody else.
remove_namespace() {
    capture "$work/namespace" cluster get namespace "$target" -o go-template="$namespace_template" || return 0
    IFS='|' read -r namespace_project namespace_environment _ <"$work/namespace"
    [ "$namespace_project/$namespace_environment" = "$project/$environment_name" ] || return 0
    if ! list_inhabitants >"$work/inhabitants"; then
        say "namespace $target: kept, what else is in it cannot be listed: $(complaint)"
    elif [ -s "$work/inhabitants" ]; then
        say "namespace $target: kept for what is still in it: $(tr '\n' ' ' <"$work/inhabitants" | cut -c 1-300)"
    else
        if capture_long "the cluster, which deletes the namespace $target" 600 "$work/answer" cluster delete namespace "$target"; then
            say "namespace $target: removed"
        else
            fail_unrestored "the namespace $target is left over: $(complaint)" 'repeat the same command'
        fi
    fi
}

# Everything in the namespace, of whatever kind, but for what every namespace has, and what only tells of others.
list_inhabitants() {
    capture "$work/kinds" cluster api-resources --namespaced --verbs=list,delete -o name || return 1
    inhabitant_kinds=$(grep -vE '^(events|endpoints|pods)$|^events\.|^endpointslices\.|\.metrics\.k8s\.io$|^controllerrevisions\.|^replicasets\.' "$work/kinds" |
        tr '\n' ',' | sed 's/,$//')
    capture "$work/answer" cluster get "$inhabitant_kinds,pods" --ignore-not-found -o go-template="$inhabitant_template" || return 1
    grep -vE '^(ConfigMap/(kube-root-ca|openshift-service-ca)\.crt|ServiceAccount/(default|builder|deployer)|Lease/bootsmith-lock)$' "$work/answer"
    return 0
}

readonly inhabitant_template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{if ne (or .type "") "kubernetes.io/service-account-token"}}{{.kind}}/{{.metadata.name}}{{"\n"}}{{end}}{{end}}{{end}}'
