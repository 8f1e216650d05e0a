# Plan: what a deployment would change, service by service, and why. The same format on every platform.
#
#   plan --output json  {"target", "version", "from", "revision", "changes", "services": [{"service", "action", "drift": […],
#                        "changes": [{"what", "from", "to"}]}], "migrations": […]}
#                       "networks": [{"network", "action", "services": […]}], those that are made again
#                       "objects": [{"object", "action"}], those that the release brings as they are: create, change, remove
#                       action: keep, create, recreate, scale, start, restart, unpause, remove; "changes" of the whole: whether anything would change;
#                       "drift": what was changed by hand (drift.sh), which `up` leaves as it is where the action is keep
#
# Takes in:  the loaded release, the last good record, what runs. Gives out: standard output; with --exit-code 10 when something would change.
# Must not:  write to the target: it calls no function of a driver but those that read (tests hold every call of the engine against a list
#            of what only reads, and run it behind a proxy that refuses all else), or show a secret.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly exit_changes=10

command_plan() {
    operation=up
    preflight_target
    begin_faults
    note_recorded_release
    check_deployment
    judge_release
    refuse_faults
    read_wanted
    check_target
    refuse_faults
    read_drift
    write_plan
    if [ "$option_output" = json ]; then plan_json; else plan_text; fi
    [ -z "$option_exit_code" ] || [ -z "$plan_changes" ] || exit "$exit_changes"
}

# The same for --dry-run, when the release is prepared.
show_plan() {
    if [ "$operation" = up ]; then fetch_images needed; else fetch_images all; fi
    read_drift
    write_plan
    plan_text
}

# $work/recorded: what the last good revision said of its services, to be held against the loaded release.
note_recorded_release() {
    rm -rf "$work/recorded"
    mkdir "$work/recorded"
    { [ -n "$good_revision" ] && fetch_record "$good_revision"; } || return 0
    noted_root=$release_root noted_pins=$pinned_images noted_version=$version
    only_recorded=yes
    use_record "$good_revision"
    begin_faults # of a revision that is gone by now: they are nobody's
    use_recorded_parameters "$good_revision"
    read_parameters
    parameters_given='' # a secret is as it is stored, whatever is given now
    read_mounts
    begin_faults
    mkdir "$work/recorded/mounts" "$work/recorded/services"
    cp -R "$work/mounts/." "$work/recorded/mounts"
    for noted in $service_names; do
        cp "$work/services/$noted" "$work/recorded/services/$noted"
        driver_show_definition "$noted" | flatten_yaml >"$work/recorded/$noted.flat"
    done
    for_each network note_network
    only_recorded='' release_root=$noted_root pinned_images=$noted_pins version=$noted_version
    load_environment "$environment_name"
}

note_network() {
    parse_object "$@"
    [ -n "$object_external" ] || driver_show_network "$object_key" | flatten_yaml >"$work/recorded/network.$object_key"
}

# $work/plan: service | action | what | from | to | replicas; a line for each change, after one for each service. Sets plan_changes.
write_plan() {
    plan_changes=''
    for planned in $service_names; do
        read_action "$planned"
        [ -n "$wanted_digest" ] || [ "$action" = create ] || action=recreate
        [ "$action" = keep ] || plan_changes=yes
        printf '%s|%s||||%s\n' "$planned" "$action" "$wanted_replicas"
        [ "$action" = keep ] || list_changes | sed "s/^/$planned|$action|/"
    done >"$work/plan"
    for planned in $(orphan_services); do
        plan_changes=yes
        printf '%s|remove||||\n' "$planned"
    done >>"$work/plan"
    [ -z "${pending_migrations:-}" ] || plan_changes=yes
    list_network_plan >"$work/plan.networks"
    [ ! -s "$work/plan.networks" ] || plan_changes=yes
    read_additions || refuse "the objects of $target that are no part of a service cannot be listed: $(complaint)"
    list_addition_changes >"$work/plan.additions"
    [ ! -s "$work/plan.additions" ] || plan_changes=yes
}

# what | from | to of the loaded service, which was recorded in another way, or not at all.
list_changes() {
    case $action in scale) printf 'replicas|%s|%s\n' "$instances_all" "$wanted_replicas" ;; esac
    [ -z "$followed" ] || list_followed
    [ -f "$work/recorded/services/$planned" ] || return 0
    driver_show_definition "$planned" | flatten_yaml >"$work/planned.flat"
    compare_flat "$work/recorded/$planned.flat" "$work/planned.flat" | driver_name_changes
    for compared_mount in $service_mounts; do compare_mount; done
    for compared_parameter in $service_parameters; do compare_parameter; done
    [ -n "$wanted_digest" ] || printf 'image|not on the target yet|%s\n' "$service_image"
}

