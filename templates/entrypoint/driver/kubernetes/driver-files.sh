# The driver for Kubernetes, part: configs, secrets, values and records as ConfigMaps and Secrets.
#
# Each holds one thing under a name that carries its fingerprint, and is immutable: what has the name has the bytes. They go
# to the API server through a pipe, so a secret touches neither a disk nor an argv. A config that a secret takes part in
# is a Secret too. The values of a service's parameters are one Secret, which its containers refer to.
#
# Takes in:  the mounts of files.sh, parameters. Gives out: objects; $work/records:
#                object | kind | source | fingerprint | owner | service | scale | scale of | created | salt
# Must not:  ask for the content of anything but the salt.

# shellcheck disable=SC2016 # dollars of the template
readonly record_template='{{range .items}}{{$labels := .metadata.labels}}{{$kind := or (index $labels "io.bootsmith.kind") ""}}
{{- if eq .kind "Secret"}}secret/{{else}}configmap/{{end}}{{.metadata.name}}|{{$kind}}|{{or (index $labels "io.bootsmith.source") ""}}
{{- "|"}}{{or (index $labels "io.bootsmith.fingerprint") ""}}|{{with .metadata.annotations}}{{or (index . "io.bootsmith.owner") ""}}{{end}}
{{- "|"}}{{or (index $labels "io.bootsmith.service") ""}}|{{or (index $labels "io.bootsmith.scale") ""}}|{{or (index $labels "io.bootsmith.scale-of") ""}}
{{- "|"}}{{.metadata.creationTimestamp}}|{{if eq $kind "salt"}}{{base64decode .data.content}}{{end}}
{{- if eq $kind "ledger"}}{{with .metadata.annotations}}|{{index . "io.bootsmith.entry"}}|{{index . "io.bootsmith.revision"}}|{{index . "io.bootsmith.at"}}
{{- "|"}}{{index . "io.bootsmith.version"}}|{{index . "io.bootsmith.command"}}|{{index . "io.bootsmith.who"}}|{{index . "io.bootsmith.message"}}
{{- "|"}}{{index . "io.bootsmith.content"}}|{{index . "io.bootsmith.name"}}
{{- "|"}}{{or (index . "io.bootsmith.sequence") ""}}|{{or (index . "io.bootsmith.target") ""}}|{{or (index . "io.bootsmith.before") ""}}
{{- "|"}}{{or (index . "io.bootsmith.resources") ""}}{{end}}{{end}}{{"\n"}}{{end}}'

read_records() {
    capture "$work/records.new" cluster get "$(record_kinds | tr ' ' ,)" --selector "$(our_labels),io.bootsmith.kind!=in-cluster" \
        -o go-template="$record_template" || return 1
    declare_services '|' 6 <"$work/records.new" >"$work/records"
    awk -F '|' -v OFS='|' '$2 != "ledger" { print $1, $2, $3, $4, $5, $10, $6, $7, $8, $9 }' "$work/records" >"$work/stored"
}

# By a workload. OBJECT
driver_is_stored_used() {
    awk -F '|' -v name="${1#*/}" 'index(" " $8 " ", " " name " ") { used = 1 } END { exit !used }' "$work/workloads"
}

# Needs mount_id and mount_fingerprint.
name_of_mount() {
    printf '%s-%s' "$(printf '%s' "$mount_id" | tr 'A-Z_' 'a-z-')" "$mount_fingerprint"
}

# The name of the Secret with the values of a service's parameters. Needs the service_ variables.
name_of_values() {
    printf 'values-%s-%s' "$service_object" "$({ printf '%s\n' "$salt" && write_values; } | digest_of_input)"
}

# The values of a service's parameters as the data of a Secret.
write_values() {
    for value_name in $service_parameters; do
        load_parameter_value "$value_name"
        printf '  "%s": "%s"\n' "$value_name" "$(printf '%s' "$parameter_value" | base64 | tr -d '\n')"
    done
}

has_record() { # OBJECT
    awk -F '|' -v object="$1" '$1 == object { found = 1 } END { exit !found }' "$work/records"
}

