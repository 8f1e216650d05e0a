# The driver for Docker Compose, part: all that `down` removes, and who still uses what could not be removed.
#
# A volume without a name of its own (VOLUME of an image, a path alone in `volumes`) has no label: it is known by the containers that
# mount it alone, so it is remembered before they go.
#
# Takes in:  the tables of driver_read_state and read_volumes. Gives out: fewer objects. Must not:  delete data without --volumes.

anonymous_volumes=''

# Prints KIND|NAME|STATE of what `down` removes.
driver_list_removal() {
    list_networks >"$work/listed" || return 1
    remember_anonymous_volumes || return 1
    awk -F '|' '$13 != "lock" && $13 != "ledger" { sub("^/", "", $12); print "container|" $12 "|" $4 }' "$work/containers"
    while read -r _ network_name; do printf 'network|%s|\n' "$network_name"; done <"$work/listed"
    awk -F '|' -v with_data="$option_volumes" '
        $2 == "" && with_data != "" { print "volume|" $1 "|" }
        $2 == "config" || $2 == "secret" || $2 == "scale" { print $2 "|" $1 "|" }' "$work/volumes"
    [ -z "$option_volumes" ] || list_taken_over | sed 's/.*/volume|&|/'
    [ -z "$option_volumes" ] || for anonymous_volume in $anonymous_volumes; do printf 'anonymous volume|%s|\n' "$anonymous_volume"; done
}

# Sets anonymous_volumes: those that were seen by now and are still there.
remember_anonymous_volumes() {
    anonymous_seen="$anonymous_volumes $(awk -F '|' '$13 != "lock" && $13 != "ledger" { print $14 }' "$work/containers" |
        tr ' ' '\n' | awk 'length($0) == 64 && !/[^0-9a-f]/ && !seen[$0]++')"
    anonymous_volumes=''
    # shellcheck disable=SC2086 # a list of names
    set -- $anonymous_seen
    [ $# -gt 0 ] || return 0
    capture "$work/answer" docker volume ls --quiet || return 1
    for anonymous_volume do
        has_word "$anonymous_volumes" "$anonymous_volume" || ! grep -qxF -e "$anonymous_volume" "$work/answer" ||
            anonymous_volumes="$anonymous_volumes $anonymous_volume"
    done
}

# For `down`, when the services' containers are stopped.
driver_remove_all() {
    # shellcheck disable=SC2046 # a list of ids
    set -- $(awk -F '|' '$13 != "lock" && $13 != "ledger" { print $1 }' "$work/containers")
    anonymous_before=$anonymous_volumes
    [ $# -eq 0 ] || capture "$work/answer" docker rm --force ${option_volumes:+--volumes} "$@" || warn "containers are left over: $(complaint)"
    say_anonymous_volumes
    list_networks >"$work/listed" || fail_unrestored "networks cannot be listed: $(complaint)"
    while read -r network_id network_name; do
        remove_network
    done <"$work/listed"
    # shellcheck disable=SC2046 # a list of names
    remove_volumes $(awk -F '|' '$2 == "config" || $2 == "secret" || $2 == "scale" { print $1 }' "$work/volumes")
    [ -z "$option_volumes" ] || remove_data_volumes
}

# They go with their containers where data are to go; elsewhere nothing finds them again but their names.
say_anonymous_volumes() {
    [ -n "$anonymous_before" ] && remember_anonymous_volumes || return 0
    anonymous_gone=0
    for anonymous_volume in $anonymous_before; do
        has_word "$anonymous_volumes" "$anonymous_volume" || anonymous_gone=$((anonymous_gone + 1))
    done
    [ "$anonymous_gone" -eq 0 ] || say "anonymous volumes: $anonymous_gone deleted with their data"
    [ -n "$option_volumes" ] || [ -z "$anonymous_volumes" ] ||
        warn "anonymous volumes are left, and no later command finds them:$anonymous_volumes"
}

remove_data_volumes() {
    # shellcheck disable=SC2013 # names are words
    for old_volume in $(awk -F '|' '$2 == "" { print $1 }' "$work/volumes") $(list_taken_over); do
        if capture "$work/answer" docker volume rm "$old_volume"; then
            say "volume $old_volume: deleted with its data"
        else
            warn "the volume $old_volume is left over: $(complaint)"
        fi
    done
}

# An engine has no place of its own for a product.
driver_remove_place() {
    :
}

# Prints the names of the containers that use an object. KIND NAME
driver_list_users() {
    list_container_users "$@"
}
