# The driver for Kubernetes, part: logs, commands in services, one-offs, and the manifest as a person reads it.
#
# Takes in:  a pod or job, words. Gives out: what they print, and their exit codes.
# Must not:  give a one-off an input, or mix what it prints with what it complains of: a cluster keeps one log of both.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# The last thing a replica said, and what the cluster said of it.
driver_show_last_lines() {
    lines_object=${1#*/}
    capture "$work/lines" cluster get events --field-selector "involvedObject.name=$lines_object,type=Warning" \
        -o go-template='{{range .items}}{{.reason}}: {{.message}}{{"\n"}}{{end}}' &&
        tail -n 3 "$work/lines" | cut -c 1-400 | sed '/^$/d; s/^/    cluster | /' >&2
    lines_container=$(container_of_pod "$lines_object")
    { capture "$work/lines" cluster logs "$1" ${lines_container:+-c "$lines_container"} --tail 20 && [ -s "$work/lines" ]; } ||
        capture "$work/lines" cluster logs "$1" ${lines_container:+-c "$lines_container"} --tail 20 --previous
    show_lines "$work/lines"
}

# Prints the container of a service, which is called as the service is on the cluster; nothing for a pod of none. POD
container_of_pod() {
    pod_of=$(awk -F '|' -v name="$1" '$1 "" == name { print $2; exit }' "$work/pods")
    [ -n "$pod_of" ] || return 0
    read_object_of_service "$pod_of"
    printf '%s\n' "$object_of_service"
}

# ID NAME: lines on standard output, each with the name. With --follow until interrupted, several at once.
driver_logs() {
    logs_id=$1 logs_name=$2 logs_container=$(container_of_pod "${1#*/}")
    set -- cluster logs "$logs_id"
    [ -z "$logs_container" ] || set -- "$@" -c "$logs_container"
    if ! capture "$work/answer" "$@" --tail 0; then
        warn "the log of $logs_name cannot be read: $(complaint)"
        return 1
    fi
    [ -z "$option_follow" ] || set -- "$@" --follow
    [ -z "$option_tail" ] || set -- "$@" --tail "$(printf '%s' "$option_tail" | sed 's/^all$/-1/')"
    case $option_since in
    '') ;;
    [0-9][0-9][0-9][0-9]-*Z | [0-9][0-9][0-9][0-9]-*+*) set -- "$@" --since-time "$option_since" ;;
    [0-9][0-9][0-9][0-9]-*) set -- "$@" --since-time "${option_since}Z" ;;
    *) set -- "$@" --since "$option_since" ;;
    esac
    mkfifo "$work/logs.$logs_name"
    "$@" </dev/null >"$work/logs.$logs_name" 2>&1 &
    logs_readers="${logs_readers:-} $!"
    awk -v name="$logs_name" '{ print name " | " $0; fflush() }' <"$work/logs.$logs_name" &
    child=$!
    [ -n "$option_follow" ] || wait_for_child
}

# A command in a running replica. ID WORD…
driver_exec() {
    exec_id=$1
    shift
    # shellcheck disable=SC2046 # a list of words
    set -- env $(script_variables) "$@"
    read_object_of_service "$script_service"
    set -- "$exec_id" -c "$object_of_service" -- "$@"
    if [ -t 0 ] && [ -t 1 ] && [ -z "$script_input$script_output" ]; then set -- -t "$@"; fi
    run_without_its_end cluster exec -i "$@"
}

# The last thing that kubectl says is how the command ended, which is no line of the command; its code is passed on in any case. WORD…
run_without_its_end() {
    rm -f "$work/exec.pipe"
    mkfifo "$work/exec.pipe"
    awk '
        held != "" { print held; held = "" }
        /command terminated with exit code [0-9]+$/ { held = $0; next }
        { print; fflush() }
        END { sub(/command terminated with exit code [0-9]+$/, "", held); if (held != "") print held }' <"$work/exec.pipe" >&2 &
    exec_reader=$!
    run_with_input "$@" 2>"$work/exec.pipe"
    exec_code=$?
    wait "$exec_reader"
    return "$exec_code"
}

# Whether the cluster refused to begin a command in a pod. The words of a lost connection are not among them: it may have begun. FILE
driver_is_exec_refused() {
    grep -Eq '^(Error from server|OCI runtime exec failed: |error: unable to upgrade connection: |error: Internal error occurred: .*failed to (exec|start exec))' "$1"
}

# A cluster keeps no input for a pod, and one log of what it writes and what it complains of.
driver_check_once() {
    [ -z "$script_input" ] ||
        add_fault "\`$script_name\` reads data, but a container of its own has no input on Kubernetes" 'declare it with mode = "exec", in a service that runs'
    [ -z "$script_output" ] ||
        add_fault "\`$script_name\` writes data, but a cluster mixes what a container of its own writes with what it complains of" \
            'declare it with mode = "exec", in a service that runs'
}

