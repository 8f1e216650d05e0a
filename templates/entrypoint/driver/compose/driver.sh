# The driver for Docker Compose: what runs, and how it is made to run (driver-volumes.sh: what is stored; driver-engine.sh: the engine).
#
# What a driver is, function by function: driver/README.md of the sources.
#
# Must not:  decide what is wanted, find an object by its name, or pass `-y` to Compose: it deletes data.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly compose_v1_minimum=1.28  # the first that takes a file without `version`, and profiles

compose_kind='' compose_version=''

driver_find_tools() {
    # Nothing of the operator's Compose settings may leak in.
    for leak in $(env | sed -n 's/^\(COMPOSE_[A-Z_]*\)=.*/\1/p'); do unset "$leak"; done
    export COMPOSE_IGNORE_ORPHANS=true
    if ! command -v docker >/dev/null; then
        add_fault 'there is no `docker` in this image' 'the base of the bootstrap image must bring the docker CLI'
    elif capture "$work/tool" docker compose version --short; then
        compose_kind=plugin
    elif ! command -v docker-compose >/dev/null || ! capture "$work/tool" docker-compose version --short; then
        add_fault 'there is neither `docker compose` nor `docker-compose` in this image' \
            'the base of the bootstrap image must bring Docker Compose'
    else
        case $(cat "$work/tool") in 1.*) compose_kind=v1 ;; *) compose_kind=standalone ;; esac
    fi
    [ -z "$compose_kind" ] || read_compose_version
}

read_compose_version() {
    compose_version=$(sed -n 's/^v//; 1p' "$work/tool")
    [ "$compose_kind" != v1 ] || is_version_at_least "$compose_version" "$compose_v1_minimum" ||
        add_fault "docker-compose $compose_version is too old" "at least $compose_v1_minimum is needed"
    # shellcheck disable=SC2034 # read by doctor_check
    check_note="Compose $compose_version ($compose_kind)"
}

# Calls Compose for this project by way of RUNNER: await, capture_compose … RUNNER ARGUMENT…
with_compose() {
    compose_runner=$1
    shift
    compose_no_variables=/dev/null
    if [ "$compose_kind" = v1 ]; then # which takes regular files only
        compose_no_variables=$work/no-variables
        : >"$compose_no_variables"
    fi
    [ -z "$pinned_images" ] || set -- -f "$work/pin.yaml" "$@"
    set -- --ansi never -p "$target" --env-file "$compose_no_variables" -f "$environment_folder/compose.yaml" "$@"
    case $compose_kind in
    plugin) "$compose_runner" with_parameters docker compose "$@" ;;
    standalone) "$compose_runner" with_parameters docker-compose "$@" ;;
    v1) "$compose_runner" with_parameters docker-compose --compatibility "$@" ;;
    esac
}

capture_compose() {
    capture "$work/compose" "$@"
}

driver_check_engine() {
    check_docker_engine
}

# External networks and volumes: one fault each.
driver_check_externals() {
    for_each network check_external_network
    for_each volume check_external_volume
}

check_external_network() {
    parse_object "$@"
    [ -z "$object_external" ] || capture "$work/answer" docker network inspect --format '{{.ID}}' -- "$object_name" ||
        add_fault "the external network \`$object_name\` does not exist" "create it: docker network create $(quote_word "$object_name")"
}

check_external_volume() {
    parse_object "$@"
    [ -z "$object_external" ] || capture "$work/answer" docker volume inspect --format '{{.Name}}' -- "$object_name" ||
        add_fault "the external volume \`$object_name\` does not exist" "create it: docker volume create $(quote_word "$object_name")"
}

driver_check_requirement() {
    case $requirement_program in
    engine) check_engine_requirement ;;
    compose)
        is_version_at_least "$compose_version" "$requirement_version" ||
            add_requirement_fault 'Docker Compose' "$compose_version" 'use a bootstrap image with a newer base, or leave the key out of the release'
        ;;
    esac
}

driver_check_ports() {
    list_ports
    [ -s "$work/ports" ] || return 0
    capture "$work/answer" docker ps --no-trunc --format '{{.ID}}|{{.Names}}|{{.Ports}}|{{.Label "com.docker.compose.project"}}' || return 0
    refuse_ports_of_others "$work/containers" <"$work/answer"
}

# Compose reads more than a schema: sizes, durations, ports, references between services.
driver_check_manifest() {
    export_wanted
    export_shown_volumes
    with_compose capture_compose config --quiet ||
        add_fault "Docker Compose $compose_version refuses the manifest of \`$environment_name\`: $(complaint)" \
            'correct the release, or the parameters that were given; nothing was changed'
}

