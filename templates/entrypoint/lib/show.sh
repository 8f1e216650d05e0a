# Show: what is on the target now: ps, images, logs, config. Text for people, JSON for programs.
#
# JSON documents (one object each; a field that is not known is an empty string):
#   ps      {"project", "version", "environment", "target", "deployed": {"version", "revision", "outcome"}, "services": [{"service", "kind",
#            "state", "wanted", "ready", "in_release", "image", "drift": […], "addresses": [{"address", "target"}], "instances": [{"id", "name",
#            "state", "health", "exit_code", "restarts", "started", "image", "image_name", "image_id", "config_digest", "release_image"}]}]}
#            version is that of this image; deployed says what is on the target: null where nothing is recorded, outcome as in `history`
#            state of a service: running, partial, starting, unhealthy, paused, stopped, done, failed, absent
#   images  {"images": [{"image", "services": […], "id", "digest", "present", "pullable"}]}; pullable: null unless asked
#   run --list {"scripts": [{"script", "mode", "service", "input", "output", "description"}]}
#   version, doctor: see describe.sh and preflight.sh
#
# Takes in:  the tables of state.sh. Gives out: standard output. Must not: change anything, or need a parameter to be given.

command_ps() {
    preflight_target
    warn_of_namesakes
    read_drift
    read_addresses
    if [ "$option_output" = json ]; then ps_json; else ps_text; fi
}

# Sets service_state and service_ready for the service and its recorded scale; SERVICE need not be of this release.
read_service_state() {
    service_kind=service service_image='' wanted_replicas=0 in_release='' service_global='' service_autoscaled=''
    if has_word "$service_names" "$1"; then
        in_release=yes
        load_service "$1"
        read_wanted_replicas
    fi
    state_all=0 state_up=0 service_ready=0 state_bad='' state_failed='' state_paused='' state_starting='' state_reason='' other_image=''
    while next_instance; do
        [ "$instance_service" = "$1" ] || continue
        count_state
    done <"$work/instances"
    name_state "$1"
}

count_state() {
    state_all=$((state_all + 1))
    is_release_image || { read_shown_image && other_image=$shown_image; }
    case $service_kind/$instance_status/$instance_health/$instance_exit in
    job/exited//0 | job/exited/*/0) service_ready=$((service_ready + 1)) ;;
    */running/unhealthy/*) state_up=$((state_up + 1)) state_bad=yes ;;
    */running/starting/*) state_up=$((state_up + 1)) state_starting=yes ;;
    */running/*) state_up=$((state_up + 1)) service_ready=$((service_ready + 1)) ;;
    */created/*) state_starting=${starts_by_itself:-} ;; # set by a driver of a platform that starts what it has
    */paused/*) state_paused=yes ;;
    */restarting/* | */failed/*) state_failed=yes ;;
    job/exited/* | job/dead/*) state_failed=yes ;;
    esac
    [ -n "$state_reason" ] || state_reason=$instance_reason
}

# What was restored runs by the id or digest of its image, and that may be the release's own.
is_release_image() {
    [ "$instance_image" != "$service_image" ] || return 0
    case $instance_image in *sha256:*) ;; *) return 1 ;; esac
    [ -n "$service_image" ] || return 1
    driver_read_image_id "$service_image"
    [ "$image_id" = "$instance_image_id" ]
}

# Sets shown_image to what a person calls the image of the instance at hand: a record knows the name of what runs by its id. The digest stands behind a
# name that means another image by now, and alone where nobody knows a name.
read_shown_image() {
    shown_image=$instance_image
    case $instance_image in sha256:*) shown_image=$(recorded_name "$instance_service" "$instance_image_id") ;; esac
    shown_image=$(name_without_digest "$shown_image")
    shown_digest=${instance_image_id#sha256:}
    shown_digest=$(printf '%.12s' "$shown_digest")
    if [ -z "$shown_image" ]; then
        shown_image=sha256:$shown_digest
    elif [ "$shown_image" = "$(name_without_digest "$service_image")" ] && ! is_release_image; then
        shown_image="$shown_image (sha256:$shown_digest)"
    fi
}

# Prints an image's name without the digest behind its tag. IMAGE
name_without_digest() {
    case ${1%@*} in
    *:*/*) case ${1##*/} in *:*@*) printf '%s' "${1%@*}" ;; *) printf '%s' "$1" ;; esac ;;
    *:*) printf '%s' "${1%@*}" ;;
    *) printf '%s' "$1" ;;
    esac
}