# Whom it follows: networks, services that it is tied to, and what is gone already.
list_followed() {
    for followed_network in $service_networks; do
        ! cut -d '|' -f 1 "$work/network-changes" | grep -qxF -e "$followed_network" || printf 'network %s|as it was|recreated\n' "$followed_network"
    done
    for followed_service in $service_joins $service_restarts; do
        followed_action=$(read_action "$followed_service" && printf '%s' "$action")
        case $followed_action in create | recreate | start | restart) printf 'with %s|as it was|%s\n' "$followed_service" "$followed_action" ;; esac
    done
    followed_reason=$(stale_reason "$planned")
    [ -z "$followed_reason" ] || printf 'tie|%s|\n' "$followed_reason"
}

# By its source: the ids are those of one release. What has several owners has several fingerprints. Needs compared_mount.
compare_mount() {
    load_mount "$compared_mount"
    compared_before=$(awk -F '|' -v kind="$mount_kind" -v source="$mount_source" -v fingerprint="$mount_fingerprint" '
        $1 == kind && $2 == source { before = "as it was"; if ($3 == fingerprint) same = 1 }
        END { print same ? "same" : before }' "$work"/recorded/mounts/*)
    [ "$compared_before" = same ] || printf '%s %s|%s|%s\n' "$mount_kind" "$mount_source" "$compared_before" changed
}

# Secrets are not recorded: whether one has changed is not known. Needs compared_parameter.
compare_parameter() {
    ! has_word "$parameters_secret" "$compared_parameter" || return 0
    load_parameter_value "$compared_parameter"
    compared_before=''
    compared_file=$work/revisions/$good_revision/parameters/$compared_parameter
    [ ! -f "$compared_file" ] || compared_before=$(cat "$compared_file")
    [ "$compared_before" = "$parameter_value" ] ||
        printf 'parameter %s|%s|%s\n' "$compared_parameter" "$(plan_word "$compared_before")" "$(plan_word "$parameter_value")"
}

plan_word() {
    printf '%s' "$1" | tr '|\n\r\t' '/   ' | cut -c 1-100
}

# PATH<tab>VALUE of every scalar of a YAML text as we write it: blocks, two blanks deep each. What is in a list has its name or its number.
flatten_yaml() {
    awk '
        { gsub(/\|/, "/") }
        /^ *(#|$)/ || /^---/ { next }
        {
            match($0, /^ */); indent = RLENGTH; text = substr($0, indent + 1)
            while (depth > 0 && at[depth] >= indent && !(at[depth] == indent && text ~ /^- / && !list[depth])) depth--
            while (text ~ /^- /) {
                parent = path(depth); number = ++count[parent]
                item = text; sub(/^- +/, "", item)
                depth++; at[depth] = indent; list[depth] = 1
                key[depth] = (match(item, /^name: /) ? substr(item, 7) : number)
                indent += 2; text = item
            }
            if (match(text, /^("[^"]*"|[^ "][^:]*|[^ ":]+):( |$)/)) {
                name = substr(text, 1, RLENGTH); sub(/: *$/, "", name); value = substr(text, RLENGTH + 1)
                depth++; at[depth] = indent; list[depth] = 0; key[depth] = name
                if (value != "") print path(depth) "\t" value
            } else print path(depth) "\t" text
        }
        function path(n,    i, all) { for (i = 1; i <= n; i++) all = all (i > 1 ? "." : "") key[i]; return all }'
}

# what | from | to of two such texts; digests of ours and their like are not shown, for they say only that something else has changed.
compare_flat() {
    awk -F '\t' -v OFS='|' '
        function short(text) { return length(text) > 100 ? substr(text, 1, 97) "..." : text }
        /BOOTSMITH_|io[.]bootsmith[.]/ { next }
        FNR == NR { if ($1 in before) before[$1] = before[$1] " " $2; else before[$1] = $2; next }
        ($1 in after) { after[$1] = after[$1] " " $2; next }
        { order[++count] = $1; after[$1] = $2 }
        END {
            for (i = 1; i <= count; i++) { path = order[i]; if (before[path] != after[path]) print path, short(before[path]), short(after[path]) }
            for (path in before) if (!(path in after)) gone[++left] = path
            for (i = 1; i <= left; i++) for (j = i + 1; j <= left; j++) if (gone[j] < gone[i]) { swap = gone[i]; gone[i] = gone[j]; gone[j] = swap }
            for (i = 1; i <= left; i++) print gone[i], short(before[gone[i]]), ""
        }' "$1" "$2"
}

plan_text() {
    printf '%s\n' "$project $version on $target${good_version:+, now $good_version (revision $good_revision)}"
    plan_adoption
    plan_networks_text
    while IFS='|' read -r planned action; do
        printf 'object %s: %s\n' "$planned" "$action"
    done <"$work/plan.additions"
    while IFS='|' read -r planned action plan_what plan_from plan_to plan_replicas; do
        if [ -n "$plan_what" ]; then
            printf '    %s: %s -> %s\n' "$plan_what" "${plan_from:-(none)}" "${plan_to:-(none)}"
            continue
        fi
        case $action in
        create) printf '%s: create (%s)\n' "$planned" "$plan_replicas" ;;
        remove) printf '%s: remove, it is not in this release\n' "$planned" ;;
        *) printf '%s: %s\n' "$planned" "$action" ;;
        esac
        plan_drift=$(drift_of "$planned")
        [ -z "$plan_drift" ] || printf '    changed by hand: %s\n' "$plan_drift"
    done <"$work/plan"
    for planned in ${pending_migrations:-}; do
        printf 'migration %s: run\n' "$planned"
    done
}