# Numbers and digests as they are wanted, and the images of a recorded release. The digest is not known before the image is.
export_wanted() {
    for manifest_service in $service_names; do
        load_wanted "$manifest_service"
        export_service "$manifest_service" "$wanted_replicas" "${wanted_digest:-unknown}"
    done
    [ -z "$pinned_images" ] || write_pins >"$work/pin.yaml"
}

export_service() { # SERVICE REPLICAS DIGEST
    read_service_variable "$1"
    export "BOOTSMITH_REPLICAS_$service_variable=$2" "BOOTSMITH_DIGEST_$service_variable=$3"
}

# A template for every container of ours; the last fields are the driver's own: role, volumes, networks, number, Compose's digest of the
# definition, what `docker update` can change, whose namespaces it joins, and when it was made.
# (`.ID`, not `.Id`: else the CLI takes another way, in which an absent health check is an error.)
readonly instance_format='{{.ID}}|{{index .Config.Labels "io.bootsmith.service"}}|{{index .Config.Labels "io.bootsmith.config-digest"}}|{{.State.Status}}|{{.State.ExitCode}}|{{.RestartCount}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}|{{.HostConfig.RestartPolicy.Name}}|{{.State.StartedAt}}|{{.Image}}|{{.Config.Image}}|{{.Name}}|{{index .Config.Labels "io.bootsmith.kind"}}{{if eq (index .Config.Labels "com.docker.compose.oneoff") "True"}}oneoff{{end}}|{{range .Mounts}}{{.Name}} {{.Source}} {{end}}|{{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{$network.NetworkID}} {{end}}|{{index .Config.Labels "com.docker.compose.container-number"}}|{{index .Config.Labels "com.docker.compose.config-hash"}}|{{with .HostConfig}}{{.Memory}} {{.MemoryReservation}} {{.MemorySwap}} {{.NanoCPUs}} {{.CPUShares}} {{.CPUPeriod}} {{.CPUQuota}} {{.CpusetCpus}} {{.CpusetMems}} {{.PidsLimit}} {{.BlkioWeight}} {{.RestartPolicy.Name}} {{.RestartPolicy.MaximumRetryCount}}|{{.NetworkMode}} {{.PidMode}} {{.IpcMode}}{{end}}|{{.Created}}'

# $work/containers: all of ours, with the driver's own fields. $work/instances: the replicas of services among them.
driver_read_state() {
    read_objects containers container "$instance_format" docker ps -aq --no-trunc || return 1
    awk -F '|' -v OFS='|' '$2 != "" && $13 == "" { sub("^/", "", $12); NF = 12; print }' "$work/containers" |
        sort -t '|' -k 12 >"$work/instances"
    awk -F '|' '{ count[$2]++ } END { for (service in count) print service "|" count[service] }' "$work/instances" |
        sort >"$work/live"
    driver_read_networks && list_stale
}

# Of containers only names of networks, for a network that was removed and made again has another id.
driver_list_traits() {
    awk -F '|' -v OFS='|' '
        $2 == "" || $13 != "" { next }
        { print $2, "image", $10; print $2, "definition", $17; print $2, "limits", $18; print $2, "networks", names($15) }
        function names(pairs,    word, last, i, all) {
            last = split(pairs, word, " ")
            for (i = 1; i < last; i += 2) all = all " " word[i]
            return all
        }' "$work/containers"
}

# Hands everything to Compose that the manifest leaves open: numbers, digests, and the volumes of configs and secrets.
driver_prepare_manifest() {
    export_wanted
    export_volumes
}

# The images of a recorded release by their ids: a tag may have moved on.
write_pins() {
    printf 'services:\n'
    for pinned_service in $service_names; do
        load_wanted "$pinned_service"
        [ -z "$wanted_image_id" ] || printf '  "%s":\n    image: "%s"\n' "$pinned_service" "$wanted_image_id"
    done
}

# SECONDS SERVICE…
driver_apply() {
    capture_seconds=$1
    shift
    for applied do
        # shellcheck disable=SC2046 # a list of ids
        remove_containers $(half_made_ids "$applied")
        name_half_made "$applied"
    done
    unpause "$@" || { show_lines "$work/complaint" && capture_seconds='' && return 1; }
    waiting_for="Compose, which makes $*"
    # What differs by itself first: others join it.
    by_itself=''
    for applied do has_word "${forced_services:-}" "$applied" || by_itself="$by_itself $applied"; done
    compose_status=0
    # shellcheck disable=SC2086 # a list of names
    [ -z "$by_itself" ] || compose_up $by_itself || compose_status=$?
    # shellcheck disable=SC2086 # a list of names
    [ -z "${forced_services:-}" ] || [ "$compose_status" -ne 0 ] || compose_up --force-recreate $forced_services || compose_status=$?
    capture_seconds='' waiting_for=''
    if [ "$compose_status" -ne 0 ] || [ -n "$verbose" ]; then show_lines "$work/complaint"; fi
    return "$compose_status"
}

