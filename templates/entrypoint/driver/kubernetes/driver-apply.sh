# The driver for Kubernetes, part: the namespace, the manifests with every name in place, and services as wanted.
#
# Fields are owned: `bootsmith` owns what the manifests say, `bootsmith-scale` how many replicas there are and what `stop`
# has to remember. So whoever else changed a field is found, by name, in a rehearsal on the server before anything is written.
#
# Takes in:  the manifests of the release, the wanted table. Gives out: objects on the cluster.
# Must not:  take over a field unless the operator said --take-over; set replicas where an autoscaler does.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

namespace_made='' common_applied=''

# An empty namespace: nothing can be rehearsed without it. One that an administrator made is used as it is.
make_namespace() {
    [ -z "$namespace_made" ] || return 0
    case ${namespace_state:-} in
    missing | ours)
        capture "$work/answer" cluster apply --server-side --field-manager=bootsmith --force-conflicts \
            -f "$environment_folder/kubernetes/namespace.yaml" || forgive_namespace
        ;;
    esac
    namespace_made=yes
}

# Who works inside of a namespace often may not change it.
forgive_namespace() {
    [ "$namespace_state" = missing ] || { detail "the namespace $target stays as it is: $(complaint)" && return 0; }
    refuse "the namespace $target cannot be made: $(complaint)" \
        "let an administrator make it: kubectl create namespace $target"
}

driver_prepare_manifest() {
    render_manifests
}

# $work/manifests: the files of the release with digests and names in place of ${BOOTSMITH_…}.
render_manifests() {
    rm -rf "$work/manifests"
    mkdir "$work/manifests"
    write_replacements >"$work/replacements"
    for manifest in "$environment_folder"/kubernetes/common.yaml "$environment_folder"/kubernetes/service-*.yaml; do
        [ ! -f "$manifest" ] || sed -f "$work/replacements" "$manifest" >"$work/manifests/${manifest##*/}"
    done
    for manifest in additions availability schedules; do # the name of no service begins with an underscore
        [ ! -f "$environment_folder/kubernetes/$manifest.yaml" ] ||
            sed -f "$work/replacements" "$environment_folder/kubernetes/$manifest.yaml" >"$work/manifests/_$manifest.yaml"
    done
}

# Lines for sed: values have nothing in them that sed would read.
write_replacements() {
    for manifest_service in $service_names; do
        load_service "$manifest_service"
        load_wanted "$manifest_service"
        read_service_variable "$manifest_service"
        write_replacement DIGEST "$service_variable" "$wanted_digest"
        [ -z "$service_parameters" ] || write_replacement VALUES "$service_variable" "$(name_of_values)"
    done
    for file_mount in $mount_ids; do
        load_mount "$file_mount"
        write_replacement NAME "$file_mount" "$(name_of_mount)"
    done
}

write_replacement() { # WHAT VARIABLE VALUE
    printf 's|${BOOTSMITH_%s_%s}|%s|g\n' "$1" "$2" "$3"
}

# The server says of every object what it would do. $work/rehearsed/NAME: the objects of common or of a service.
rehearse_manifests() {
    rm -rf "$work/rehearsed"
    mkdir "$work/rehearsed"
    for manifest in "$work"/manifests/*.yaml; do
        [ -f "$manifest" ] || continue
        rehearsed=${manifest##*/}
        rehearsed=${rehearsed%.yaml}
        rehearsed=${rehearsed#service-}
        if apply_as bootsmith "$work/rehearsed/$rehearsed" --dry-run=server -o name -f "$manifest"; then
            judge_warnings "${rehearsed#_}"
        else
            add_rehearsal_faults "${rehearsed#_}"
        fi
    done
    [ "$faults" -gt 0 ] || rehearse_scales
}

# Of pods that its namespace will refuse the server only warns: they are made by a controller, later. NAME
judge_warnings() {
    sed -n 's/^Warning: //p' "$work/complaint" >"$work/warnings"
    while IFS= read -r warned; do
        case $warned in
        "would violate PodSecurity \"${namespace_enforces:-nothing}:"*)
            add_fault "\`$1\`: the namespace $target enforces Pod Security \`$namespace_enforces\` and would refuse its pods: ${warned#*: }" \
                "change the service, as with \`user = \"1000\"\`, or let an administrator lower the level: kubectl label --overwrite namespace $target pod-security.kubernetes.io/enforce=LEVEL"
            ;;
        *) warn "$1: $warned" ;;
        esac
    done <"$work/warnings"
}

# Scales of what is there already: of the rest the server would say that it is not there.
rehearse_scales() {
    for scaled_service in $service_names; do
        load_service "$scaled_service"
        load_wanted "$scaled_service"
        { is_scaled_by_us && is_live "$(workload_of "$scaled_service")"; } || continue
        write_wanted_scale "$(workload_of "$scaled_service")" >"$work/scale.yaml"
        apply_as bootsmith-scale "$work/answer" --dry-run=server -f "$work/scale.yaml" ||
            add_rehearsal_faults "$scaled_service"
    done
}

is_live() { # WORKLOAD
    while IFS='|' read -r live_kind live_name _; do
        [ "$(object_of_kind "$live_kind")/$live_name" != "$1" ] || return 0
    done <"$work/workloads"
    return 1
}

# MANAGER FILE ARGUMENT…: what it prints goes to FILE.
apply_as() {
    apply_manager=$1 apply_file=$2
    shift 2
    [ -z "$option_take_over" ] || set -- --force-conflicts "$@"
    capture "$apply_file" cluster apply --server-side --field-manager="$apply_manager" "$@"
}

# Conflicts with field and manager; what the server refuses in its own words. NAME
add_rehearsal_faults() {
    awk '
        /Apply failed with [0-9]+ conflict/ { conflicts = 1 }
        conflicts && match($0, /conflicts? with "[^"]*"/) {
            manager = substr($0, RSTART, RLENGTH); sub(/^conflicts? with "/, "", manager); sub(/"$/, "", manager)
            field = $0; sub(/^.*conflicts? with "[^"]*"[^:]*:[ ]*/, "", field)
            if (field != "" && field != $0) print "conflict|" manager "|" field
            next
        }
        conflicts && /^- / { print "conflict|" manager "|" substr($0, 3); next }
        conflicts && /^Please review/ { conflicts = 0; skipping = 1 }
        skipping && !/^(error|Error|The )/ { next }
        /^Warning: / || !/[^ ]/ { next }
        { skipping = 0; gsub(/\|/, "/"); print "refusal||" $0 }' "$work/complaint" >"$work/refusals"
    while IFS='|' read -r refusal_kind refusal_manager refusal_text; do
        if [ "$refusal_kind" = conflict ]; then
            add_fault "\`$1\`: $refusal_text was changed by \`$refusal_manager\`" \
                'undo that change, or overwrite it with --take-over; the release is the place for what shall stay'
        else
            add_fault "\`$1\`: the API server refuses it: $refusal_text" "$(refusal_hint "$1" "$refusal_text")"
        fi
    done <"$work/refusals"
}

refusal_hint() { # NAME TEXT
    case $2 in
    *'updates to statefulset spec'*)
        read_object_of_service "$1"
        printf 'Kubernetes cannot change that in place. Pods and data stay when only their manager goes: kubectl -n %s delete statefulset %s --cascade=orphan; then repeat the same command' "$target" "$object_of_service"
        ;;
    *'field is immutable'*) printf 'Kubernetes cannot change that in place: remove the object with kubectl -n %s delete, then repeat the same command' "$target" ;;
    *orbidden*) printf 'a policy or quota of the cluster is in the way: ask its administrator' ;;
    esac
}
