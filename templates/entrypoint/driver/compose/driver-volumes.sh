# The driver for Docker Compose, second part: configs, secrets and records as volumes; removal of what is left over.
#
# A config or secret is a volume named by the fingerprint of its bytes, so it never changes. It is filled through
# `docker cp` into a container that is created and never started, from an image without any file: no program runs, nothing is
# bound from our own file system, and it works over TCP.
#
# When we are killed between creating a volume and having filled it, the volume is there but not whole. Therefore a
# volume is trusted only when a container of the product uses it (that was created after the filling ended). Any other is filled
# again: the same bytes under the same names. A stored secret that is not given now cannot be filled again; it is read
# back and held against its fingerprint.
#
# Takes in:  the tables of driver_read_state, the mounts of files.sh. Gives out: volumes, $work/volumes; BOOTSMITH_<ID>_ variables.
# Must not:  delete a data volume unless the operator said --volumes --yes.

readonly empty_image=bootsmith/empty:1
readonly volume_format='{{.Name}}|{{index .Labels "io.bootsmith.kind"}}|{{index .Labels "io.bootsmith.source"}}|{{index .Labels "io.bootsmith.fingerprint"}}|{{index .Labels "io.bootsmith.owner"}}|{{index .Labels "io.bootsmith.salt"}}|{{index .Labels "io.bootsmith.service"}}|{{index .Labels "io.bootsmith.scale"}}|{{index .Labels "io.bootsmith.scale-of"}}|{{.CreatedAt}}|{{.Mountpoint}}'

empty_image_seen=''

read_volumes() {
    read_objects volumes volume "$volume_format$(ledger_format .Labels)" docker volume ls -q || return 1
    awk -F '|' -v OFS='|' '$2 != "" && $2 != "ledger" { NF = 10; print }' "$work/volumes" >"$work/stored"
}

volume_of_mount() { # needs mount_id and mount_fingerprint
    printf '%s_%s-%s' "$target" "$(printf '%s' "$mount_id" | tr 'A-Z_' 'a-z-')" "$mount_fingerprint"
}

# By a replica of a service, which mounts it or binds what is in it: docker-compose v1 keeps the old volume at a place and
# binds from the new one. VOLUME
driver_is_stored_used() {
    awk -F '|' -v volume="$1" '$13 == "" && (index(" " $14, " " volume " ") || index($14, "/" volume "/")) { used = 1 }
        END { exit !used }' "$work/containers"
}

driver_store_files() {
    fill_ids=''
    for file_mount in $mount_ids; do
        load_mount "$file_mount"
        driver_is_stored_used "$(volume_of_mount)" || fill_ids="$fill_ids $file_mount"
    done
    [ -z "$fill_ids" ] || fill_volumes
}

fill_volumes() {
    make_empty_image
    set --
    for file_mount in $fill_ids; do
        with_mount "$file_mount" create_volume
        set -- "$@" --mount "type=volume,source=$file_volume,target=/$file_mount"
    done
    create_filler "$@"
    for file_mount in $fill_ids; do
        load_mount "$file_mount"
        if [ -n "$mount_stored" ]; then with_mount "$file_mount" check_stored; else fill_volume; fi
    done
    remove_filler
}

# Once it was seen, the lock or an entry of the ledger uses it.
make_empty_image() {
    [ -z "$empty_image_seen" ] || return 0
    empty_image_seen=yes
    capture "$work/answer" docker image inspect --format '{{.Id}}' "$empty_image" && return 0
    printf '%01024d' 0 | tr 0 '\000' >"$work/empty.tar"
    capture "$work/answer" docker import "$work/empty.tar" "$empty_image" || refuse "no empty image could be made: $(complaint)"
}

# Sets file_volume. Needs all mount_ variables, those of the record and those of the table.
create_volume() {
    load_mount "$mount_id"
    file_volume=$(volume_of_mount)
    ! awk -F '|' -v name="$file_volume" '$1 "" == name { found = 1 } END { exit !found }' "$work/volumes" || return 0
    set -- --label "io.bootsmith.project=$project" --label "io.bootsmith.environment=$environment_name" \
        --label "io.bootsmith.source=$mount_source" --label "io.bootsmith.fingerprint=$mount_fingerprint" \
        --label "io.bootsmith.owner=$mount_uid:$mount_gid:$mount_mode"
    if [ "$mount_kind" = secret ]; then
        set -- "$@" --label io.bootsmith.kind=secret
    else
        set -- "$@" --label io.bootsmith.kind=config
    fi
    # The salt is kept with what it salted: the same bytes have the same name the next time.
    ! takes_secret || set -- "$@" --label "io.bootsmith.salt=$salt"
    capture "$work/answer" docker volume create "$@" "$file_volume" || fail_file "$(complaint)"
}