# [OPTION] SERVICE…
compose_up() {
    [ "$compose_kind" = v1 ] || set -- --pull never "$@"
    with_compose capture_compose up -d --no-deps --no-build "$@"
}

# Compose was killed between making a replacement and taking away the old: the replacement, never started, stands in
# the way of the next one. Where the old is gone already it is kept, for it may hold the old one's unnamed volumes. SERVICE
half_made_ids() {
    awk -F '|' -v service="$1" '$2 "" == service && $13 == "" {
            if ($4 == "created") made[$1] = $16; else old[$16] = 1
        }
        END { for (id in made) if (made[id] in old) print id }' "$work/containers"
}

# Compose calls a replacement `<id of the old>_<name>` as long as the old one has the name. When we are killed it keeps that. SERVICE
name_half_made() {
    awk -F '|' -v service="$1" '
        $2 "" != service || $13 != "" { next }
        { has[$12] = 1 }
        sub("^/[0-9a-f]+_", "", $12) { name[$1] = $12 }
        END { for (id in name) if (!(("/" name[id]) in has)) print id, name[id] }' "$work/containers" >"$work/half-made"
    while read -r half_made_id half_made_name; do
        capture "$work/answer" docker rename "$half_made_id" "$half_made_name" || detail "$half_made_id keeps its name: $(complaint)"
    done <"$work/half-made"
}

