# The driver for Docker Swarm, second part: what runs. Services and their tasks as the core's tables, logs, commands in containers.
#
# A replica is the newest task of a slot (or of a node, for a service that runs once a node); the tasks before it tell how often it
# failed. A swarm calls a task running only after its health check passed, so a running one is healthy. Of a container that somebody paused it
# knows nothing: the engine that we talk to does, of its own.
#
# Takes in:  the swarm. Gives out: $work/services.live, $work/tasks, $work/instances, $work/live, $work/undone.
# Must not:  change a service.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# id | service | digest | kind | mode | replicas | replicas before it was stopped | state of its update | configs | secrets | networks | image | image id | message of its update
readonly service_format='{{.ID}}|{{index .Spec.Labels "io.bootsmith.service"}}|{{index .Spec.Labels "io.bootsmith.config-digest"}}|{{index .Spec.Labels "io.bootsmith.kind"}}|{{if .Spec.Mode.Replicated}}replicated|{{.Spec.Mode.Replicated.Replicas}}{{else if .Spec.Mode.ReplicatedJob}}replicated-job|{{.Spec.Mode.ReplicatedJob.TotalCompletions}}{{else if .Spec.Mode.Global}}global|{{else}}global-job|{{end}}|{{index .Spec.Labels "io.bootsmith.stopped"}}|{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}|{{range .Spec.TaskTemplate.ContainerSpec.Configs}}{{.ConfigName}} {{end}}|{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{.SecretName}} {{end}}|{{range .Spec.TaskTemplate.Networks}}{{.Target}} {{end}}|{{.Spec.TaskTemplate.ContainerSpec.Image}}|{{index .Spec.TaskTemplate.ContainerSpec.Labels "io.bootsmith.image-id"}}|{{if .UpdateStatus}}{{json .UpdateStatus.Message}}{{end}}'
# id | service id | slot | node | created at | state | desired state | in this state since | container | exit code | health check | restart condition | digest | image id | image | complaint
readonly task_format='{{.ID}}|{{.ServiceID}}|{{.Slot}}|{{.NodeID}}|{{json .CreatedAt}}|{{.Status.State}}|{{.DesiredState}}|{{json .Status.Timestamp}}|{{if .Status.ContainerStatus}}{{.Status.ContainerStatus.ContainerID}}|{{.Status.ContainerStatus.ExitCode}}{{else}}|{{end}}|{{if .Spec.ContainerSpec.Healthcheck}}{{range .Spec.ContainerSpec.Healthcheck.Test}}{{if eq . "NONE"}}none{{else}}test{{end}} {{end}}{{end}}|{{if .Spec.RestartPolicy}}{{.Spec.RestartPolicy.Condition}}{{end}}|{{index .Spec.ContainerSpec.Labels "io.bootsmith.config-digest"}}|{{index .Spec.ContainerSpec.Labels "io.bootsmith.image-id"}}|{{.Spec.ContainerSpec.Image}}|{{json .Status.Err}}'

driver_read_state() {
    read_objects services.live service "$service_format" docker service ls --quiet || return 1
    read_tasks || return 1
    read_departed || return 1
    capture "$work/paused" docker ps --quiet --no-trunc --filter status=paused --filter label=com.docker.swarm.task.id || return 1
    name_replicas | sort -t '|' -k 12 >"$work/instances"
    count_replicas | sort >"$work/live"
    list_undone >"$work/undone"
}