# Everything that is not there yet, as one stream of objects.
driver_store_files() {
    make_namespace
    write_missing_files | cluster apply --server-side --field-manager=bootsmith -f - >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child || grep -q 'no objects passed' "$work/complaint" ||
        fail_unrestored "configs and secrets could not be stored: $(complaint)" 'no service was touched; the same command can be repeated'
    read_records || fail_unrestored "what is stored cannot be read: $(complaint)" 'no service was touched; the same command can be repeated'
}

write_missing_files() {
    [ -n "$(stored_salt)" ] || write_salt
    for file_mount in $mount_ids; do
        with_mount "$file_mount" write_missing_mount
    done
    for file_service in $service_names; do
        load_service "$file_service"
        [ -n "$service_parameters" ] || continue
        file_name=$(name_of_values)
        has_record "secret/$file_name" || write_values_object
    done
}

write_salt() {
    write_object_head Secret bootsmith-salt salt
    printf 'data:\n  content: "%s"\n' "$(printf '%s' "$salt" | base64 | tr -d '\n')"
}

write_missing_mount() {
    load_mount "$mount_id"
    file_kind=ConfigMap file_object=configmap file_data=binaryData
    ! takes_secret || file_kind=Secret file_object=secret file_data=data
    ! has_record "${file_object}/$(name_of_mount)" || return 0
    write_object_head "$file_kind" "$(name_of_mount)" "$mount_kind"
    printf '    io.bootsmith.source: "%s"\n    io.bootsmith.fingerprint: "%s"\n' "$mount_source" "$mount_fingerprint"
    printf '  annotations:\n    io.bootsmith.owner: "%s"\nimmutable: true\n%s:\n  content: "' \
        "$mount_uid:$mount_gid:$mount_mode" "$file_data"
    write_content | base64 | tr -d '\n'
    printf '"\n'
}

write_values_object() {
    write_object_head Secret "$file_name" values
    printf '    io.bootsmith.service: "%s"\nimmutable: true\ndata:\n' "$service_object"
    write_values
}

# The beginning of an object of ours; lines of more labels may follow. KIND NAME ROLE
write_object_head() {
    printf -- '---\napiVersion: v1\nkind: %s\nmetadata:\n  name: "%s"\n  labels:\n' "$1" "$2"
    printf '    io.bootsmith.project: "%s"\n    io.bootsmith.environment: "%s"\n    io.bootsmith.kind: "%s"\n' \
        "$project" "$environment_name" "$3"
}

# Files are on no host: there are no host files on a cluster. What is left to check right before the first write is the
# manifests themselves, by the API server.
driver_check_host_files() {
    make_namespace
    render_manifests
    rehearse_manifests
}

# SERVICE REPLICAS RELEASE-REPLICAS
driver_record_scale() {
    make_namespace
    read_object_of_service "$1"
    {
        write_object_head ConfigMap "bootsmith-scale-$object_of_service" scale
        printf '    io.bootsmith.service: "%s"\n    io.bootsmith.scale: "%s"\n    io.bootsmith.scale-of: "%s"\n' "$object_of_service" "$2" "$3"
    } | cluster apply --server-side --field-manager=bootsmith --force-conflicts -f - >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child || fail_unrestored "the scale of \`$1\` could not be recorded: $(complaint)"
    read_records || fail_unrestored "the scale of \`$1\` cannot be read: $(complaint)"
}

driver_forget_scale() {
    # shellcheck disable=SC2046 # a list of names
    remove_objects $(awk -F '|' -v service="$1" '$2 == "scale" && $6 "" == service { print $1 }' "$work/records")
}

# Prints the objects with configs, secrets, values and scales that this release does not want.
unwanted_records() {
    wanted_records=''
    for file_mount in $mount_ids; do
        load_mount "$file_mount"
        wanted_records="$wanted_records $(name_of_mount)"
    done
    for file_service in $service_names; do
        load_service "$file_service"
        [ -z "$service_parameters" ] || wanted_records="$wanted_records $(name_of_values)"
    done
    while IFS='|' read -r old_object old_kind _ _ _ old_service _ old_of _; do
        case $old_kind in
        config | secret | values) has_word "$wanted_records" "${old_object#*/}" || printf '%s\n' "$old_object" ;;
        scale) is_scale_valid "$old_service" "$old_of" || printf '%s\n' "$old_object" ;;
        esac
    done <"$work/records"
}
