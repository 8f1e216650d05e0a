# The driver for Docker Swarm, part: all that `down` removes, and who still uses what could not be removed.
#
# A volume without a name of its own goes with the container of its task: the swarm sees to it.
#
# Takes in:  the tables of driver_read_state and read_stored. Gives out: fewer objects. Must not:  delete data without --volumes.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# Prints KIND|NAME|STATE of what `down` removes. A network that was removed is listed while it goes.
driver_list_removal() {
    list_networks || return 1
    awk -F '|' '{ print "service|" ($2 == "" ? $1 : $2) "|" $4 }' "$work/services.live"
    while read -r network_id network_name; do
        has_word "${going_networks:-}" "$network_id" || printf 'network|%s|\n' "$network_name"
    done <"$work/listed"
    awk -F '|' '$3 != "lock" && $3 != "ledger" { print ($3 == "scale" ? "scale" : "config") "|" $2 "|" }' "$work/configs"
    awk -F '|' '{ print "secret|" $2 "|" }' "$work/secrets"
    [ -n "$option_volumes" ] || return 0
    list_data_volumes || return 1
    while read -r old_volume; do printf 'volume|%s|\n' "$old_volume"; done <"$work/listed"
}

list_data_volumes() {
    capture "$work/listed" docker volume ls --quiet --filter "label=io.bootsmith.project=$project" \
        --filter "label=io.bootsmith.environment=$environment_name" && list_taken_over >>"$work/listed"
}

# For `down`, when the services are stopped. Removal of a service is not over when the swarm says so: a deployment right after it would
# find its network going away.
driver_remove_all() {
    driver_read_state && read_stored || fail_unrestored "the state of \`$target\` cannot be read: $(complaint)"
    # shellcheck disable=SC2046 # a list of ids
    set -- $(cut -d '|' -f 1 "$work/services.live")
    [ $# -eq 0 ] || capture "$work/answer" docker service rm "$@" || fail_unrestored "not all services could be removed: $(complaint)" 'the same command can be repeated'
    await_no_containers "label=com.docker.stack.namespace=$target"
    remove_ended_containers
    list_networks || fail_unrestored "networks cannot be listed: $(complaint)"
    going_networks=''
    while read -r network_id network_name; do
        remove_network
    done <"$work/listed"
    await_no_networks
    # shellcheck disable=SC2046 # lists of ids
    {
        remove_objects config $(awk -F '|' '$3 != "lock" && $3 != "ledger" { print $1 }' "$work/configs")
        remove_objects secret $(cut -d '|' -f 1 "$work/secrets")
    }
    [ -z "$option_volumes" ] || remove_data_volumes
}

remove_ended_containers() {
    capture "$work/answer" docker ps --all --quiet --no-trunc --filter "label=com.docker.stack.namespace=$target" \
        --filter "label=io.bootsmith.project=$project" || return 0
    # shellcheck disable=SC2046 # a list of ids
    [ ! -s "$work/answer" ] || capture "$work/names" docker rm --force --volumes $(cat "$work/answer") || warn "containers are left over: $(complaint)"
}

# Volumes belong to nodes: those of other nodes stay, and we say so.
remove_data_volumes() {
    list_data_volumes || { warn "volumes cannot be listed: $(complaint)" && return 0; }
    while read -r old_volume; do
        if capture "$work/answer" docker volume rm "$old_volume"; then
            say "volume $old_volume: deleted with its data"
        else
            warn "the volume $old_volume is left over: $(complaint)"
        fi
    done <"$work/listed"
    capture "$work/answer" docker node ls --quiet && [ "$(wc -l <"$work/answer")" -gt 1 ] || return 0
    warn "volumes on other nodes are left over: \`docker volume ls --filter label=io.bootsmith.project=$project\` there lists them"
}

# A swarm has no place of its own for a product.
driver_remove_place() {
    :
}

# Prints what uses an object: containers of this engine. KIND NAME
driver_list_users() {
    case $1 in
    network | volume) list_container_users "$@" ;;
    esac
}
