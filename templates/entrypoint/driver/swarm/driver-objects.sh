# The driver for Docker Swarm, third part: configs, secrets and records; removal of what is left over.
#
# A config or secret is named by the fingerprint of its bytes, so it never changes; it is made from our standard input, so no byte of
# a secret touches a disk or an argv. A record of a scale is a config too. All are found by label.
#
# Takes in:  the tables of driver_read_state, the mounts of files.sh. Gives out: configs and secrets, as $work/configs and $work/secrets.
# Must not:  delete a data volume unless the operator said --volumes --yes.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# id | name | kind | source | fingerprint | owner | salt | service | scale | scale of | created at
readonly config_format='{{.ID}}|{{.Spec.Name}}|{{index .Spec.Labels "io.bootsmith.kind"}}|{{index .Spec.Labels "io.bootsmith.source"}}|{{index .Spec.Labels "io.bootsmith.fingerprint"}}|{{index .Spec.Labels "io.bootsmith.owner"}}|{{index .Spec.Labels "io.bootsmith.salt"}}|{{index .Spec.Labels "io.bootsmith.service"}}|{{index .Spec.Labels "io.bootsmith.scale"}}|{{index .Spec.Labels "io.bootsmith.scale-of"}}|{{json .CreatedAt}}'
readonly secret_format=$config_format

read_stored() {
    read_objects configs config "$config_format$(ledger_format .Spec.Labels)" docker config ls --quiet || return 1
    read_objects secrets secret "$secret_format" docker secret ls --quiet || return 1
    awk -F '|' -v OFS='|' '$3 != "ledger" && $3 != "lock" { print $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 }' "$work/secrets" "$work/configs" >"$work/stored"
}

# Twelve digits of the fingerprint: names have at most 64 characters (the build checks it), the label has it all.
name_of_mount() { # needs mount_id and mount_fingerprint
    printf '%s_%s-%.12s' "$target" "$(printf '%s' "$mount_id" | tr 'A-Z_' 'a-z-')" "$mount_fingerprint"
}

# By a service. NAME
driver_is_stored_used() {
    awk -F '|' -v name="$1" 'index(" " $9, " " name " ") || index(" " $10, " " name " ") { used = 1 } END { exit !used }' "$work/services.live"
}

# A secret of the operator's host would have to be on every node: only the engine of a node can tell, when it makes the container.
driver_check_host_files() {
    :
}

# The most that a swarm keeps (swarmkit, manager/controlapi: MaxConfigSize). A secret may have 511999 bytes: no value of a parameter has
# more than 131072, the most that a kernel hands to a program.
readonly config_bytes_maximum=1023999

# Parameters decide here: what the release alone decides was judged when it was built, and what is stored was taken.
check_mount_size() {
    parse_mount "$@"
    [ "$mount_kind" = secret ] || [ -n "$mount_pieces" ] || return 0
    load_mount "$mount_id"
    [ -z "$mount_stored" ] || return 0
    for size_parameter in $mount_parameter $mount_parameters; do
        ! has_word "$parameters_missing" "$size_parameter" || return 0 # that is a fault of its own
    done
    size_bytes=$(write_content | wc -c | tr -d ' ')
    size_hint="its bytes come from: $(printf '%s %s' "$mount_parameter" "$mount_parameters" | sed 's/^ *//; s/ *$//')"
    if [ "$size_bytes" -eq 0 ]; then
        add_fault "the $mount_kind \`$mount_source\` is empty, and a swarm keeps none that is" "$size_hint"
    elif [ "$size_bytes" -gt "$config_bytes_maximum" ]; then
        add_fault "the $mount_kind \`$mount_source\` has $size_bytes bytes, and a swarm keeps at most $config_bytes_maximum" "$size_hint"
    fi
}

driver_store_files() {
    for file_mount in $mount_ids; do
        with_mount "$file_mount" store_file
    done
}