# id | service | tool, and by tabs what the specification says; a service that was stopped by us says something else.
readonly trait_format='{{if not (index .Spec.Labels "io.bootsmith.stopped")}}{{index .Spec.Labels "io.bootsmith.service"}}{{"\t"}}{{.Spec.TaskTemplate.ContainerSpec.Image}}{{"\t"}}{{json .Spec.TaskTemplate.ContainerSpec.Command}} {{json .Spec.TaskTemplate.ContainerSpec.Args}}{{"\t"}}{{json .Spec.TaskTemplate.ContainerSpec.Env}}{{"\t"}}{{json .Spec.TaskTemplate.ContainerSpec.Mounts}} {{json .Spec.TaskTemplate.ContainerSpec.Configs}} {{json .Spec.TaskTemplate.ContainerSpec.Secrets}}{{"\t"}}{{json .Spec.TaskTemplate.Resources}}{{"\t"}}{{json .Spec.TaskTemplate.Placement}}{{"\t"}}{{json .Spec.TaskTemplate.Networks}}{{"\t"}}{{json .Spec.EndpointSpec}}{{"\t"}}{{json .Spec.Labels}} {{json .Spec.TaskTemplate.ContainerSpec.Labels}}{{"\t"}}{{json .Spec.TaskTemplate.RestartPolicy}} {{json .Spec.UpdateConfig}} {{json .Spec.RollbackConfig}}{{"\t"}}{{json .Spec}}{{end}}'

# Another docker CLI may show a specification in another way. Numbers and what `restart` counts are no part of it.
driver_list_traits() {
    printf -- '-|tool|%s\n' "$swarm_cli"
    trait_ids=$(awk -F '|' '$2 != "" && $4 == "" { print $1 }' "$work/services.live")
    [ -n "$trait_ids" ] || return 0
    # shellcheck disable=SC2086 # a list of ids
    capture "$work/answer" docker service inspect --format "$trait_format" $trait_ids || return 1
    sed 's/"ForceUpdate":[0-9]*,*//g; s/"Mode":{"Replicated":{[^}]*}},*//; s/"Mode":{"Global":{}},*//' "$work/answer" | awk -F '\t' -v OFS='|' '
        BEGIN { traits = split("- image command environment files limits placement networks ports labels updates definition", trait, " ") }
        NF == traits { for (i = 2; i <= traits; i++) print $1, trait[i], $i }'
}

