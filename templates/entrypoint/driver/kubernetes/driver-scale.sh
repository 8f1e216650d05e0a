# The driver for Kubernetes, part: services as wanted, how many of each, stop and start.
#
# The second field manager owns the number. What stops is set to nothing and remembers its number in an annotation of the same
# manager: so the next number that is applied lets go of it. A service once a node is parked on nodes that do not exist.
#
# Takes in:  the manifests that driver-apply.sh made, $work/workloads. Gives out: services on the cluster.
# Must not:  set replicas where an autoscaler does, but to stop and to start again.

readonly stop_seconds=3600 # as long as the grace of a pod may be

# SECONDS SERVICE…
driver_apply() {
    capture_seconds=$1
    shift
    apply_services "$@"
    apply_status=$?
    capture_seconds=''
    if [ "$apply_status" -ne 0 ] || [ -n "$verbose" ]; then show_lines "$work/complaint"; fi
    return "$apply_status"
}

# Who calls `scale` wants another number and nothing else, whoever set the number before.
apply_services() {
    if [ "$operation" = scale ]; then
        apply_manifests "$(services_without_workload "$@")" && apply_scales --force-conflicts "$@"
    else
        apply_common && apply_manifests "$*" && apply_scales '' "$@"
    fi
}

# What belongs to no single service comes first, once.
apply_common() {
    [ -z "$common_applied" ] && [ -f "$work/manifests/common.yaml" ] || return 0
    apply_as bootsmith "$work/answer" -f "$work/manifests/common.yaml" || return 1
    common_applied=yes
}

services_without_workload() {
    for unmade do
        [ -n "$(workload_of "$unmade")" ] || printf '%s ' "$unmade"
    done
}

# LIST-OF-SERVICES
apply_manifests() {
    manifest_services=$1
    set --
    for applied in $manifest_services; do
        remove_other_kinds "$applied"
        set -- "$@" -f "$work/manifests/service-$applied.yaml"
    done
    [ $# -eq 0 ] && return 0
    apply_as bootsmith "$work/applied" -o name "$@" || return 1
    for applied in $manifest_services; do remove_stuck_pods "$applied"; done
}

# A service of another kind than before: two workloads would be two services of one name. SERVICE
remove_other_kinds() {
    [ -f "$work/rehearsed/$1" ] || return 0
    while IFS='|' read -r other_kind other_name other_service _; do
        { [ "$other_service" = "$1" ] && [ "$other_kind" != CronJob ]; } || continue
        other_object=$(object_of_kind "$other_kind")
        ! grep -q "^$other_object/" "$work/rehearsed/$1" || continue
        say "$1: the $other_kind goes first, another kind takes its place"
        capture "$work/answer" cluster delete "$other_object/$other_name" --ignore-not-found --cascade=foreground || warn "$(complaint)"
    done <"$work/workloads"
}

# A StatefulSet waits for ever for a pod of its old revision that cannot become ready. SERVICE
remove_stuck_pods() {
    case $(workload_of "$1") in statefulset.*) ;; *) return 0 ;; esac
    load_wanted "$1"
    while next_instance; do
        { [ "$instance_service" = "$1" ] && [ "$instance_digest" != "$wanted_digest" ]; } || continue
        case $instance_status/$instance_health in running/healthy | running/) continue ;; esac
        capture "$work/answer" cluster delete "$instance_id" --ignore-not-found --wait=false || warn "$(complaint)"
    done <"$work/instances"
}

object_of_kind() { # KIND
    case $1 in
    Deployment) echo deployment.apps ;;
    StatefulSet) echo statefulset.apps ;;
    DaemonSet) echo daemonset.apps ;;
    Job) echo job.batch ;;
    CronJob) echo cronjob.batch ;;
    esac
}

# Prints what a service runs in, as RESOURCE.GROUP/NAME: that of the release, or else that of the cluster. SERVICE
workload_of() {
    if [ -f "$work/rehearsed/$1" ]; then
        grep -E '^(deployment|statefulset|daemonset)\.apps/|^job\.batch/' "$work/rehearsed/$1" | sed -n 1p
    else
        awk -F '|' -v service="$1" '$3 "" == service && $1 != "CronJob" { print $1, $2; exit }' "$work/workloads" |
            while read -r workload_kind workload_name; do
                printf '%s/%s\n' "$(object_of_kind "$workload_kind")" "$workload_name"
            done
    fi
}

# FORCE SERVICE…
apply_scales() {
    scale_force=$1
    shift
    for scaled_service do
        load_service "$scaled_service"
        load_wanted "$scaled_service"
        write_wanted_scale "$(workload_of "$scaled_service")"
        write_resumed_schedules
    done >"$work/scale.yaml"
    [ -s "$work/scale.yaml" ] || return 0
    apply_as bootsmith-scale "$work/answer" ${scale_force:+"$scale_force"} -f "$work/scale.yaml"
}

# Of the service at hand: its number where we set it; where we do not, the end of a stop. WORKLOAD
write_wanted_scale() {
    if is_scaled_by_us; then
        write_scale "$1" "replicas: $wanted_replicas" ''
    elif [ -n "$(stopped_number "$service_name")" ]; then
        write_started "$1" "$(stopped_number "$service_name")"
    fi
}