# Compose replaces the containers whose services the release has, and gives the new ones their unnamed volumes; all others go.
driver_adopt() {
    # shellcheck disable=SC2046 # a list of ids
    set -- $(adopted_ids container)
    [ $# -eq 0 ] || capture_long "what is taken over to stop" 3600 "$work/answer" docker stop "$@" || return 1
    # shellcheck disable=SC2046 # a list of ids
    set -- $(awk -F '|' -v services=" $service_names " '$1 == "container" && !index(services, " " $4 " ") { print $5 }' "$work/adopted")
    [ $# -eq 0 ] || capture "$work/answer" docker rm "$@" || return 1
    remove_adopted_networks
}

# One engine is one node.
driver_count_nodes() {
    wanted_replicas=1
}

driver_start() {
    unpause "$@" || return 1
    start_ids=''
    for started do
        load_service "$started"
        start_ids="$start_ids $(startable_ids "$started")"
    done
    # shellcheck disable=SC2086 # a list of ids
    set -- $start_ids
    [ $# -eq 0 ] || capture "$work/answer" docker start "$@"
}

# Compose cannot start what is paused. SERVICE…
unpause() {
    paused_ids=''
    for paused do paused_ids="$paused_ids $(instance_ids "$paused" paused)"; done
    # shellcheck disable=SC2086 # a list of ids
    set -- $paused_ids
    [ $# -eq 0 ] || capture "$work/answer" docker unpause "$@"
}

# A job that ended well is done. SERVICE
startable_ids() {
    while next_instance; do
        [ "$instance_service" = "$1" ] || continue
        case $service_kind/$instance_status/$instance_exit in
        job/exited/0 | */running/* | */restarting/* | */paused/*) ;;
        *) printf '%s\n' "$instance_id" ;;
        esac
    done <"$work/instances"
}

# The engine gives each its own time to end, then kills it; all at once.
driver_stop() {
    stop_ids='' stop_names=$*
    for stopped do
        for stopped_status in running restarting paused; do
            stop_ids="$stop_ids $(instance_ids "$stopped" "$stopped_status")"
        done
    done
    # shellcheck disable=SC2086 # a list of ids
    set -- $stop_ids
    [ $# -eq 0 ] || capture_long "$stop_names to stop" 3600 "$work/answer" docker stop "$@"
}

driver_restart() {
    restart_ids='' restart_names=$*
    for restarted do restart_ids="$restart_ids $(instance_ids "$restarted")"; done
    # shellcheck disable=SC2086 # a list of ids
    set -- $restart_ids
    [ $# -eq 0 ] || capture_long "$restart_names to restart" 3600 "$work/answer" docker restart "$@"
}

# Host ports, also those that the engine chose. The same port of all addresses is one, whatever the kind of address.
driver_list_addresses() {
    # shellcheck disable=SC2046 # a list of ids
    set -- $(awk -F '|' '$4 == "running" { print $1 }' "$work/instances")
    [ $# -gt 0 ] || return 0
    capture "$work/answer" docker inspect --type container --format "$address_format" "$@" || return 1
    awk -F '|' -v OFS='|' 'NF == 4 { if ($2 == "::") { if (($1, $3, $4) in seen) next; $2 = "0.0.0.0" } else if ($2 ~ /:/) $2 = "[" $2 "]"
        if (!seen[$1, $3, $4, $2]++) { if ($2 == "0.0.0.0") seen[$1, $3, $4]; print $1, $2 ":" $3, $4 } }' "$work/answer"
}

readonly address_format='{{$service := index .Config.Labels "io.bootsmith.service"}}{{range $target, $bindings := .NetworkSettings.Ports}}{{range $bindings}}{{$service}}|{{.HostIp}}|{{.HostPort}}|{{$target}}{{println}}{{end}}{{end}}'

# A container that runs has none itself: the engine remembers its last ends for a while.
driver_read_exit() {
    last_exit=''
    driver_read_clock
    capture_seconds=20 capture "$work/answer" docker events --since "$((target_clock - 3600))" --until "$target_clock" --filter "container=$1" --filter event=die \
        --format '{{index .Actor.Attributes "exitCode"}}' || return 0
    last_exit=$(sed -n '$p' "$work/answer")
    case $last_exit in *[!0-9]*) last_exit='' ;; esac
}

# The last thing a replica said, and what its health check said.
driver_show_last_lines() {
    capture "$work/lines" docker inspect --format '{{if .State.Health}}{{range .State.Health.Log}}{{.Output}}{{end}}{{end}}' "$1" &&
        tail -n 3 "$work/lines" | sed '/^$/d; s/^/    health | /' >&2
    # What the container wrote to standard error comes there; where its log cannot be read, it is the engine that speaks.
    if capture "$work/lines" docker logs --tail 20 "$1"; then
        cat "$work/complaint" >>"$work/lines"
    else
        printf 'its log cannot be read: %s\n' "$(complaint)" >"$work/lines"
    fi
    show_lines "$work/lines"
}

# ID NAME
driver_logs() {
    follow_log "$2" "$1" docker logs
}

# A command in a running replica. ID WORD…
driver_exec() {
    exec_in_container "$@"
}

# Nothing is missing in a container of its own.
driver_check_once() {
    :
}

# A command in a container of its own, made like the service's. Sets once_unstarted where it never began. NAME WORD…
driver_run_once() {
    once_name=$1 once_program=$(quote_once_program "$2")
    shift 2
    set -- --entrypoint "$once_program" "$script_service" "$@"
    if [ -n "$once_file" ]; then
        store_once_file
        set -- -v "$file_place/content:$once_place:ro" "$@"
    fi
    for script_variable in $(script_variables); do set -- -e "$script_variable" "$@"; done
    with_compose run_with_input run --no-deps -T --name "$once_name" --label io.bootsmith.kind=oneoff "$@"
    once_code=$?
    [ "$once_code" -eq 0 ] || has_once_begun "$once_name" || once_unstarted=yes
    return "$once_code"
}

# False when it is known not to have: there is no container, or it never ran. NAME
has_once_begun() {
    if capture "$work/answer" docker container inspect --format '{{.State.StartedAt}}' "$1"; then
        ! grep -q '^0001-' "$work/answer"
    else
        ! grep -qi 'no such' "$work/complaint"
    fi
}

# Compose splits this one word as a shell would.
quote_once_program() {
    printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# Killing the client does not stop the container. NAME
driver_stop_once() {
    docker stop --time 1 "$1" >/dev/null 2>&1 </dev/null
    docker rm --force --volumes "$1" >/dev/null 2>&1 </dev/null
}

# A definition is written as the spec is.
driver_name_changes() {
    cat
}

# The loaded release's definition of a service, as it was rendered. SERVICE
driver_show_definition() {
    subset_of_services "$environment_folder/compose.yaml" "$1"
}

driver_show_manifest() {
    for manifest_service in $service_names; do
        load_service "$manifest_service"
        export_service "$manifest_service" "$service_replicas" '(decided on the target)'
    done
    export_shown_volumes
    with_compose capture_compose config || fail_bug "Compose refuses the manifest: $(complaint)"
    cat "$work/compose"
}

# Prints NAME|VERSION lines; what does not answer is left out.
driver_show_versions() {
    begin_faults
    driver_find_tools
    capture "$work/answer" docker version --format '{{.Client.Version}}'
    printf 'docker|%s\n' "$(sed -n 1p "$work/answer")"
    printf 'compose|%s\n' "$compose_version"
}