# Prints the name that a recorded release gave an image, of the service itself where it can be. SERVICE ID
recorded_name() {
    for named_revision in $good_revision $deployed_revision $earlier_good; do
        fetch_record "$named_revision" 2>/dev/null || continue
        named_image=$(awk -F '|' -v service="$1" -v id="$2" '
            $3 == id && (name == "" || $1 "" == service) { name = $2 } END { print name }' "$work/revisions/$named_revision/images")
        [ -z "$named_image" ] || { printf '%s' "$named_image" && return 0; }
    done
}

# $work/addresses: where the product is reached from outside, as SERVICE|ADDRESS|TARGET. What cannot be read is not known, and no fault.
read_addresses() {
    driver_list_addresses >"$work/addresses.listed" || detail "addresses cannot be read: $(complaint)"
    sort -u "$work/addresses.listed" >"$work/addresses"
}

# Prints the addresses of a service as ADDRESS->TARGET, with commas. SERVICE
addresses_of() {
    awk -F '|' -v service="$1" '$1 "" == service { printf "%s%s%s", (count++ ? ", " : ""), $2, ($3 == "" ? "" : "->" $3) }' "$work/addresses"
}

# After a deployment: where a person finds it.
say_addresses() {
    read_addresses
    said_addresses=''
    for addressed in $service_names; do
        addressed_at=$(addresses_of "$addressed")
        [ -z "$addressed_at" ] || said_addresses="$said_addresses${said_addresses:+; }$addressed at $addressed_at"
    done
    [ -z "$said_addresses" ] || say "reachable: $said_addresses"
}

# What is deployed, by which revision, and which image asks.
deployed_sentence() {
    sentence_image="; this image is $own_version"
    if is_first_install; then
        printf 'nothing of %s is deployed%s%s' "$target" "${good_version:+, the last was $good_version (revision $good_revision)}" "$sentence_image"
        return 0
    fi
    sentence_verb=runs
    [ -n "$(instances_of_status 'running restarting paused created removing')" ] || sentence_verb='is stopped at'
    case $deployed_revision/$deployed_outcome in
    /*) printf '%s %s without a ledger%s' "$target" "${sentence_verb% at}" "$sentence_image" ;;
    */ok | */restored)
        [ "$good_version" != "$own_version" ] || sentence_image=''
        printf '%s %s %s (revision %s)%s' "$target" "$sentence_verb" "$good_version" "$good_revision" "$sentence_image"
        ;;
    *)
        sentence_outcome="is pending"
        [ "$deployed_outcome" != failed ] || sentence_outcome=failed
        printf '%s: revision %s (%s) %s%s%s' "$target" "$deployed_revision" "$(record_field 4 "$deployed_revision")" "$sentence_outcome" \
            "${good_version:+, the last good one is $good_version (revision $good_revision)}" "$sentence_image"
        ;;
    esac
}

name_state() { # SERVICE
    if [ "$state_all" -eq 0 ] && [ -n "$(live_replicas "$1")" ]; then
        service_state=stopped
    elif [ "$state_all" -eq 0 ]; then
        service_state=absent
    elif [ -n "$state_failed" ]; then
        service_state=failed
    elif [ -n "$state_bad" ]; then
        service_state=unhealthy
    elif [ -n "$state_paused" ]; then
        service_state=paused
    elif [ "$service_kind" = job ] && [ "$service_ready" -eq "$state_all" ] && [ "$state_up" -eq 0 ]; then
        service_state=done
    elif [ -n "$state_starting" ]; then
        service_state=starting
    elif [ "$state_up" -eq 0 ]; then
        service_state=stopped
    elif [ "$service_ready" -ne "$wanted_replicas" ] || [ "$state_all" -ne "$wanted_replicas" ]; then
        service_state=partial
    else
        service_state=running
    fi
}

ps_text() {
    deployed_sentence
    printf '\n'
    addresses_title='' # a column that would be empty is left out
    [ ! -s "$work/addresses" ] || addresses_title='\tADDRESS'
    {
        printf "SERVICE\\tSTATE\\tREADY\\tIMAGE$addresses_title\\tNOTE\\n"
        # shellcheck disable=SC2046 # a list of names
        for shown in $service_names $(orphan_services); do
            read_service_state "$shown"
            printf '%s\t%s\t%s/%s\t%s\t' "$shown" "$service_state" "$service_ready" "$wanted_replicas" \
                "${other_image:-$(name_without_digest "$service_image")}"
            [ -z "$addresses_title" ] || printf '%s\t' "$(addresses_of "$shown")"
            printf '%s\n' "$(notes_of "$shown")"
        done
    } | print_table
}

