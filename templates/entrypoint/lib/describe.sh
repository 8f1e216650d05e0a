# Describe: what this image is and holds: version, explain, the list of scripts.
#
# JSON: version {"project", "version", "platform", "format", "bootsmith", "spec_digest", "reference", "environments": […],
#       "tools": {NAME: VERSION}}
#
# Takes in:  the release. Gives out: standard output. Must not: ask the engine.

command_version() {
    driver_show_versions >"$work/tools"
    if [ "$option_output" = json ]; then version_json; else version_text; fi
}

version_text() {
    {
        printf '%s\t%s\n' "$project" "$version" platform "$platform" format "$format" bootsmith "$bootsmith_version" \
            spec "$spec_digest" image "$reference" environments "$environments"
        tr '|' '\t' <"$work/tools"
    } | print_table
}

version_json() {
    # shellcheck disable=SC2086 # a list of names
    printf '{"project": %s, "version": %s, "platform": %s, "format": %s, "bootsmith": %s, "spec_digest": %s, "reference": %s, "environments": %s, "tools": {' \
        "$(json_string "$project")" "$(json_string "$version")" "$(json_string "$platform")" "$(json_string "$format")" \
        "$(json_string "$bootsmith_version")" "$(json_string "$spec_digest")" "$(json_string "$reference")" "$(json_words $environments)"
    json_next=''
    while IFS='|' read -r tool_name tool_version; do
        printf '%s%s: %s' "$json_next" "$(json_string "$tool_name")" "$(json_string "$tool_version")"
        json_next=', '
    done <"$work/tools"
    printf '}}\n'
}

# Of one environment, or of all.
command_explain() {
    printf '%s %s%s\n' "$project" "$version" "${description:+: $description}"
    for explained in ${chosen:-$environments}; do
        load_environment "$explained"
        printf '\nenvironment %s (project name %s)\n' "$explained" "$target"
        explain_part services service explain_service
        explain_part parameters parameter explain_parameter
        explain_part 'configs and secrets' mount explain_mount
        explain_part 'secrets on the host' host_file explain_host_file
        explain_part volumes volume explain_object
        explain_part 'external networks' network explain_object
        explain_part 'objects of the platform' addition explain_addition
        explain_part scripts script explain_script
        explain_part schedules script explain_schedule
        explain_part hooks hook explain_hook
        explain_part migrations migration explain_migration
        explain_part upgrades upgrade explain_upgrade
        explain_part 'scripts behind nodes' nodes explain_actions
        explain_part 'scripts behind users' users explain_actions
        explain_portability
    done
}

# TITLE RECORD FUNCTION
explain_part() {
    for_each "$2" "$3" >"$work/explained"
    [ -s "$work/explained" ] || return 0
    printf '  %s\n' "$1"
    print_table <"$work/explained" | sed 's/^/    /'
}

explain_service() {
    parse_service "$@"
    explained_number=$service_replicas
    [ "$service_kind" != job ] || explained_number=job
    printf '%s\t%s\t%s\twave %s\n' "$service_name" "$service_image" "$explained_number" "$service_wave"
}

