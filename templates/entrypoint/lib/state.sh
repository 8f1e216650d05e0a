# State: what runs on the target, what is wanted, and the difference between the two.
#
# The driver fills $work/instances, one line for each replica of a service that exists, in these fields:
#     id | service | digest | status | exit code | restarts | health | restart policy | started at | image id | image | name | reason
# status is one of created, running, paused, restarting, removing, exited, dead, failed; health is empty, starting,
# healthy or unhealthy. failed means: it never ran and never will, as the reason says; the reason is empty where status and
# health say it all. And $work/live, one line for each service that the target has, stopped ones too:
#     service | replicas it has when it runs | what the target still has to do for it, or why it cannot | failed, when it cannot
# Where the platform itself puts the earlier definition of a service back, $work/undone has a line for each:
#     service | digest of the definition that it has now | why | id of the replica that failed
# What is wanted stands in $work/wanted/SERVICE: replicas | digest | image id.
#
# Takes in:  the tables, the release. Gives out: the instance_ and wanted_ variables; an action for each service.
# Must not:  ask the target itself.

# Reads a line of the instances table from standard input.
next_instance() {
    IFS='|' read -r instance_id instance_service instance_digest instance_status instance_exit instance_restarts \
        instance_health instance_policy instance_started instance_image_id instance_image instance_name instance_reason
}

# Prints the ids of a service's instances, of one status when it is given. SERVICE [STATUS]
instance_ids() {
    while next_instance; do
        [ "$instance_service" = "$1" ] || continue
        [ -z "${2:-}" ] || [ "$instance_status" = "$2" ] || continue
        printf '%s\n' "$instance_id"
    done <"$work/instances"
}

# Prints the name of every service that the target has but this release has not.
orphan_services() {
    while IFS='|' read -r live_service _; do
        has_word "$service_names" "$live_service" || printf '%s\n' "$live_service"
    done <"$work/live" | sort -u
}

# Prints how many replicas a service has when it runs; nothing when the target does not have it. SERVICE
live_replicas() {
    awk -F '|' -v service="$1" '$1 "" == service { print $2 }' "$work/live"
}

# Sets live_reason, empty when the target has nothing left to do for a service, and live_failed. SERVICE
read_live_reason() {
    live_reason='' live_failed=''
    IFS='|' read -r live_reason live_failed <<END
$(awk -F '|' -v service="$1" '$1 "" == service { print $3 "|" $4; exit }' "$work/live")
END
}

# Whether the platform took back what we made of the loaded service; says why in undone_reason and undone_by. SERVICE
is_undone() {
    [ -s "$work/undone" ] && [ -n "$wanted_digest" ] || return 1
    while IFS='|' read -r undone_service undone_digest undone_reason undone_by _; do
        [ "$undone_service" != "$1" ] || [ "$undone_digest" = "$wanted_digest" ] || return 0
    done <"$work/undone"
    return 1
}

# True when nothing of the product is there yet.
is_first_install() {
    [ ! -s "$work/live" ]
}

# Works out replicas, image and digest of every service. An image that is not there yet leaves the digest empty.
read_wanted() {
    mkdir -p "$work/wanted"
    for wanted_service in $service_names; do
        load_service "$wanted_service"
        read_wanted_replicas
        read_service_image
        wanted_digest=''
        [ -z "$image_id" ] || wanted_digest=$(config_digest "$image_id")
        printf '%s|%s|%s|\n' "$wanted_replicas" "$wanted_digest" "$image_id" >"$work/wanted/$service_name"
    done
}

# A recorded scale holds as long as the release does not change its own number, and as far as its published ports go.
read_wanted_replicas() {
    wanted_replicas=$service_replicas scale_recorded='' scale_of=''
    if [ -n "$service_global$service_autoscaled" ]; then # the target decides
        driver_count_nodes
        return 0
    fi
    read_scale "$service_name"
    if [ -n "$scale_recorded" ] && [ "$scale_of" = "$service_replicas" ]; then
        wanted_replicas=$scale_recorded
        ! exceeds_ports "$wanted_replicas" || wanted_replicas=$service_max_replicas
    fi
}

# Whether the loaded service has too few published ports for so many replicas. REPLICAS
exceeds_ports() {
    [ -n "$service_max_replicas" ] && [ "$1" -gt "$service_max_replicas" ]
}

# Sets the wanted_ variables. SERVICE
load_wanted() {
    IFS='|' read -r wanted_replicas wanted_digest wanted_image_id _ <"$work/wanted/$1"
}

# The digest over all that shapes a running service. Needs the service_ variables. A secret value takes part as it is
# where the definition itself holds it: whoever can read the label can read the definition too. IMAGE-ID
config_digest() {
    {
        printf 'definition %s\nimage %s\n' "$service_definition" "$1"
        for digest_mount in $service_mounts; do
            load_mount "$digest_mount"
            printf 'mount %s %s\n' "$digest_mount" "$mount_fingerprint"
        done
        for digest_parameter in $service_parameters; do
            load_parameter_value "$digest_parameter"
            printf 'parameter %s %s %s\n' "$digest_parameter" "${#parameter_value}" "$parameter_value"
        done
    } | digest_of_input
}

# What has to be done to a service: keep, create, recreate, scale, start, restart, unpause, remove. Sets $action, and forced where the service
# itself does not differ. SERVICE
read_action() {
    read_own_action "$1"
    forced='' followed=''
    case $action in keep | scale | start | unpause) ;; *) return 0 ;; esac
    follow_others "$1"
    [ "$action" != recreate ] || forced=yes
}

read_own_action() {
    load_service "$1"
    load_wanted "$1"
    count_instances "$1"
    if [ "$instances_all" -eq 0 ]; then
        if [ "$wanted_replicas" -eq 0 ]; then action=keep; else action=create; fi
    elif [ "$wanted_replicas" -eq 0 ]; then
        action=remove
    elif [ "$instances_same" -ne "$instances_all" ]; then
        action=recreate
    elif [ "$instances_all" -ne "$wanted_replicas" ]; then
        action=scale
    elif [ "$((instances_settled + instances_paused))" -ne "$instances_all" ]; then
        action=start
    elif [ "$instances_paused" -gt 0 ]; then
        action=unpause
    else
        action=keep
    fi
}

# Counts the instances of the loaded service: all, those of the wanted digest and image, those that run (a job: that run or are
# done), and those that are paused.
count_instances() {
    instances_all=0 instances_same=0 instances_settled=0 instances_paused=0
    while next_instance; do
        [ "$instance_service" = "$1" ] || continue
        instances_all=$((instances_all + 1))
        [ "$instance_digest" != "$wanted_digest" ] || [ "$instance_image_id" != "$wanted_image_id" ] ||
            instances_same=$((instances_same + 1))
        case $service_kind/$instance_status/$instance_exit in
        */running/* | */restarting/* | job/exited/0) instances_settled=$((instances_settled + 1)) ;;
        */paused/*) instances_paused=$((instances_paused + 1)) ;;
        esac
    done <"$work/instances"
}