state_note() {
    if [ -z "$in_release" ]; then
        printf 'not in this release'
    elif [ -n "$other_image" ]; then
        printf 'this release has %s' "$(name_without_digest "$service_image")"
    elif [ -n "$service_global$service_autoscaled" ]; then
        printf '%s' "$state_reason"
    elif [ "$wanted_replicas" != "$service_replicas" ]; then
        printf 'scaled, the release has %s' "$service_replicas"
    else
        printf '%s' "$state_reason"
    fi
}

# SERVICE
notes_of() {
    shown_note=$(state_note) shown_drift=$(drift_of "$1") shown_stale=$(stale_reason "$1")
    shown_note=$shown_note${shown_stale:+${shown_note:+; }$shown_stale}
    printf '%s' "$shown_note${shown_drift:+${shown_note:+; }changed by hand: $shown_drift}"
}

ps_json() {
    printf '{"project": %s, "version": %s, "environment": %s, "target": %s, "deployed": %s, "services": [' "$(json_string "$project")" \
        "$(json_string "$version")" "$(json_string "$environment_name")" "$(json_string "$target")" "$(ps_json_deployed)"
    json_next=''
    # shellcheck disable=SC2046 # a list of names
    for shown in $service_names $(orphan_services); do
        read_service_state "$shown"
        shown_drift=$(drift_of "$shown")
        # shellcheck disable=SC2086 # a list of words
        printf '%s\n  {"service": %s, "kind": %s, "state": %s, "wanted": %s, "ready": %s, "in_release": %s, "image": %s, "drift": %s, "addresses": [%s], "instances": [' \
            "$json_next" "$(json_string "$shown")" "$(json_string "$service_kind")" "$(json_string "$service_state")" \
            "$wanted_replicas" "$service_ready" "$(json_boolean "$in_release")" "$(json_string "$service_image")" \
            "$(json_words $shown_drift)" "$(ps_json_addresses "$shown")"
        ps_json_instances "$shown"
        printf ']}'
        json_next=,
    done
    printf '\n]}\n'
}

# What was recorded last, when something of it is there.
ps_json_deployed() {
    if is_first_install || [ -z "$deployed_revision" ]; then
        printf null
        return 0
    fi
    json_revision=$deployed_revision
    case $deployed_outcome in ok | restored) json_revision=$good_revision ;; esac
    printf '{"version": %s, "revision": %s, "outcome": %s}' "$(json_string "$(record_field 4 "$json_revision")")" "$json_revision" \
        "$(json_string "${deployed_outcome:-pending}")"
}

ps_json_addresses() { # SERVICE
    awk -F '|' -v service="$1" '$1 "" == service { print $2 "|" $3 }' "$work/addresses" >"$work/addresses.one"
    json_separator=''
    while IFS='|' read -r json_address json_target; do
        printf '%s{"address": %s, "target": %s}' "$json_separator" "$(json_string "$json_address")" "$(json_string "$json_target")"
        json_separator=', '
    done <"$work/addresses.one"
}

ps_json_instances() {
    json_separator=''
    while next_instance; do
        [ "$instance_service" = "$1" ] || continue
        printf '%s\n    {"id": %s, "name": %s, "state": %s, "health": %s, "exit_code": %s, "restarts": %s, "started": %s' \
            "$json_separator" "$(json_string "$instance_id")" "$(json_string "$instance_name")" \
            "$(json_string "$instance_status")" "$(json_string "$instance_health")" "$instance_exit" \
            "$instance_restarts" "$(json_string "$instance_started")"
        json_same_image=''
        ! is_release_image || json_same_image=yes
        read_shown_image
        printf ', "image": %s, "image_name": %s, "image_id": %s, "config_digest": %s, "release_image": %s}' "$(json_string "$instance_image")" \
            "$(json_string "$shown_image")" "$(json_string "$instance_image_id")" "$(json_string "$instance_digest")" "$(json_boolean "$json_same_image")"
        json_separator=,
    done <"$work/instances"
}

# Without --check the engine is asked only when it is there: the list itself is in the image.
command_images() {
    begin_faults
    driver_find_tools
    [ "$faults" -gt 0 ] || driver_check_engine
    [ -z "$option_check" ] || refuse_faults
    engine_there=yes
    [ "$faults" -eq 0 ] || engine_there=''
    : >"$work/images"
    images_seen='' images_missing=''
    for listed in $service_names; do
        load_service "$listed"
        has_word "$images_seen" "$service_image" || list_image
    done
    if [ "$option_output" = json ]; then images_json; else images_text; fi
    [ -z "$images_missing" ] || refuse "neither here nor to be had:$images_missing" 'check the login, or load them on the target: docker load'
}

