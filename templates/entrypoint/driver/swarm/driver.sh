# The driver for Docker Swarm: services are made to run as a stack file says (driver-tasks.sh: what runs; driver-objects.sh: what is
# stored; driver-engine.sh: the engine).
#
# What a driver is, function by function: driver/README.md of the sources.
#
# A stack file is deployed for those services alone that change: all others stay untouched. `docker stack deploy` is never asked to
# wait, which it does badly, nor to prune, which it does before it checks.
#
# Must not:  decide what is wanted, or find an object by its name.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly stack_config_minimum=23.0 # the first docker CLI with `docker stack config`
readonly detach_minimum=26.0 # the first docker CLI that may wait for a stack, and has to be told not to

swarm_cli=''

# A task that is not started yet will be.
starts_by_itself=yes

driver_find_tools() {
    if ! command -v docker >/dev/null; then
        add_fault 'there is no `docker` in this image' 'the base of the bootstrap image must bring the docker CLI'
        return 0
    fi
    # It gives the client's version even when no engine answers.
    capture "$work/tool" docker version --format '{{.Client.Version}}'
    swarm_cli=$(sed -n 1p "$work/tool")
    # shellcheck disable=SC2034 # read by doctor_check
    check_note="docker CLI $swarm_cli"
}

driver_check_engine() {
    check_docker_engine
    [ "$faults" -eq 0 ] || return 0
    swarm_state='' swarm_manager='' swarm_node=''
    capture "$work/answer" docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.Swarm.NodeID}}' &&
        read -r swarm_state swarm_manager swarm_node <"$work/answer"
    case $swarm_state/$swarm_manager in
    active/true) check_note="$check_note, a manager of the swarm" ;;
    active/*) add_fault 'the engine is in a swarm, but it is no manager' 'use a manager: docker node ls there, and -e DOCKER_HOST=… here' ;;
    locked/*) add_fault 'the swarm is locked' 'unlock it: docker swarm unlock' ;;
    *) add_fault 'the engine is in no swarm' 'make one: docker swarm init; or join one: docker swarm join …' ;;
    esac
}

# External networks and secrets, and what the swarm would not keep: one fault each. Volumes belong to nodes; those of other nodes cannot be seen from here.
driver_check_externals() {
    for_each network check_external_network
    for_each external_secret check_external_secret
    for_each mount check_mount_size
}

check_external_network() {
    parse_object "$@"
    [ -n "$object_external" ] || return 0
    if ! capture "$work/answer" docker network inspect --format '{{.Scope}}' -- "$object_name"; then
        add_fault "the external network \`$object_name\` does not exist" "create it: docker network create --driver overlay $(quote_word "$object_name")"
    elif [ "$(cat "$work/answer")" != swarm ]; then
        add_fault "the external network \`$object_name\` belongs to one node, a service of a swarm cannot use it" \
            "create one that spans the nodes: docker network create --driver overlay $(quote_word "$object_name")"
    fi
}

check_external_secret() {
    capture "$work/answer" docker secret inspect --format '{{.ID}}' -- "$1" ||
        add_fault "the external secret \`$1\` does not exist" "create it: docker secret create $(quote_word "$1") FILE"
}

# The engine that we talk to, and every node that replicas may be on.
driver_check_requirement() {
    [ "$requirement_program" = engine ] || return 0
    check_engine_requirement
    capture "$work/answer" docker node ls --format '{{.Hostname}}|{{.EngineVersion}}|{{.Self}}' || return 0
    while IFS='|' read -r required_node required_version required_self; do
        [ "$required_self" != true ] && [ -n "$required_version" ] || continue
        is_version_at_least "$required_version" "$requirement_version" ||
            add_requirement_fault "Docker Engine of the node \`$required_node\`," "$required_version" "update it, or leave the key out of the release"
    done <"$work/answer"
}

# The swarm opens a port on every node for one service alone.
driver_check_ports() {
    list_ports
    [ -s "$work/ports" ] || return 0
    capture "$work/answer" docker service ls --format '{{.ID}}|{{.Name}}|{{.Ports}}' || return 0
    awk -F '|' -v OFS='|' -v target="$target" '{ print $0, index($2, target "_") == 1 ? target : "" }' "$work/answer" >"$work/services.ports"
    refuse_ports_of_others "$work/services.live" <"$work/services.ports"
}

# The CLI's own reader of stack files knows more than a schema.
driver_check_manifest() {
    is_version_at_least "$swarm_cli" "$stack_config_minimum" || return 0
    export_wanted
    for manifest_mount in $mount_ids; do
        with_mount "$manifest_mount" export_shown_name
    done
    capture "$work/shown" with_parameters docker stack config -c "$environment_folder/stack.yaml" ||
        add_fault "docker $swarm_cli refuses the stack file of \`$environment_name\`: $(complaint)" \
            'correct the release, or the parameters that were given; nothing was changed'
    rm -f "$work/shown" # it may hold secrets
}

# Hands everything to the stack file that it leaves open: numbers, digests, and the names of configs and secrets.
driver_prepare_manifest() {
    export_wanted
    for manifest_mount in $mount_ids; do
        load_mount "$manifest_mount"
        export "BOOTSMITH_${manifest_mount}_NAME=$(name_of_mount)"
    done
}

# Numbers, digests and images as they are wanted, and the parameters. Digest and image are not known before the image is.
export_wanted() {
    for manifest_service in $service_names; do
        load_wanted "$manifest_service"
        export_service "$manifest_service" "$wanted_replicas" "${wanted_digest:-unknown}" "${wanted_image_id:-unknown}"
    done
    for_each parameter export_untemplated
}

export_service() { # SERVICE REPLICAS DIGEST IMAGE-ID
    read_service_variable "$1"
    export "BOOTSMITH_REPLICAS_$service_variable=$2" "BOOTSMITH_DIGEST_$service_variable=$3" "BOOTSMITH_IMAGE_$service_variable=$4"
}

# Swarm reads `{{…}}` in the environment as a template; `{{"{{"}}` stands for itself. A brace at the end would make one together with
# what follows it.
export_untemplated() {
    load_parameter_value "$1"
    untemplated=$(printf '%s.' "$parameter_value" | sed 's/{{/{{"{{"}}/g; $s/{\.$/{{"{"}}./')
    export "BOOTSMITH_VALUE_$1=${untemplated%.}"
}

# Prints the stack file with these services alone. FILE SERVICE…
subset_of_stack() {
    subset_file=$1 subset_names=' '
    shift
    for subset_name do
        read_object_of_service "$subset_name"
        subset_names="$subset_names$object_of_service "
    done
    awk -v wanted="$subset_names" '
        /^[^ ]/ { section = $1; inside = 0 }
        section == "services:" && /^  [^ ]/ { name = $1; gsub(/:$|["\047]/, "", name); inside = index(wanted, " " name " ") }
        section != "services:" || /^services:/ || inside' "$subset_file"
}

# SECONDS SERVICE…
driver_apply() {
    capture_seconds=$1
    shift
    unpause "$@" || { show_lines "$work/complaint" && capture_seconds='' && return 1; }
    for apply_try in 1 2 3; do
        subset_of_stack "$environment_folder/stack.yaml" "$@" >"$work/stack.yaml"
        write_pins "$@" >"$work/pin.yaml"
        if deploy_stack; then
            capture_seconds=''
            [ -z "$verbose" ] || show_lines "$work/complaint"
            return 0
        fi
        # Somebody else changed a service between our reading and our writing; what is as wanted by now is left alone.
        grep -q 'out of sequence' "$work/complaint" || break
        detail "a service changed meanwhile ($apply_try)"
        driver_read_state || break
        # shellcheck disable=SC2046 # a list of names
        set -- $(still_different "$@")
        [ $# -gt 0 ] || break
    done
    capture_seconds=''
    [ $# -eq 0 ] || show_lines "$work/complaint"
    [ $# -eq 0 ]
}

# Runs of `docker stack deploy` on $work/stack.yaml.
deploy_stack() {
    set -- docker stack deploy
    ! is_version_at_least "$swarm_cli" "$detach_minimum" || set -- "$@" --detach=true
    set -- "$@" --with-registry-auth --resolve-image never -c "$work/stack.yaml"
    ! grep -q 'image:' "$work/pin.yaml" 2>/dev/null || set -- "$@" -c "$work/pin.yaml"
    capture "$work/answer" with_parameters "$@" "$target"
}

# Prints the services that are not yet as wanted. SERVICE…
still_different() {
    for different do
        load_wanted "$different"
        awk -F '|' -v service="$different" -v digest="$wanted_digest" -v replicas="$wanted_replicas" \
            '$2 "" == service && $4 == "" && $3 == digest && $7 == "" && ($5 ~ /^global/ || $6 == replicas) { same = 1 } END { exit !same }' \
            "$work/services.live" || printf '%s\n' "$different"
    done
}

# Services are updated by id. SERVICE
service_id() {
    awk -F '|' -v service="$1" '$2 "" == service && $4 == "" { print $1 }' "$work/services.live"
}

service_field() { # SERVICE NUMBER
    awk -F '|' -v service="$1" -v field="$2" '$2 "" == service && $4 == "" { print $field }' "$work/services.live"
}

# ARGUMENT… of `docker service update`
update_service() {
    capture "$work/answer" docker service update --detach --quiet "$@"
}

# A service that was stopped gets its replicas back; one whose replicas ended by themselves gets new ones; a job that is done is done.
driver_start() {
    unpause "$@" || return 1
    for started do
        load_service "$started"
        start_stopped=$(service_field "$started" 7) start_mode=$(service_field "$started" 5) start_id=$(service_id "$started")
        case $start_mode/$start_stopped in
        global/?*) update_service --constraint-rm "$stopped_constraint" --label-rm io.bootsmith.stopped "$start_id" || return 1 ;;
        */?*) update_service --replicas "$start_stopped" --label-rm io.bootsmith.stopped "$start_id" || return 1 ;;
        replicated/ | global/)
            [ -z "$(instance_ids "$started" exited)$(instance_ids "$started" dead)" ] || update_service --force "$start_id" || return 1
            ;;
        esac
    done
}

