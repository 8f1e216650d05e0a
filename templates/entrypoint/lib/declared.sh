# Declared: networks and volumes against what the target has, and services that follow others.
#
# No platform changes a network or a volume that is there. A network that differs is removed and made again, together with everything that
# is on it; a volume that differs is a fault, for its data cannot follow. A container that joins the network, processes or memory of another
# has to be made again with it, or restarted with it; so has, by a restart, a service that says `restart = true` of what it depends on.
#
# The driver fills $work/networks.live: id | name | digest | driver | internal | ipv6 | Compose's digest, of the networks that are ours. And
# $work/stale, where containers can be tied to something that is gone: service | recreate or restart | why.
#
# Takes in:  `network` and `volume` records, the tables. Gives out: faults; $work/network-changes: key | name | id; whom a service follows.
# Must not:  remove a volume.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# Adds faults for what cannot be made as declared.
check_declared() {
    read_network_changes || add_fault "the networks of $target cannot be listed: $(complaint)"
    while IFS='|' read -r changed_key changed_name changed_id; do
        check_network_guests
    done <"$work/network-changes"
    for_each volume check_volume
}

read_network_changes() {
    : >"$work/network-changes"
    driver_read_networks || return 1
    for_each network read_network_change
}

# A network that is not there is made with the first service on it.
read_network_change() {
    parse_object "$@"
    [ -z "$object_external" ] && [ -n "$object_digest" ] || return 0
    live_network_id=''
    IFS='|' read -r live_network_id live_network_digest live_network_driver live_network_internal live_network_ipv6 live_network_hash <<END
$(awk -F '|' -v OFS='|' -v name="$object_name" '$2 "" == name { print $1, $3, $4, $5, $6, $7; exit }' "$work/networks.live")
END
    [ -z "$live_network_id" ] || is_network_as_declared || printf '%s|%s|%s\n' "$object_key" "$object_name" "$live_network_id" >>"$work/network-changes"
}

# Older images made networks without a digest: those are judged by what the engine shows of them. Where Compose gave such a network a digest
# of its own, it would replace the network by itself, and start again only the services that it is asked for.
is_network_as_declared() {
    if [ -n "$live_network_digest" ]; then
        [ "$live_network_digest" = "$object_digest" ]
    else
        [ -z "$live_network_hash" ] && [ "$live_network_driver/$live_network_internal/$live_network_ipv6" = "$object_driver/$object_internal/$object_ipv6" ]
    fi
}

# needs the changed_ variables
check_network_guests() {
    for network_guest in $(driver_list_network_guests "$changed_name" "$changed_id"); do
        add_fault "the network \`$changed_key\` changes and has to be made again, but \`$network_guest\` of somebody else is on it" \
            "take it off the network, and put it on again afterwards: docker network disconnect $changed_name $(quote_word "$network_guest")"
    done
}

check_volume() {
    parse_object "$@"
    [ -z "$object_external" ] && [ -n "$object_driver" ] || return 0
    driver_read_volume_options "$object_name" >"$work/volume.live" || return 0
    while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
    printf '%s\n' "$object_driver" "$@" | sed '/^--$/d' >"$work/volume.declared"
    ! is_same_text "$work/volume.live" "$work/volume.declared" || return 0
    add_fault "the volume \`$object_name\` was made with other options than this release declares: $(volume_difference)" \
        "a volume cannot be changed, and its data stay: declare a volume of another name and move the data there, or, when they may go, remove it: docker volume rm $object_name"
}

volume_difference() {
    printf '%s -> %s' "$(tr '\n' ' ' <"$work/volume.live" | sed 's/ *$//')" "$(tr '\n' ' ' <"$work/volume.declared" | sed 's/ *$//')"
}

# Before the first wave: what is on them is made again with its own wave.
renew_networks() {
    [ -s "$work/network-changes" ] || return 0
    require_lock
    refusal_code=$exit_not_restored
    while IFS='|' read -r changed_key changed_name changed_id; do
        say "network $changed_key: recreate"
        driver_renew_network "$changed_name" "$changed_id" || fail_deployment
    done <"$work/network-changes"
    { driver_read_state && read_network_changes; } || fail_deployment
}

# Whom the loaded service follows decides where it would not change by itself. A job that is done stays done. SERVICE
follow_others() {
    [ -n "$service_networks$service_joins$service_restarts" ] || [ -s "$work/stale" ] || return 0
    [ "$service_kind" != job ] || [ "$instances_settled" -ne "$instances_all" ] || return 0
    followed=''
    ! is_on_changed_network || followed=recreate
    [ -n "$followed" ] || followed=$(stale_action "$1")
    for joined in $service_joins; do
        case $(read_action "$joined" && printf '%s' "$action") in
        create | recreate) followed=recreate ;;
        start | restart) followed=${followed:-restart} ;;
        esac
    done
    for joined in $service_restarts; do
        case $(read_action "$joined" && printf '%s' "$action") in create | recreate | restart) followed=${followed:-restart} ;; esac
    done
    case $followed/$action in
    recreate/*) action=recreate ;;
    restart/keep) action=restart ;;
    esac
}

is_on_changed_network() {
    [ -s "$work/network-changes" ] || return 1
    while IFS='|' read -r changed_key _; do
        ! has_word "$service_networks" "$changed_key" || return 0
    done <"$work/network-changes"
    return 1
}

# Prints what has to be done to a service whose containers are tied to something that is gone. SERVICE
stale_action() {
    [ ! -s "$work/stale" ] || awk -F '|' -v service="$1" '
        $1 "" == service && action != "recreate" { action = $2 }
        END { printf "%s", action }' "$work/stale"
}

# Prints why. SERVICE
stale_reason() {
    [ ! -s "$work/stale" ] || awk -F '|' -v service="$1" '$1 "" == service { print $3; exit }' "$work/stale"
}

# What was started after those who follow it, in whatever order.
restart_stale() {
    for stale_try in 1 2 3; do
        driver_read_state || return 1
        [ -s "$work/stale" ] || return 0
        stale_services=$(awk -F '|' '$2 == "restart" && !seen[$1]++ { print $1 }' "$work/stale")
        [ -n "$stale_services" ] || return 0
        detail "restarting those who follow ($stale_try)"
        # shellcheck disable=SC2086 # a list of names
        driver_restart $stale_services || return 1
    done
}

# Prints the services with all that follow them, each once, in the order of their waves. SERVICE…
with_followers() {
    followers=" $* " followers_before=''
    while [ "$followers" != "$followers_before" ]; do
        followers_before=$followers
        for follower in $service_names; do
            load_service "$follower"
            for joined in $service_joins $service_restarts; do
                case $followers in *" $follower "*) ;; *" $joined "*) followers="$followers$follower " ;; esac
            done
        done
    done
    for follower in $service_names; do
        case $followers in *" $follower "*) printf '%s\n' "$follower" ;; esac
    done
}

# For the plan: key | services on it, of each network that is made again.
list_network_plan() {
    while IFS='|' read -r changed_key _; do
        printf '%s|' "$changed_key"
        for planned in $service_names; do
            load_service "$planned"
            ! has_word "$service_networks" "$changed_key" || printf '%s ' "$planned"
        done | sed 's/ $//'
        printf '\n'
    done <"$work/network-changes"
}