create_filler() {
    capture "$work/filler" docker create --network none --label "io.bootsmith.project=$project" \
        --label "io.bootsmith.environment=$environment_name" --label io.bootsmith.kind=fill "$@" "$empty_image" fill ||
        fail_file "$(complaint)"
    read -r filler <"$work/filler"
}

remove_filler() {
    capture "$work/answer" docker rm --force "$filler" || warn "the container $filler is left over: $(complaint)"
}

fill_volume() {
    detail "storing $mount_source"
    with_mount "$mount_id" write_archive | docker cp - "$filler:/$mount_id" >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child || fail_file "\`$mount_source\`: $(complaint)"
}

# The file of a one-off, in a volume that is left over when it has ended. Sets file_place.
store_once_file() {
    load_once_mount
    make_empty_image
    create_volume
    create_filler --mount "type=volume,source=$file_volume,target=/$mount_id"
    write_archive | docker cp - "$filler:/$mount_id" >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child || fail_file "\`$mount_source\`: $(complaint)"
    remove_filler
    capture "$work/answer" docker volume inspect --format '{{.Mountpoint}}' "$file_volume" || fail_file "$(complaint)"
    read -r file_place <"$work/answer"
}

check_stored() {
    load_mount "$mount_id"
    docker cp "$filler:/$mount_id/content" - 2>"$work/complaint" </dev/null | tar -xOf - 2>/dev/null |
        { fingerprint_meta && cat; } | digest_of_input >"$work/answer" &
    child=$!
    wait_for_child
    [ "$(cat "$work/answer")" != "$mount_fingerprint" ] || return 0
    remove_filler
    refuse "secret \`$mount_source\`: what is stored on the target is not whole" \
        "$(how_to_give "$mount_parameter")"
}

fail_file() {
    [ -z "${filler:-}" ] || remove_filler
    [ -z "$migration_open" ] || fail_unbegun_migration "its file could not be stored: $1"
    fail_unrestored "configs and secrets could not be stored: $1" 'no service was touched; the same command can be repeated'
}

# A file on the engine's host can only be seen by binding it: the engine refuses to create a container when it is missing.
driver_check_host_files() {
    for_each host_file check_host_file
}

check_host_file() {
    make_empty_image
    filler=''
    if capture "$work/filler" docker create --network none --label "io.bootsmith.project=$project" \
        --label "io.bootsmith.environment=$environment_name" --label io.bootsmith.kind=fill \
        --mount "type=bind,\"source=$(printf '%s' "$1" | sed 's/"/""/g')\",target=/file,readonly" "$empty_image" fill; then
        read -r filler <"$work/filler"
        remove_filler
    else
        add_fault "the file $1 is not on the engine's host: $(complaint)" 'it holds a secret of this release; put it there first'
    fi
}