# What is paused on this node, of which the swarm knows nothing. SERVICE…
unpause() {
    paused_ids=''
    for paused do
        for paused_task in $(instance_ids "$paused" paused); do
            load_task "$paused_task" && paused_ids="$paused_ids $task_container"
        done
    done
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$paused_ids" ] || capture "$work/answer" docker unpause $paused_ids
}

# No node has it: a service that runs once a node can be stopped no other way.
readonly stopped_constraint='node.labels.io.bootsmith.stopped==yes'

# To no replicas, with their number in a label of the service, which changes no replica. A job that is not done goes: it is to be run again.
driver_stop() {
    stop_ids=''
    for stopped do
        stop_id=$(service_id "$stopped")
        case $(service_field "$stopped" 5)/$(service_field "$stopped" 7)/$(service_field "$stopped" 6) in
        replicated/?*/* | global/?*/* | replicated//0) continue ;;
        replicated//*) update_service --replicas 0 --label-add "io.bootsmith.stopped=$(live_replicas "$stopped")" "$stop_id" || return 1 ;;
        global/*) update_service --constraint-add "$stopped_constraint" --label-add "io.bootsmith.stopped=$(live_replicas "$stopped")" "$stop_id" || return 1 ;;
        *)
            [ -n "$(instance_ids "$stopped" running)$(instance_ids "$stopped" created)" ] || continue
            capture "$work/answer" docker service rm "$stop_id" || return 1
            ;;
        esac
        stop_ids="$stop_ids $stop_id"
    done
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$stop_ids" ] || await_no_tasks $stop_ids
}

# Waits until nothing of these services runs; the engine gives each its own time to end, then kills it. What runs on a node that is down ends
# when that node is back, and is not waited for. SERVICE-ID…
await_no_tasks() {
    while :; do
        : >"$work/running"
        for awaited do
            capture "$work/answer" docker service ps --no-trunc --no-resolve --format '{{.Node}}|{{.CurrentState}}' "$awaited" || continue # it is gone
            grep -E '\|(Running|Starting|Preparing|Ready|Assigned|Accepted)' "$work/answer" >>"$work/running"
        done
        [ -s "$work/running" ] || return 0
        driver_read_nodes || return 1
        lost_nodes=$(awk -F '|' '
            FNR == NR { is_up[$1] = $4 != "down"; name[$1] = $2; next }
            is_up[$1] { waits = 1 }
            !is_up[$1] && !seen[$1]++ { lost = lost " " ($1 in name ? name[$1] : $1) }
            END { if (!waits) print lost }' "$work/nodes" "$work/running")
        say_slow_wait "$(wc -l <"$work/running" | tr -d ' ') replicas to stop"
        [ -z "$lost_nodes" ] || { warn "down:$lost_nodes; what runs there ends when the node is back" && return 0; }
        nap 1
    done
}

driver_restart() {
    restart_ids=''
    for restarted do
        restart_id=$(service_id "$restarted")
        restart_ids="$restart_ids $restart_id"
        update_service --force "$restart_id" || return 1
    done
    # shellcheck disable=SC2086 # a list of ids
    await_updates $restart_ids
}

# Waits until every replica was replaced. What becomes of the new ones is the core's to judge. SERVICE-ID…
await_updates() {
    for awaited do
        while [ "$(seconds_left)" -gt 0 ]; do
            capture "$work/answer" docker service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' "$awaited" || return 1
            case $(cat "$work/answer") in updating | rollback_started) ;; *) break ;; esac
            say_slow_wait "the swarm, which restarts replicas"
            nap 1
        done
    done
}

# A definition is written as the spec is.
driver_name_changes() {
    cat
}

# The loaded release's definition of a service, as it was rendered. SERVICE
driver_show_definition() {
    read_object_of_service "$1"
    subset_of_services "$environment_folder/stack.yaml" "$object_of_service"
}

driver_show_manifest() {
    for manifest_service in $service_names; do
        load_service "$manifest_service"
        export_service "$manifest_service" "$service_replicas" '(decided on the target)' '(decided on the target)'
    done
    for manifest_mount in $mount_ids; do
        with_mount "$manifest_mount" export_shown_name
    done
    for_each parameter export_shown_value
    capture "$work/shown" with_parameters docker stack config -c "$environment_folder/stack.yaml" || fail_bug "docker refuses the stack file: $(complaint)"
    cat "$work/shown"
}

export_shown_name() {
    if [ "$mount_kind" = secret ]; then mount_fingerprint='********'; else mount_fingerprint=$(fingerprint_mount); fi
    export "BOOTSMITH_${mount_id}_NAME=$(name_of_mount)"
}

export_shown_value() {
    if has_word "$parameters_secret" "$1"; then export "BOOTSMITH_VALUE_$1=********"; else export_untemplated "$1"; fi
}

# Prints NAME|VERSION lines; what does not answer is left out.
driver_show_versions() {
    begin_faults
    driver_find_tools
    printf 'docker|%s\n' "$swarm_cli"
}