# The last replica that failed with another definition than the service has again tells why.
list_undone() {
    awk -F '|' -v OFS='|' '
        FNR == NR { if ($4 == "" && $8 ~ /^rollback/) { name[$1] = $2; digest[$1] = $3; why[$1] = $14 }; next }
        ($2 in name) && $6 ~ /^(failed|rejected)$/ && $13 != digest[$2] { failed[$2] = $1; why[$2] = $16 }
        END { for (id in name) { gsub(/"/, "", why[id]); print name[id], digest[id], why[id], failed[id] } }' "$work/services.live" "$work/tasks"
}

# Sorted by when they were made, the oldest first. What vanished in between is no fault.
read_tasks() {
    : >"$work/tasks"
    for tasks_try in 1 2 3; do
        tasks_services=$(cut -d '|' -f 1 "$work/services.live")
        [ -n "$tasks_services" ] || return 0
        # shellcheck disable=SC2086 # a list of ids
        capture "$work/names" docker service ps --no-trunc --quiet $tasks_services || is_gone_meanwhile || return 1
        [ -s "$work/names" ] || return 0
        # shellcheck disable=SC2046 # a list of ids
        if capture "$work/answer" docker inspect --type task --format "$task_format" $(cat "$work/names"); then
            awk -F '|' -v OFS='|' '{ gsub(/^"|Z?"$/, "", $5); gsub(/"/, "", $8); print }' "$work/answer" | sort -t '|' -k 5,5 >"$work/tasks"
            return 0
        fi
        is_gone_meanwhile || return 1
        detail "the list of tasks changed while it was read ($tasks_try)"
    done
    return 1
}

# Sets departed, tasks between spaces: those that ended because their node is drained, down or gone, or its labels are others. An engine that was slow
# to stop a task may call it failed for good, and one that is down never says how it ended, so the node is asked; where a node is open, a task that
# failed is a failure. Only those are asked about on whom something hangs: of a global service the last one of a node, as it has no next one; and the
# failures before a replica that does not run yet.
read_departed() {
    departed=''
    awk -F '|' -v OFS='|' '
        FNR == NR { if ($4 == "") mode[$1] = $5; next }
        !($2 in mode) { next }
        {
            place = $2 SUBSEP (mode[$2] == "global" ? $4 : $3)
            if (state[place] ~ /^(failed|rejected|orphaned)$/) failures[place] = failures[place] last[place] "\n"
            last[place] = $1 OFS $4 OFS $6 OFS $16; state[place] = $6
            left[place] = mode[$2] == "global" && $7 == "shutdown"
        }
        END { for (place in last) if (left[place]) print last[place]; else if (state[place] != "running") printf "%s", failures[place] }
        ' "$work/services.live" "$work/tasks" >"$work/ended"
    [ -s "$work/ended" ] || return 0
    driver_read_nodes || return 1
    departed=" $(awk -F '|' -v ORS=' ' '
        FNR == NR { if ($4 != "down") drained[$1] = $5 == "drain"; next }
        !($2 in drained) || $3 == "shutdown" || $4 ~ /no longer meets constraints/ { print $1; next }
        drained[$2] && $3 ~ /^(complete|failed|rejected|orphaned)$/ { print $1 }' "$work/nodes" "$work/ended")"
}

# The table of state.sh: one line for each replica that is or should be.
name_replicas() {
    awk -F '|' -v OFS='|' -v departed="$departed" -v paused=" $(tr '\n' ' ' <"$work/paused")" '
        function has_left(task) { return index(departed, " " task " ") }
        function failed(key) { return task[key, "state"] ~ /^(failed|rejected|orphaned)$/ && !has_left(newest[key]) }
        function status_of(key,    state) {
            state = task[key, "state"]
            if (state == "running" && index(paused, " " task[key, "container"] " ")) return "paused"
            if (state == "running" || state == "remove") return state == "remove" ? "removing" : state
            if (state == "rejected" || state == "orphaned") return "dead"
            if (state ~ /^(complete|failed|shutdown)$/) return "exited"
            if (unhealthy[key] || (state == "starting" && task[key, "test"])) return "running"
            return failures[key] ? "restarting" : "created"
        }
        function health_of(key, status) {
            if (status != "running" || !task[key, "test"]) return ""
            if (task[key, "state"] == "running") return "healthy"
            return unhealthy[key] ? "unhealthy" : "starting"
        }
        function policy_of(condition) {
            return condition == "none" ? "no" : condition == "on-failure" ? condition : "always"
        }
        FNR == NR {
            if ($4 == "") { name[$1] = $2; mode[$1] = $5; stopped[$1] = $7; of[$1] = $3; image_id[$1] = $13; image[$1] = $12 }
            next
        }
        !($2 in name) || stopped[$2] != "" || $6 == "remove" { next }
        # What is scaled down goes, whatever its slot; it counts as long as it runs.
        $7 == "remove" && $6 != "running" { next }
        {
            place = mode[$2] ~ /^global/ ? $4 : $3
            key = $2 SUBSEP place
            if (!(key in newest)) { keys[++count] = key; place_of[key] = place }
            else if (failed(key) && task[key, "digest"] == $13) {
                failures[key]++; last_exit[key] = task[key, "exit"]; unhealthy[key] = task[key, "complaint"] ~ /unhealthy/
            } else { failures[key] = 0; unhealthy[key] = 0 }
            newest[key] = $1
            task[key, "service"] = $2; task[key, "state"] = $6; task[key, "since"] = $8; task[key, "container"] = $9; task[key, "exit"] = $10
            task[key, "test"] = ($11 ~ /test/); task[key, "policy"] = $12; task[key, "digest"] = $13; task[key, "image id"] = $14
            task[key, "image"] = $15; task[key, "complaint"] = $16
        }
        END {
            for (at = 1; at <= count; at++) {
                key = keys[at]; id = task[key, "service"]; status = status_of(key)
                if (has_left(newest[key])) continue
                exit_code = status == "restarting" ? last_exit[key] : task[key, "exit"]
                if (exit_code == "") exit_code = status == "dead" ? 1 : 0
                print newest[key], name[id], task[key, "digest"], status, exit_code, failures[key] + 0, health_of(key, status), \
                    policy_of(task[key, "policy"]), task[key, "since"], task[key, "image id"], task[key, "image"], name[id] "." (place_of[key] == 0 ? 1 : place_of[key])
            }
            for (id in stopped) for (number = 1; number <= stopped[id] + 0; number++)
                print id, name[id], of[id], "exited", 0, 0, "", "always", "", image_id[id], image[id], name[id] "." number
        }' "$work/services.live" "$work/tasks"
}

count_replicas() {
    awk -F '|' -v OFS='|' '
        NR == FNR { if ($4 == "") { name[$1] = $2; number[$1] = $7 != "" ? $7 : $6 }; next }
        ($2 in name) && $7 !~ /^(shutdown|remove)$/ { tasks[$2]++ }
        END { for (id in name) print name[id], number[id] != "" ? number[id] : tasks[id] + 0 }' "$work/services.live" "$work/tasks"
}

# A task's line in $work/tasks, in the task_ variables. ID; false when there is none.
load_task() {
    task_id=''
    IFS='|' read -r task_id task_service task_slot task_node _ _ _ _ task_container _ <<END
$(awk -F '|' -v id="$1" '$1 == id' "$work/tasks")
END
    [ -n "$task_id" ]
}

# Prints the tasks that were in the loaded task's place, the newest last.
tasks_of_place() {
    awk -F '|' -v service="$task_service" -v slot="$task_slot" -v node="$task_node" \
        '$2 "" == service && $3 == slot && (slot != 0 || $4 == node)' "$work/tasks"
}

# What a service publishes on every node, or, in the mode `host`, on those where it runs.
driver_list_addresses() {
    address_ids=$(awk -F '|' '$2 != "" && $4 == "" { print $1 }' "$work/services.live")
    [ -n "$address_ids" ] || return 0
    # shellcheck disable=SC2086 # a list of ids
    capture "$work/published" docker service inspect --format "$address_format" $address_ids || return 1
    [ -f "$work/nodes" ] || : >"$work/nodes"
    ! grep -q '^[^|]*|[^|]*|host|' "$work/published" || driver_read_nodes || return 1
    awk -F '|' -v OFS='|' '
        FILENAME == ARGV[1] { host[$1] = $2; next }
        FILENAME == ARGV[2] { if ($6 == "running" && ($4 in host)) places[$2] = places[$2] host[$4] " "; next }
        NF == 5 && $3 == "host" { for (at = split(places[$2], place, " "); at > 0; at--) print $1, place[at] ":" $4, $5; next }
        NF == 5 { print $1, "*:" $4, $5 }' "$work/nodes" "$work/tasks" "$work/published"
}

# Service, id, mode, published port, target.
readonly address_format='{{$service := index .Spec.Labels "io.bootsmith.service"}}{{$id := .ID}}{{range .Endpoint.Ports}}{{$service}}|{{$id}}|{{.PublishMode}}|{{.PublishedPort}}|{{.TargetPort}}/{{.Protocol}}{{println}}{{end}}'

# The task before the one that runs tells.
driver_read_exit() {
    last_exit=''
    ! load_task "$1" || last_exit=$(tasks_of_place | awk -F '|' '$6 == "failed" && $10 != "" { code = $10 } END { print code }')
}

# What the swarm says of a replica, and the last thing that its container said, or the one before it.
driver_show_last_lines() {
    load_task "$1" || return 0
    if [ -n "$task_container" ]; then awk -F '|' -v id="$1" '$1 == id' "$work/tasks"; else tasks_of_place; fi >"$work/place"
    awk -F '|' '$16 != "" && $16 != "\"\"" { said = $16 } END { if (said != "") { gsub(/^"|"$/, "", said); print "    task | " said } }' "$work/place" >&2
    last_task=$(awk -F '|' '$9 != "" { last = $1 } END { print last }' "$work/place")
    [ -n "$last_task" ] || return 0
    load_task "$last_task"
    lines_unread=''
    capture_seconds=20 capture "$work/lines" docker logs --tail 20 "$task_container" || {
        ! grep -q 'does not support reading' "$work/complaint" || lines_unread="its log cannot be read: $(complaint)"
        # The container is on another node.
        [ -n "$lines_unread" ] || capture_seconds=20 capture "$work/lines" docker service logs --raw --tail 20 "$last_task"
    }
    if [ -n "$lines_unread" ]; then printf '%s\n' "$lines_unread" >"$work/lines"; else cat "$work/complaint" >>"$work/lines"; fi
    show_lines "$work/lines"
}

# ID NAME: from whatever node the replica is on. Of a log that nobody keeps the swarm says nothing at all.
driver_logs() {
    load_task "$1" && [ -n "$task_container" ] || return 0
    if capture "$work/answer" docker service inspect --format '{{with .Spec.TaskTemplate.LogDriver}}{{.Name}}{{end}}' "$task_service" &&
        [ "$(cat "$work/answer")" = none ]; then
        warn "the log of $2 cannot be read: its driver is \`none\`"
        return 1
    fi
    follow_log "$2" "$1" docker service logs --raw
}

# A command in a running replica: in one on the node that we talk to, for there is no way into a container of another. ID WORD…
driver_exec() {
    load_task "$1" || refuse "\`$script_name\`: the replica $1 is gone"
    shift
    exec_container=$(awk -F '|' -v service="$task_service" -v node="$swarm_node" \
        '$2 "" == service && $4 == node && $6 == "running" { print $9; exit }' "$work/tasks")
    [ -n "$exec_container" ] || refuse_other_node
    exec_in_container "$exec_container" "$@"
}

refuse_other_node() {
    node_name='' node_address=''
    capture "$work/answer" docker node inspect --format '{{.Description.Hostname}} {{.Status.Addr}}' "$task_node" &&
        read -r node_name node_address <"$work/answer"
    refuse "\`$script_name\` runs in the service \`$script_service\`, which runs on the node ${node_name:-$task_node}" \
        "talk to that node: -e DOCKER_HOST=tcp://${node_address:-ADDRESS}:2376 (or ssh://${node_address:-ADDRESS})"
}

# A container of its own is a task of a job here, and nothing reaches its standard input.
driver_check_once() {
    [ -z "$script_input" ] || add_fault "\`$script_name\` reads data, and on a swarm a container of its own has no input" \
        'the release has to run it with `mode = "exec"`, or to fetch its data itself'
}

# A command as a job made like the service: it is polled, then its output printed. Sets once_unstarted where it never began: no job was made,
# no node took its task, or its container could not be started. NAME WORD…
driver_run_once() {
    once_key=run-${1##*-}
    shift
    write_once_stack "$@"
    write_once_pins >"$work/pin.yaml"
    deploy_stack || { once_unstarted=yes && show_lines "$work/complaint" && return 1; }
    once_state=''
    while :; do
        read_once_task
        case $once_state in complete | failed | rejected | orphaned | shutdown) break ;; esac
        nap 1
    done
    print_once_output
    case $once_state/$once_complaint in rejected/* | failed/'starting container failed'*) once_unstarted=yes ;; esac
    case $once_state/$once_exit in
    complete/*) return 0 ;;
    failed/[1-9]*) return "$once_exit" ;;
    esac
    error "\`$script_name\` could not be run: $once_complaint"
    return 1
}

# The service's definition of run.yaml under another name, with the words as its command and what a script is told.
write_once_stack() {
    once_words=''
    once_program=$(stack_word "$1")
    shift
    for once_word do once_words="$once_words${once_words:+, }$(stack_word "$once_word")"; done
    subset_of_stack "$environment_folder/run.yaml" "$script_service" >"$work/run.yaml"
    once_environment=''
    grep -q '^    environment:$' "$work/run.yaml" || once_environment='    environment:'
    once_variables=$(script_variables | sed 's/^\([A-Z_]*\)=\(.*\)$/      \1: "\2"/')
    ONCE_PROGRAM=$once_program ONCE_WORDS=$once_words ONCE_ENVIRONMENT=$once_environment ONCE_VARIABLES=$once_variables awk -v key="$once_key" '
        section == "services:" && /^  [^ ]/ {
            print "  " key ":"
            print "    entrypoint: [" ENVIRON["ONCE_PROGRAM"] "]"
            print "    command: [" ENVIRON["ONCE_WORDS"] "]"
            if (ENVIRON["ONCE_ENVIRONMENT"] != "") print ENVIRON["ONCE_ENVIRONMENT"] "\n" ENVIRON["ONCE_VARIABLES"]
            next
        }
        /^[^ ]/ { section = $1 }
        { print }
        section == "services:" && /^    environment:$/ { print ENVIRON["ONCE_VARIABLES"] }' "$work/run.yaml" >"$work/stack.yaml"
}

# A second stack file for the one-off: its file, and its image as it was recorded.
write_once_pins() {
    grep '^version:' "$work/stack.yaml" # two files must say the same
    printf 'services:\n  %s:\n' "$once_key"
    load_service "$script_service"
    once_image=$service_image
    [ -z "$pinned_images" ] || [ -z "$(recorded_digest "$script_service")" ] || once_image=${service_image%@*}@$(recorded_digest "$script_service")
    printf '    image: "%s"\n' "$once_image"
    [ -n "$once_file" ] || return 0
    load_once_mount
    store_file >&2
    printf '    configs:\n      - source: migration\n        target: "%s"\n        mode: 292\n' "$once_place"
    printf 'configs:\n  migration:\n    external: true\n    name: "%s"\n' "$(name_of_mount)"
}

# A word as a YAML text; a dollar sign is two in a stack file.
stack_word() {
    stack_text=$(printf '%s.' "$1" | sed 's/\$/$$/g')
    case $1 in
    *[!A-Za-z0-9\ _./:=@%+,\(\)*-]*) json_string "${stack_text%.}" ;;
    *) printf '"%s"' "${stack_text%.}" ;;
    esac
}

# Sets once_task, once_state, once_container, once_exit, once_complaint; a job that was not started yet has no task.
read_once_task() {
    once_task='' once_exit=''
    capture "$work/answer" docker service ps --no-trunc --quiet "${target}_$once_key" && read -r once_task <"$work/answer"
    [ -n "$once_task" ] || return 0
    capture "$work/answer" docker inspect --type task \
        --format '{{.Status.State}}|{{if .Status.ContainerStatus}}{{.Status.ContainerStatus.ContainerID}}|{{.Status.ContainerStatus.ExitCode}}{{else}}|{{end}}|{{.Status.Err}}' "$once_task" &&
        IFS='|' read -r once_state once_container once_exit once_complaint <"$work/answer"
}

# The container's own log is exact, byte for byte; where the container is on another node the swarm passes its lines on.
print_once_output() {
    [ -n "$once_container" ] || return 0
    if capture "$work/answer" docker container inspect --format '{{.Id}}' "$once_container"; then
        await docker logs "$once_container"
    else
        [ -z "$script_output" ] || warn "\`$script_name\` ran on another node: binary output may have changed on its way"
        await docker service logs --raw "$once_task"
    fi
}

# NAME
driver_stop_once() {
    once_service=${target}_run-${1##*-}
    docker service rm "$once_service" >/dev/null 2>&1 </dev/null
    remove_task_containers "com.docker.swarm.service.name=$once_service"
}

# Engines leave the containers of ended jobs when the service is gone. LABEL=VALUE
remove_task_containers() {
    for task_try in 1 2 3 4 5; do
        left_containers=$(docker ps --all --quiet --no-trunc --filter "label=$1" 2>/dev/null </dev/null)
        # shellcheck disable=SC2086 # a list of ids
        [ -n "$left_containers" ] || return 0
        # shellcheck disable=SC2086 # a list of ids
        docker rm --force --volumes $left_containers >/dev/null 2>&1 </dev/null && return 0
    done
}