# Needs all mount_ variables, those of the record and those of the table.
store_file() {
    load_mount "$mount_id"
    if [ "$mount_kind" = secret ]; then file_type=secret; else file_type=config; fi
    file_name=$(name_of_mount)
    file_stored=$(awk -F '|' -v name="$file_name" '$2 "" == name { print $5 }' "$work/${file_type}s")
    [ "$file_stored" != "$mount_fingerprint" ] || return 0
    [ -z "$file_stored" ] || fail_file "the $file_type $file_name exists with other content"
    detail "storing $mount_source"
    set -- --label "io.bootsmith.project=$project" --label "io.bootsmith.environment=$environment_name" \
        --label "io.bootsmith.kind=$file_type" --label "io.bootsmith.source=$mount_source" \
        --label "io.bootsmith.fingerprint=$mount_fingerprint" --label "io.bootsmith.owner=$mount_uid:$mount_gid:$mount_mode"
    # The salt is kept with what it salted: the same bytes have the same name the next time.
    ! takes_secret || set -- "$@" --label "io.bootsmith.salt=$salt"
    write_content | docker "$file_type" create "$@" "$file_name" - >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child || fail_file "\`$mount_source\`: $(complaint)"
}

fail_file() {
    [ -z "$migration_open" ] || fail_unbegun_migration "its file could not be stored: $1"
    fail_unrestored "configs and secrets could not be stored: $1" 'no service was touched; the same command can be repeated'
}

# A record cannot be changed, only replaced. SERVICE REPLICAS RELEASE-REPLICAS
driver_record_scale() {
    driver_forget_scale "$1"
    read_object_of_service "$1"
    printf '%s\n' "$2" | docker config create --label "io.bootsmith.project=$project" \
        --label "io.bootsmith.environment=$environment_name" --label io.bootsmith.kind=scale \
        --label "io.bootsmith.service=$1" --label "io.bootsmith.scale=$2" --label "io.bootsmith.scale-of=$3" \
        "${target}_scale-$object_of_service" - >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child || fail_unrestored "the scale of \`$1\` could not be recorded: $(complaint)"
}

driver_forget_scale() {
    # shellcheck disable=SC2046 # a list of ids
    remove_objects config $(awk -F '|' -v service="$1" '$3 == "scale" && $8 "" == service { print $1 }' "$work/configs")
}

