# Scripts: maintenance scripts by `run`, and the same as hooks of other commands.
#
# mode exec: in a running replica of the service. run: in a container of its own, made like the service's. bootstrap: here.
# Standard input, standard output and the exit code are the script's.
#
# Takes in:  `script` and `hook` records, fd 3. Gives out: the script's exit code.
# Must not:  lose a byte of the input, or add one to the output.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

once_name='' once_file='' once_place='' once_unstarted='' script_in_service='' script_call='' is_hook='' after_signal=''

command_run() {
    if [ -n "$option_list" ]; then
        show_scripts
        return 0
    fi
    [ "$option_output" = text ] || refuse_usage '`run` has JSON output only with `--list`'
    run_wanted=$1
    shift
    require_script "$run_wanted"
    script_call="run $script_name $environment_name"
    run_wanted_script "$@"
}

# Runs the loaded script for the command `$script_call`, and ends with its code. ARGUMENT…
run_wanted_script() {
    check_script_streams
    if [ -n "$option_dry_run" ]; then
        printf 'run %s: mode %s%s\n' "$script_name" "$script_mode" "${script_service:+, service $script_service}"
        return 0
    fi
    run_script "$@"
    script_status=$?
    [ "$script_status" -ne 0 ] || record_backup "$script_name"
    exit "$script_status"
}

# What a script is told of its release and of how it was called, a NAME=value each. No value holds a blank.
script_variables() {
    printf '%s\n' "BOOTSMITH_PROJECT=$project" "BOOTSMITH_ENVIRONMENT=$environment_name" "BOOTSMITH_VERSION=$version" \
        "BOOTSMITH_ROLE=$option_role"
}

# Loads the script that the release has for an action of `nodes` or `users`; false when it has none. Sets own_actions to
# the actions that it has scripts for. COMMAND ACTION
load_action_script() {
    action_wanted=$2 action_script='' own_actions=''
    for_each "$1" keep_action_script
    [ -n "$action_script" ] && load_script "$action_script"
}

keep_action_script() {
    for fact do
        own_actions="$own_actions ${fact%%=*}"
        [ "${fact%%=*}" != "$action_wanted" ] || action_script=${fact#*=}
    done
}

require_script() {
    load_script "$1" && return 0
    read_names script
    # shellcheck disable=SC2086 # a list of words
    refuse_usage "unknown script \`$1\`" "$(near_hint "$1" scripts $record_names)"
}

# A terminal corrupts data that is written, and cannot be data that is read.
check_script_streams() {
    [ -z "$script_output" ] || [ ! -t 1 ] ||
        refuse "\`$script_name\` writes data, but standard output is a terminal" \
            "redirect it: … $script_call > file (and no -t for docker run)"
    [ -n "$script_input" ] || return 0
    [ ! -t 0 ] || refuse "\`$script_name\` reads data, but standard input is a terminal" "$(input_hint)"
    read_first_byte
    [ -n "$first_byte" ] || refuse "\`$script_name\` reads data, but standard input is empty" "$(input_hint)"
}

input_hint() {
    printf 'give it: … %s < file (docker run needs -i)' "$script_call"
}

# The first byte of the input, in octal; it is put before the rest again.
read_first_byte() {
    await_with_input dd bs=1 count=1 >"$work/first" 2>/dev/null
    first_byte=$(od -An -v -to1 <"$work/first" | tr -d ' \n')
}

# Runs the script of the script_ variables. ARGUMENT…
run_script() {
    case $script_mode in
    exec) prepare_exec ;;
    run) prepare_once ;;
    bootstrap) prepare_here ;;
    esac
    if [ -n "$script_file" ]; then run_script_file "$@"; else run_script_command "$@"; fi
}

prepare_exec() {
    [ -n "$is_hook" ] || preflight_target
    script_instance=$(instance_ids "$script_service" running | sed -n 1p)
    [ -n "$script_instance" ] ||
        refuse "\`$script_name\` runs in the service \`$script_service\`, which does not run" "start it: start $environment_name"
}

prepare_once() {
    begin_faults
    driver_check_once
    refuse_faults
    [ -n "$deployment_prepared" ] || prepare_deployment
    load_service "$script_service"
    driver_read_image_id "$service_image"
    [ -n "$image_id" ] || refuse "the image $service_image is not there" "fetch it: pull $environment_name"
    driver_store_files
    driver_prepare_manifest
}