# BOOTSMITH_<ID>_VOLUME and _PATH: where the manifest finds each mount; the path of a directory is the volume's root.
export_volumes() {
    set --
    for file_mount in $mount_ids; do
        load_mount "$file_mount"
        set -- "$@" "$(volume_of_mount)"
    done
    [ $# -gt 0 ] || return 0
    capture "$work/places" docker volume inspect --format '{{.Name}} {{.Mountpoint}}' "$@" || fail_file "$(complaint)"
    for file_mount in $mount_ids; do
        load_mount "$file_mount"
        read -r file_volume file_place
        [ "$mount_kind" = directory ] || file_place=$file_place/content
        export "BOOTSMITH_${file_mount}_VOLUME=$file_volume" "BOOTSMITH_${file_mount}_PATH=$file_place"
    done <"$work/places"
}

# The same for a manifest to look at: no engine is asked, so the place is the usual one, and a secret's name is masked.
export_shown_volumes() {
    for file_mount in $mount_ids; do
        with_mount "$file_mount" export_shown_volume
    done
}

export_shown_volume() {
    if [ "$mount_kind" = secret ]; then mount_fingerprint='********'; else mount_fingerprint=$(fingerprint_mount); fi
    file_volume=$(volume_of_mount)
    file_place=/var/lib/docker/volumes/$file_volume/_data
    [ "$mount_kind" = directory ] || file_place=$file_place/content
    export "BOOTSMITH_${mount_id}_VOLUME=$file_volume" "BOOTSMITH_${mount_id}_PATH=$file_place"
}

# A record cannot be changed, only replaced. SERVICE REPLICAS RELEASE-REPLICAS
driver_record_scale() {
    driver_forget_scale "$1"
    capture "$work/answer" docker volume create --label "io.bootsmith.project=$project" \
        --label "io.bootsmith.environment=$environment_name" --label io.bootsmith.kind=scale \
        --label "io.bootsmith.service=$1" --label "io.bootsmith.scale=$2" --label "io.bootsmith.scale-of=$3" \
        "${target}_scale-$1" || fail_unrestored "the scale of \`$1\` could not be recorded: $(complaint)"
}

driver_forget_scale() {
    # shellcheck disable=SC2046 # a list of names
    remove_volumes $(awk -F '|' -v service="$1" '$2 == "scale" && $7 "" == service { print $1 }' "$work/volumes")
}

remove_volumes() {
    for old_volume do
        capture "$work/answer" docker volume rm "$old_volume" || warn "the volume $old_volume is left over: $(complaint)"
    done
}

# After a good deployment: containers of services that the release no longer has, what interrupted commands left, networks
# that no container of ours refers to, old configs and secrets, and scale records that no longer hold.
driver_remove_leftovers() {
    driver_read_state && read_volumes || return 1
    leftovers=$(orphan_services)
    for leftover in $leftovers; do
        say "$leftover: removed, it is not in this release"
        # shellcheck disable=SC2046 # a list of ids
        { driver_stop "$leftover" && capture "$work/answer" docker rm --force $(instance_ids "$leftover"); } || warn "\`$leftover\` is left over: $(complaint)"
    done
    # shellcheck disable=SC2046 # a list of ids
    set -- $(awk -F '|' '$13 == "fill" || ($13 ~ /oneoff/ && $4 != "running") { print $1 }' "$work/containers")
    remove_containers "$@"
    [ -z "$leftovers$*" ] || driver_read_state || return 1
    remove_unused_networks
    # shellcheck disable=SC2046 # a list of names
    remove_volumes $(unwanted_volumes)
}

remove_containers() {
    [ $# -eq 0 ] || capture "$work/answer" docker rm --force "$@" || warn "containers are left over: $(complaint)"
}

# Prints the names of config, secret and scale volumes that nothing wants or uses.
unwanted_volumes() {
    wanted_volumes=''
    for file_mount in $mount_ids; do
        load_mount "$file_mount"
        wanted_volumes="$wanted_volumes $(volume_of_mount)"
    done
    while IFS='|' read -r old_name old_kind _ _ _ _ old_service _ old_of _; do
        case $old_kind in
        config | secret) has_word "$wanted_volumes" "$old_name" || driver_is_stored_used "$old_name" || printf '%s\n' "$old_name" ;;
        scale) is_scale_valid "$old_service" "$old_of" || printf '%s\n' "$old_name" ;;
        esac
    done <"$work/volumes"
}

# A container that is not running refers to its network too.
list_networks() {
    capture "$work/networks" docker network ls --no-trunc --format '{{.ID}} {{.Name}}' \
        --filter "label=io.bootsmith.project=$project" --filter "label=io.bootsmith.environment=$environment_name" || return 1
    sort -u "$work/networks"
}

remove_unused_networks() {
    list_networks >"$work/listed" || { warn "networks cannot be listed: $(complaint)" && return 0; }
    while read -r network_id network_name; do
        awk -F '|' -v id="$network_id" -v name="$network_name" \
            'index(" " $15, " " id " ") || index(" " $15, " " name " ") { used = 1 } END { exit !used }' "$work/containers" && continue
        remove_network
    done <"$work/listed"
}

remove_network() {
    if capture "$work/answer" docker network rm "$network_id"; then
        say "network $network_name: removed"
    else
        warn "the network $network_name is left over: $(complaint)"
    fi
}