# Schedules of the service at hand that a stop has suspended.
write_resumed_schedules() {
    for resumed in $(awk -F '|' -v service="$service_name" '$1 == "CronJob" && $3 "" == service && $7 == "yes" { print $2 }' "$work/workloads"); do
        write_started "cronjob.batch/$resumed" ''
    done
}

is_scaled_by_us() {
    [ -z "$service_global$service_autoscaled" ] && [ "$service_kind" != job ]
}

# Prints the number that a stopped service has when it runs; nothing when it is not stopped. SERVICE
stopped_number() {
    awk -F '|' -v service="$1" '$3 "" == service && $7 == "yes" { print ($6 == "" ? 1 : $6); exit }' "$work/workloads"
}

# The whole of what the second manager owns of a workload. WORKLOAD LINE-OF-SPEC KEPT-NUMBER
write_scale() {
    case $1 in
    deployment.*) scale_kind=Deployment scale_version=apps/v1 ;;
    statefulset.*) scale_kind=StatefulSet scale_version=apps/v1 ;;
    daemonset.*) scale_kind=DaemonSet scale_version=apps/v1 ;;
    job.*) scale_kind=Job scale_version=batch/v1 ;;
    cronjob.*) scale_kind=CronJob scale_version=batch/v1 ;;
    esac
    printf -- '---\napiVersion: %s\nkind: %s\nmetadata:\n  name: "%s"\n' "$scale_version" "$scale_kind" "${1#*/}"
    [ -z "$3" ] || printf '  annotations:\n    io.bootsmith.replicas: "%s"\n' "$3"
    [ -z "$2" ] || printf 'spec:\n  %s\n' "$2"
}

write_stopped() { # WORKLOAD NUMBER
    case $1 in
    daemonset.*) write_scale "$1" 'template: {spec: {nodeSelector: {io.bootsmith.stopped: "yes"}}}' "$2" ;;
    job.* | cronjob.*) write_scale "$1" 'suspend: true' "$2" ;;
    *) write_scale "$1" 'replicas: 0' "$2" ;;
    esac
}

write_started() { # WORKLOAD NUMBER
    case $1 in
    daemonset.* | job.* | cronjob.*) write_scale "$1" '' '' ;;
    *) write_scale "$1" "replicas: $2" '' ;;
    esac
}

# To nothing, with the number kept; then until no pod is left.
driver_stop() {
    : >"$work/scale.yaml"
    while IFS='|' read -r stop_kind stop_name stop_service _ stop_number _ stop_stopped _; do
        { has_word "$*" "$stop_service" && [ -z "$stop_stopped" ] && ! is_done_job; } || continue
        write_stopped "$(object_of_kind "$stop_kind")/$stop_name" "$stop_number" >>"$work/scale.yaml"
    done <"$work/workloads"
    [ ! -s "$work/scale.yaml" ] || option_take_over=yes apply_as bootsmith-scale "$work/answer" -f "$work/scale.yaml" || return 1
    await_no_pods "$@"
}

# A job that has ended cannot be suspended, and need not be.
is_done_job() {
    [ "$stop_kind" = Job ] || return 1
    while next_instance; do
        case $instance_service/$instance_status in "$stop_service"/running | "$stop_service"/created | "$stop_service"/failed) return 1 ;; esac
    done <"$work/instances"
}

await_no_pods() {
    stop_until=$(($(date +%s) + stop_seconds))
    while :; do
        driver_read_state || return 1
        pods_left=''
        while IFS='|' read -r pod_name pod_service pod_role _; do
            # What has ended stays for its log, and goes with its job.
            { has_word "$*" "$pod_service" && [ -z "$pod_role" ] && ! is_ended_pod; } || continue
            pods_left="$pods_left $pod_name"
        done <"$work/pods"
        [ -n "$pods_left" ] || return 0
        [ "$(date +%s)" -lt "$stop_until" ] || { echo "error: pods do not end:$pods_left" >"$work/complaint" && return 1; }
        say_slow_wait "pods to end:$pods_left"
        nap 1
    done
}

is_ended_pod() {
    awk -F '|' -v name="$pod_name" '$1 "" == name && $6 ~ /^(Succeeded|Failed)$/ { ended = 1 } END { exit !ended }' "$work/pods"
}

driver_start() {
    : >"$work/scale.yaml"
    while IFS='|' read -r start_kind start_name start_service _ _ start_kept start_stopped _; do
        { has_word "$*" "$start_service" && [ -n "$start_stopped" ]; } || continue
        write_started "$(object_of_kind "$start_kind")/$start_name" "${start_kept:-1}" >>"$work/scale.yaml"
    done <"$work/workloads"
    [ ! -s "$work/scale.yaml" ] || option_take_over=yes apply_as bootsmith-scale "$work/answer" -f "$work/scale.yaml"
}

driver_restart() {
    for restarted_service do
        restart_workload=$(workload_of "$restarted_service")
        [ -n "$restart_workload" ] || continue
        capture "$work/answer" cluster rollout restart "$restart_workload" --field-manager=bootsmith-scale || return 1
    done
}