# image | services | id | digest | pullable
list_image() {
    images_seen="$images_seen $service_image" image_id='' image_digest='' image_pullable=''
    listed_image=$service_image
    [ -z "$engine_there" ] || [ -n "${nodes_pull:-}" ] || driver_read_image_id "$listed_image"
    case $listed_image in *@sha256:*) image_digest=${listed_image##*@} ;; esac
    [ -n "$image_digest" ] || [ -z "$image_id" ] || image_digest=$(driver_image_digest "$listed_image")
    if [ -n "$option_check" ] && [ -z "$image_id" ] && [ -z "${nodes_pull:-}" ]; then
        if driver_is_pullable "$listed_image"; then image_pullable=yes; else image_pullable=no images_missing="$images_missing $listed_image"; fi
    fi
    printf '%s|%s|%s|%s|%s|\n' "$listed_image" "$(services_with_image "$listed_image")" "$image_id" "$image_digest" "$image_pullable" >>"$work/images"
}

services_with_image() {
    for with_image in $service_names; do
        load_service "$with_image"
        [ "$service_image" != "$1" ] || printf '%s ' "$with_image"
    done | sed 's/ $//'
}

images_text() {
    {
        printf 'IMAGE\tSERVICES\tSTATE\tDIGEST\n'
        while IFS='|' read -r image_name image_services image_id image_digest image_pullable _; do
            image_state=missing
            [ -n "$engine_there" ] || image_state='engine not asked'
            [ -z "${nodes_pull:-}" ] || image_state='pulled by the nodes'
            [ -z "$image_id" ] || image_state=present
            [ "$image_pullable" != yes ] || image_state=pullable
            printf '%s\t%s\t%s\t%s\n' "$image_name" "$image_services" "$image_state" "${image_digest:-"-"}"
        done <"$work/images"
    } | print_table
}

images_json() {
    printf '{"images": ['
    json_next=''
    while IFS='|' read -r image_name image_services image_id image_digest image_pullable _; do
        json_pullable=null
        case $image_pullable in yes) json_pullable=true ;; no) json_pullable=false ;; esac
        # shellcheck disable=SC2086 # a list of names
        printf '%s\n  {"image": %s, "services": %s, "id": %s, "digest": %s, "present": %s, "pullable": %s}' "$json_next" \
            "$(json_string "$image_name")" "$(json_words $image_services)" "$(json_string "$image_id")" \
            "$(json_string "$image_digest")" "$(json_boolean "$image_id")" "$json_pullable"
        json_next=,
    done <"$work/images"
    printf '\n]}\n'
}

# SERVICE…, all without
command_logs() {
    preflight_target
    require_instances
    # shellcheck disable=SC2046,SC2086 # lists of names
    [ $# -gt 0 ] || set -- $service_names $(orphan_services)
    # shellcheck disable=SC2046 # a list of names
    set -- $(printf '%s\n' "$@" | awk '!seen[$0]++')
    logs_readers='' logs_read='' logs_unread=''
    for logged do
        while next_instance; do
            [ "$instance_service" = "$logged" ] || continue
            if driver_logs "$instance_id" "$instance_name"; then logs_read=yes; else logs_unread=yes; fi
        done <"$work/instances"
    done
    for logs_reader in $logs_readers; do
        wait "$logs_reader"
    done
    [ -n "$logs_read" ] || [ -z "$logs_unread" ] || refuse "no log of $target can be read" 'the logging driver of the services decides where they are: see `logging` of the release'
    [ -n "$logs_read$logs_unread" ] || say "no replica of $* is there, so there is no log"
    return 0
}

# The manifest with every value in place; no engine is asked, secrets are masked.
command_config() {
    begin_faults
    driver_find_tools
    read_parameters
    for_each parameter forgive_missing_secret
    check_missing_parameters
    refuse_faults
    mask_secrets
    driver_show_manifest
}

# A secret is masked here, so it need not be given.
forgive_missing_secret() {
    has_word "$parameters_secret" "$1" || return 0
    parameters_kept=''
    for kept in $parameters_missing; do
        [ "$kept" = "$1" ] || parameters_kept="$parameters_kept $kept"
    done
    parameters_missing=$parameters_kept
}