explain_parameter() {
    parse_parameter "$@"
    explained_facts=${parameter_required:+required}${parameter_secret:+ secret}
    [ -z "$parameter_has_default" ] || [ -n "$parameter_secret" ] || explained_facts="$explained_facts default $(quote_word "$parameter_default")"
    [ -z "$parameter_type" ] || explained_facts="$explained_facts $parameter_type${parameter_min:+ from $parameter_min}${parameter_max:+ to $parameter_max}"
    [ -z "$parameter_enum" ] || explained_facts="$explained_facts one of: $parameter_enum"
    [ -z "$parameter_has_pattern" ] || explained_facts="$explained_facts like $(quote_word "$parameter_pattern")"
    printf '%s\t%s\t%s\n' "$parameter_name" "$(one_cell "${explained_facts# }")" "$(one_cell "$parameter_description")"
}

# A text as a table cell: one line, and no separator in it.
one_cell() {
    printf '%s' "$1" | tr '\n\t' '  '
}

explain_mount() {
    parse_mount "$@"
    printf '%s\t%s\towner %s:%s, mode %s%s\n' "$mount_source" "$mount_kind" "$mount_uid" "$mount_gid" "$mount_mode" \
        "${mount_parameter:+, from $mount_parameter}"
}

explain_host_file() {
    printf '%s\t%s\n' "${2#source=}" "$1"
}

explain_object() {
    explained_name=$1
    parse_object "$@"
    printf '%s\t%s%s\n' "$explained_name" "$object_name" "${object_external:+ (external)}"
}

explain_addition() {
    parse_addition "$@"
    [ -n "$addition_own" ] || printf '%s\n' "$addition_name"
}

explain_script() {
    parse_script "$@"
    printf '%s\t%s\t%s\n' "$script_name" "$script_mode${script_service:+ in $script_service}" "$(one_cell "$script_description")"
}

# Where no platform has a clock, the line for a crontab.
explain_schedule() {
    parse_script "$@"
    [ -n "$script_schedule" ] || return 0
    if [ "$platform" = kubernetes ]; then
        printf '%s\t%s\ta CronJob of the cluster, in UTC\n' "$script_name" "$script_schedule"
    else
        printf '%s\tin a crontab: %s docker run --rm%s %s run %s %s\n' "$script_name" "$script_schedule" "$(alias_engine)" \
            "$(quote_word "$reference")" "$script_name" "$explained"
    fi
}

explain_hook() {
    printf '%s\t%s\n' "$1" "$2"
}

explain_migration() {
    parse_migration "$@"
    explained_facts=${migration_compatible:+compatible}${migration_idempotent:+ repeatable}
    [ -n "$migration_down" ] || explained_facts="$explained_facts irreversible"
    printf '%s\t%s\t%s\t%s\n' "$migration_name" "$migration_release" "$migration_mode in $migration_service" "${explained_facts# }"
}

explain_upgrade() {
    read_upgrade
    [ -z "$upgrade_from" ] || printf 'from\t%s\n' "$upgrade_from"
    [ -z "$upgrade_backup" ] || printf 'backup\t%s, at most %s s old\n' "$upgrade_backup" "${upgrade_backup_age:-86400}"
    [ "$upgrade_rollback" = yes ] || printf 'rollback\tnone\n'
}

# What the platform does not do by itself: how it is done, or what changes and why that was accepted.
explain_portability() {
    [ -r "$environment_folder/portability" ] || return 0
    explained_data=$environment_data environment_data=$environment_folder/portability
    explain_part portability feature explain_feature
    environment_data=$explained_data
}

explain_feature() {
    explained_name=$1
    shift
    explained_verdict='' explained_reason='' explained_allowed=''
    for fact do
        case $fact in
        verdict=*) explained_verdict=${fact#*=} ;;
        reason=*) explained_reason=${fact#*=} ;;
        allowed=*) explained_allowed=${fact#*=} ;;
        esac
    done
    printf '%s\t%s\t%s%s\n' "$explained_name" "$explained_verdict" "$explained_reason" \
        "${explained_allowed:+ (accepted: $(one_cell "$explained_allowed"))}"
}

explain_actions() {
    for fact do printf '%s\t%s\n' "${fact%%=*}" "${fact#*=}"; done
}

show_scripts() {
    if [ "$option_output" = json ]; then
        json_next=''
        printf '{"scripts": ['
        for_each script script_json
        printf '\n]}\n'
    else
        for_each script explain_script >"$work/explained"
        print_table <"$work/explained"
    fi
}

script_json() {
    parse_script "$@"
    printf '%s\n  {"script": %s, "mode": %s, "service": %s, "input": %s, "output": %s, "description": %s}' "$json_next" \
        "$(json_string "$script_name")" "$(json_string "$script_mode")" "$(json_string "$script_service")" \
        "$(json_boolean "$script_input")" "$(json_string "$script_output")" "$(json_string "$script_description")"
    json_next=,
}