# A command in a job of its own, made like the service's pods. Sets once_unstarted where it never began. NAME WORD…
driver_run_once() {
    once_object=$(printf '%s' "${1%-*}" | cut -c 1-54 | sed 's/[^a-z0-9]*$//')-${1##*-} # a name has 63 characters
    once_name=$once_object once_unstarted=yes
    shift
    [ -z "$once_file" ] || store_once_file || { fail_once "the file of \`$script_name\` could not be stored: $(complaint)" && return 1; }
    make_once_job "$@" || { fail_once "the job $once_object could not be created: $(complaint)" && return 1; }
    await_once_begin || { fail_once "the job $once_object did not start: $once_text" && return 1; }
    once_unstarted=''
    read_object_of_service "$script_service"
    await cluster logs --follow "job/$once_object" -c "$object_of_service"
    await_once_end
}

# The end of the call, unless it belongs to something larger: a hook or a migration. MESSAGE
fail_once() {
    [ -z "$is_hook" ] || { error "$1" && return 0; }
    driver_stop_once "$once_object"
    refuse "$1"
}

# The pod of the service, made a job's by a patch that kubectl applies by itself. What a Service or a controller would look at is
# left out; the labels stay, so that networks treat it alike, and a gate that nobody opens keeps requests away.
make_once_job() { # WORD…
    capture "$work/once.pod" cluster create --dry-run=client --validate=false -o jsonpath='{.spec.template.spec}' \
        -f "$work/manifests/service-$script_service.yaml" || return 1
    capture "$work/once.claims" cluster create --dry-run=client --validate=false -o jsonpath='{.spec.volumeClaimTemplates[*].metadata.name}' \
        -f "$work/manifests/service-$script_service.yaml" || return 1
    read_object_of_service "$script_service"
    write_once_job >"$work/once.job"
    write_once_patch "$@" >"$work/once.patch"
    capture "$work/once.yaml" cluster patch --local --type=strategic -f "$work/once.job" --patch-file "$work/once.patch" -o json || return 1
    capture "$work/answer" cluster create -f "$work/once.yaml"
}

# The file of a one-off, in a ConfigMap that is left over when it has ended.
store_once_file() {
    load_once_mount
    write_missing_mount | cluster apply --server-side --field-manager=bootsmith -f - >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child || grep -q 'no objects passed' "$work/complaint"
}

write_once_job() {
    once_labels=$(printf '{"io.bootsmith.project": %s, "io.bootsmith.environment": %s, "io.bootsmith.service": %s, "io.bootsmith.kind": "oneoff"}' \
        "$(json_string "$project")" "$(json_string "$environment_name")" "$(json_string "$object_of_service")")
    printf '{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": %s, "labels": %s}, "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": %s}, "spec": ' \
        "$(json_string "$once_object")" "$once_labels" "$once_labels"
    cat "$work/once.pod"
    printf '}}}\n'
}

# The command, and nothing that judges whether the service is up. WORD…
write_once_patch() {
    printf '{"spec": {"template": {"spec": {"restartPolicy": "Never", "readinessGates": [{"conditionType": "io.bootsmith/one-off"}], '
    once_volumes=$(write_once_volumes)
    [ -z "$once_volumes" ] || printf '"volumes": [%s], ' "$once_volumes"
    printf '"containers": [{"name": %s, "args": null, "livenessProbe": null, "readinessProbe": null, "startupProbe": null, "lifecycle": null, ' \
        "$(json_string "$object_of_service")"
    [ -z "$once_file" ] || printf '"volumeMounts": [{"name": "migration", "mountPath": %s, "subPath": "content", "readOnly": true}], ' \
        "$(json_string "$once_place")"
    printf '"env": [%s], "command": [' "$(script_variables | sed 's/^\([A-Z_]*\)=\(.*\)$/{"name": "\1", "value": "\2"}/; $!s/$/, /')"
    once_separator=''
    for once_word do
        # A `$(NAME)` is a variable to Kubernetes, and `$$` a dollar.
        printf '%s%s' "$once_separator" "$(json_string "$(printf '%s.' "$once_word" | sed 's/\$(/$$(/g' | sed '$s/\.$//')")"
        once_separator=', '
    done
    printf ']}]}}}}\n'
}

# The volumes that each replica has of its own are, in a one-off, those of the first. Needs $work/once.claims.
write_once_volumes() {
    once_separator=''
    if [ -n "$once_file" ]; then
        load_once_mount
        printf '{"name": "migration", "configMap": {"name": "%s"}}' "$(name_of_mount)"
        once_separator=', '
    fi
    # shellcheck disable=SC2013 # names are words
    for once_claim in $(cat "$work/once.claims"); do
        printf '%s{"name": "%s", "persistentVolumeClaim": {"claimName": "%s-%s-0"}}' "$once_separator" "$once_claim" "$once_claim" "$object_of_service"
        once_separator=', '
    done
}

# Until the container has begun, or will not. What is waited for is said once.
await_once_begin() {
    once_said='' once_until=$(($(date +%s) + ${option_timeout:-$default_timeout}))
    while :; do
        read_once
        case $once_state in running | ended | failed) return 0 ;; esac
        [ "$once_text" = "$once_said" ] || say "waiting for $once_object: $once_text"
        once_said=$once_text
        case $once_text in *ImagePullBackOff* | *InvalidImageName* | *CreateContainerConfigError* | *ErrImageNeverPull*) once_until=0 ;; esac
        [ "$(date +%s)" -lt "$once_until" ] || { judge_once_start && return 1; }
        nap 1
    done
}