# Each network that is made again, with the services on it and what it changes.
plan_networks_text() {
    while IFS='|' read -r planned plan_services; do
        printf 'network %s: recreate\n    services on it: %s\n' "$planned" "${plan_services:-(none)}"
        list_network_changes | while IFS='|' read -r plan_what plan_from plan_to; do
            printf '    %s: %s -> %s\n' "$plan_what" "${plan_from:-(none)}" "${plan_to:-(none)}"
        done
    done <"$work/plan.networks"
}

# what | from | to. Needs planned.
list_network_changes() {
    [ -f "$work/recorded/network.$planned" ] || return 0
    driver_show_network "$planned" | flatten_yaml >"$work/planned.flat"
    compare_flat "$work/recorded/network.$planned" "$work/planned.flat"
}

plan_networks_json() {
    printf '"networks": ['
    json_next=''
    while IFS='|' read -r planned plan_services; do
        # shellcheck disable=SC2086 # a list of names
        printf '%s{"network": %s, "action": "recreate", "services": %s}' "$json_next" "$(json_string "$planned")" "$(json_words $plan_services)"
        json_next=', '
    done <"$work/plan.networks"
    printf ']'
}

plan_additions_json() {
    printf '"objects": ['
    json_next=''
    while IFS='|' read -r planned action; do
        printf '%s{"object": %s, "action": %s}' "$json_next" "$(json_string "$planned")" "$(json_string "$action")"
        json_next=', '
    done <"$work/plan.additions"
    printf ']'
}

plan_json() {
    printf '{"target": %s, "version": %s, "from": %s, "revision": %s, "changes": %s, "services": [' "$(json_string "$target")" \
        "$(json_string "$version")" "$(json_string "$good_version")" "${good_revision:-null}" "$(json_boolean "$plan_changes")"
    json_next='' json_open=''
    while IFS='|' read -r planned action plan_what plan_from plan_to _; do
        if [ -z "$plan_what" ]; then
            # shellcheck disable=SC2046 # a list of words
            printf '%s%s\n  {"service": %s, "action": %s, "drift": %s, "changes": [' "$json_open" "$json_next" "$(json_string "$planned")" \
                "$(json_string "$action")" "$(json_words $(drift_of "$planned"))"
            json_next=, json_open=']}' json_separator=''
        else
            printf '%s\n    {"what": %s, "from": %s, "to": %s}' "$json_separator" "$(json_string "$plan_what")" "$(json_string "$plan_from")" "$(json_string "$plan_to")"
            json_separator=,
        fi
    done <"$work/plan"
    # shellcheck disable=SC2086 # a list of names
    printf '%s\n], %s, %s, "migrations": %s}\n' "$json_open" "$(plan_networks_json)" "$(plan_additions_json)" "$(json_words ${pending_migrations:-})"
}