remove_objects() { # config|secret ID…
    removed_type=$1
    shift
    [ $# -eq 0 ] || capture "$work/answer" docker "$removed_type" rm "$@" || warn "a $removed_type is left over: $(complaint)"
}

# After a good deployment: services that the release no longer has, what interrupted commands left, networks that no service of ours
# is on, old configs and secrets, and scale records that no longer hold.
driver_remove_leftovers() {
    driver_read_state && read_stored || return 1
    leftovers=$(orphan_services)
    for leftover in $leftovers; do
        say "$leftover: removed, it is not in this release"
        remove_service "$(service_id "$leftover")" || warn "\`$leftover\` is left over: $(complaint)"
    done
    # shellcheck disable=SC2046 # a list of ids
    set -- $(ended_once_services)
    [ $# -eq 0 ] || capture "$work/answer" docker service rm "$@" || warn "a service is left over: $(complaint)"
    [ -z "$leftovers$*" ] || driver_read_state || return 1
    remove_unused_networks
    # shellcheck disable=SC2046 # lists of ids
    {
        remove_objects config $(unwanted_configs)
        remove_objects secret $(unwanted_files "$work/secrets" secret)
    }
}

# ID
remove_service() {
    capture "$work/answer" docker service rm "$1" || return 1
    await_no_containers "label=com.docker.swarm.service.id=$1"
    remove_task_containers "com.docker.swarm.service.id=$1"
}

# Containers on the node that we talk to; those of other nodes are the swarm's alone. FILTER
await_no_containers() {
    for containers_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        capture "$work/answer" docker ps --quiet --filter "$1" || return 0
        [ -s "$work/answer" ] || return 0
        say_slow_wait 'the last containers to end'
        nap 1
    done
}

# Prints the ids of one-off services that run no more.
ended_once_services() {
    awk -F '|' '
        NR == FNR { if ($4 == "oneoff") once[$1] = 1; next }
        ($2 in once) && $6 !~ /^(complete|failed|rejected|orphaned|shutdown)$/ { delete once[$2] }
        END { for (id in once) print id }' "$work/services.live" "$work/tasks"
}

# Prints the ids of configs that nothing wants or uses.
unwanted_configs() {
    unwanted_files "$work/configs" config
    while IFS='|' read -r old_id _ old_kind _ _ _ _ old_service _ old_of _; do
        [ "$old_kind" != scale ] || is_scale_valid "$old_service" "$old_of" || printf '%s\n' "$old_id"
    done <"$work/configs"
}

unwanted_files() { # TABLE KIND
    wanted_files=''
    for file_mount in $mount_ids; do
        load_mount "$file_mount"
        wanted_files="$wanted_files $(name_of_mount)"
    done
    while IFS='|' read -r old_id old_name old_kind _; do
        [ "$old_kind" = "$2" ] || continue
        has_word "$wanted_files" "$old_name" || driver_is_stored_used "$old_name" || printf '%s\n' "$old_id"
    done <"$1"
}

list_networks() {
    capture "$work/listed" docker network ls --no-trunc --format '{{.ID}} {{.Name}}' \
        --filter "label=io.bootsmith.project=$project" --filter "label=io.bootsmith.environment=$environment_name"
}

remove_unused_networks() {
    list_networks || { warn "networks cannot be listed: $(complaint)" && return 0; }
    going_networks=''
    while read -r network_id network_name; do
        awk -F '|' -v id="$network_id" 'index(" " $11, " " id " ") { used = 1 } END { exit !used }' "$work/services.live" || remove_network
    done <"$work/listed"
    await_no_networks
}

# The last containers take a moment to leave it.
remove_network() {
    for network_try in 1 2 3 4 5 6 7 8 9 10; do
        if capture "$work/answer" docker network rm "$network_id"; then
            say "network $network_name: removed"
            going_networks="$going_networks $network_id"
            return 0
        fi
        case $(cat "$work/complaint") in
        *'active endpoints'* | *'in use'*) ;;
        # An earlier command has removed it; it is listed while it goes.
        *'not found'* | *[Nn]'o such network'*)
            going_networks="$going_networks $network_id"
            return 0
            ;;
        *) break ;;
        esac
        detail "network $network_name is in use ($network_try)"
        nap 1
    done
    warn "the network $network_name is left over: $(complaint)"
}

# A service cannot be moved to another network of the same name: those on it go, and come again with their waves. NAME ID
driver_renew_network() {
    network_name=$1 network_id=$2 renewed_network=$2 going_networks=''
    awk -F '|' -v id="$2" 'index(" " $11 " ", " " id " ") { print $1 }' "$work/services.live" >"$work/renewed"
    while read -r renewed_id; do
        remove_service "$renewed_id" || return 1
    done <"$work/renewed"
    remove_network
    await_no_networks
    has_word "$going_networks" "$renewed_network"
}

# The network of the loaded release, as it was rendered. NETWORK
driver_show_network() {
    subset_of_section "$environment_folder/stack.yaml" networks "$1"
}

# Services go whole: a network that they are on could not be replaced.
driver_adopt() {
    # shellcheck disable=SC2046 # a list of ids
    set -- $(adopted_ids service)
    [ $# -eq 0 ] || capture "$work/answer" docker service rm "$@" || return 1
    for adopted_service do await_no_containers "label=com.docker.swarm.service.id=$adopted_service"; done
    remove_adopted_networks
}

# What the swarm removed is on the nodes for a moment longer.
await_no_networks() {
    for network_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        [ -n "$going_networks" ] && list_networks || return 0
        is_network_there || return 0
        detail "waiting for the last networks ($network_try)"
        nap 1
    done
    warn 'networks that were removed are still going away'
}

is_network_there() {
    while read -r network_id _; do
        ! has_word "$going_networks" "$network_id" || return 0
    done <"$work/listed"
    return 1
}