# Who was only late may have begun by now.
judge_once_start() {
    [ "$once_until" -eq 0 ] || once_unstarted=''
}

readonly once_template='{{range .items}}{{if eq .kind "Job"}}{{range .status.conditions}}{{if eq .status "True"}}{{.type}} {{end}}{{end}}|
{{- else}}{{range .status.containerStatuses}}{{with .state}}{{with .running}}running{{end}}{{with .terminated}}ended|{{.exitCode}}|{{.reason}}{{end}}{{with .waiting}}waiting||{{.reason}} {{or .message ""}}{{end}}{{end}}{{end}}{{end}}{{"\n"}}{{end}}'

# Sets once_state, once_code and once_text of the one-off.
read_once() {
    once_state=waiting once_code='' once_text='no pod yet'
    capture "$work/once" cluster get jobs,pods --selector "batch.kubernetes.io/job-name=$once_object" -o go-template="$once_template" || return 0
    while IFS='|' read -r once_word once_number once_note; do
        case $once_word in
        running) once_state=running ;;
        ended) once_state=ended once_code=$once_number once_text=$once_note ;;
        waiting) once_text=$once_note ;;
        esac
    done <"$work/once"
    [ -n "$once_code" ] || ! capture "$work/once" cluster get job "$once_object" \
        -o go-template='{{range .status.conditions}}{{if eq .type "Failed"}}{{.status}} {{or .message ""}}{{end}}{{end}}' || read_once_failure
}

read_once_failure() {
    case $(cat "$work/once") in True*) once_state=failed once_text=$(cat "$work/once") ;; esac
}

# Gives the exit code of the command.
await_once_end() {
    while :; do
        read_once
        case $once_state in
        ended)
            # What the runtimes call a program that is not there or cannot be run.
            case $once_text in StartError | ContainerCannotRun) once_unstarted=yes ;; esac
            return "$once_code"
            ;;
        failed)
            error "$once_object failed: ${once_text#True }"
            return 1
            ;;
        esac
        nap 1
    done
}

driver_stop_once() {
    cluster delete job "$1" --ignore-not-found --grace-period=1 --wait=false >/dev/null 2>&1 </dev/null &
    wait "$!"
}

# Digests and the names of what a secret takes part in are decided on the target; values of parameters are a Secret of their own.
# The loaded release's definition of a service, as it was rendered. SERVICE
driver_show_definition() {
    cat "$environment_folder/kubernetes/service-$1.yaml"
}

# The container has the number of its place; an entry of `env` its name.
driver_name_changes() {
    sed -e 's/^spec\.template\.spec\.containers\.[^.|]*\.//' -e 's/^command\([.|]\)/entrypoint\1/' -e 's/^args\([.|]\)/command\1/' \
        -e 's/^env\.\([^.|]*\)\.value|/environment.\1|/' -e '/^env\.[^.|]*\.name|/d' -e 's/^spec\.template\.spec\.//'
}

driver_show_manifest() {
    for manifest_service in $service_names; do
        load_service "$manifest_service"
        read_service_variable "$manifest_service"
        write_replacement DIGEST "$service_variable" '(decided on the target)'
        write_replacement VALUES "$service_variable" "values-$service_object"
    done >"$work/replacements"
    for file_mount in $mount_ids; do
        write_replacement NAME "$file_mount" "$(printf '%s' "$file_mount" | tr 'A-Z_' 'a-z-')" >>"$work/replacements"
    done
    for manifest in namespace common availability additions schedules; do show_manifest_file "$manifest"; done
    for manifest_service in $service_names; do
        load_service "$manifest_service"
        [ -z "$service_parameters" ] || show_values
        show_manifest_file "service-$manifest_service"
    done
}

show_manifest_file() { # NAME
    [ -f "$environment_folder/kubernetes/$1.yaml" ] || return 0
    echo ---
    sed '1{/^---$/d;}' "$environment_folder/kubernetes/$1.yaml" | sed -f "$work/replacements"
}

show_values() {
    write_object_head Secret "values-$service_object" values
    printf 'stringData:\n'
    for value_name in $service_parameters; do
        load_parameter_value "$value_name"
        printf '  "%s": %s\n' "$value_name" "$(json_string "$parameter_value")"
    done
}