prepare_here() {
    [ -n "$is_hook" ] && return 0
    begin_faults
    read_parameters
    refuse_faults
}

# A file of mode exec or run travels as an argument: nothing has to be stored for it.
run_script_file() {
    if [ "$script_mode" = bootstrap ]; then
        run_words "$release_root/scripts/$script_file" "$@"
    else
        script_text=$(cat "$release_root/scripts/$script_file")
        [ "${#script_text}" -le 100000 ] || fail_bug "the script $script_file is larger than 100000 bytes"
        run_words "$script_interpreter" -c "$script_text" "$script_name" "$@"
    fi
}

# The words of the record go before the arguments: they are appended one by one, then the arguments behind them.
run_script_command() {
    arguments_left=$# command_index=1
    while read_word script "$script_name" "$command_index"; do
        set -- "$@" "$record_word"
        command_index=$((command_index + 1))
    done
    while [ "$arguments_left" -gt 0 ]; do
        set -- "$@" "$1"
        shift
        arguments_left=$((arguments_left - 1))
    done
    run_words "$@"
}

run_words() {
    case $script_mode in
    exec)
        script_in_service=$script_service
        driver_exec "$script_instance" "$@"
        ;;
    run)
        once_name=$target-run-$script_name-$(once_suffix) once_unstarted=''
        driver_run_once "$once_name" "$@"
        ;;
    bootstrap)
        for script_variable in $(script_variables); do export "${script_variable?}"; done
        run_with_input with_parameters "$@"
        ;;
    esac
    script_status=$?
    [ -z "$once_name" ] || driver_stop_once "$once_name"
    once_name='' script_in_service=''
    return "$script_status"
}

# Eight digits: of a migration always the same, so that what is left of an interrupted one is in the way of its repetition.
once_suffix() {
    if [ -n "$once_file" ]; then
        printf '%s' "$script_name" | digest_of_input | cut -c 1-8
    else
        od -An -v -N4 -tx1 /dev/urandom | tr -d ' \n'
    fi
}

# Runs a program on the script's standard input.
run_with_input() {
    if [ "$once_place" = /dev/stdin ]; then
        "$@" <"$environment_folder/$once_file" &
        child=$!
        wait_for_child
    elif [ -n "$is_hook" ]; then
        await "$@"
    elif [ -n "$script_input" ]; then
        # shellcheck disable=SC2059 # one octal escape, made by us
        { printf "\\$first_byte" && exec cat; } <&3 | "$@" &
        child=$!
        wait_for_child
    else
        await_with_input "$@"
    fi
}

stop_script_on_signal() {
    [ -z "$once_name" ] || driver_stop_once "$once_name"
}

hint_after_signal() {
    [ -z "$script_in_service" ] || hint "the script goes on in the service \`$script_in_service\`; we only stopped listening"
    [ -z "$after_signal" ] || hint "$after_signal"
}

# Faults for hooks that cannot run as this command is called. POINT…
check_hooks() {
    for checked_point do
        for_each hook check_hook
    done
}

check_hook() {
    { [ "$1" = "$checked_point" ] && load_script "$2"; } || return 0
    [ -z "$script_output" ] || [ ! -t 1 ] ||
        add_fault "the hook $1 runs \`$2\`, which writes data, but standard output is a terminal" 'redirect standard output to a file'
    [ -z "$script_input" ] || add_fault "the hook $1 runs \`$2\`, which reads data: a hook has no input"
}

# Runs the hooks of a point in order; false when one fails. POINT
run_hooks() {
    hook_point=$1 hook_failed=''
    for_each hook run_hook
    [ -z "$hook_failed" ]
}

run_hook() {
    { [ "$1" = "$hook_point" ] && [ -z "$hook_failed" ] && load_script "$2"; } || return 0
    if [ "$script_mode" = exec ] && is_first_install; then
        say "$hook_point: $2 is left out, nothing is installed yet"
        return 0
    fi
    say "$hook_point: $2"
    is_hook=yes
    if [ -n "$script_output" ]; then run_script; else run_script >&2; fi || hook_failed="$2 (exit code $?)"
    is_hook=''
}
