# Parameters: what the operator gives, judged all at once, and handed to the manifest through the environment.
#
# value = given with -e, else the file /run/secrets/NAME of our own container, else what the last good revision was given, else the
# default, else the empty string; a required one without a value is a fault. Secrets are not recorded; those that are only mounted may be
# stored on the target instead.
#
# Takes in:  `parameter` records, the environment, $BOOTSTRAP_SECRETS (default /run/secrets), $recorded_parameters.
# Gives out: exported variables; parameters_given and parameters_secret; with_parameters; lines in $work/faults.
# Must not:  write a value anywhere; a secret must not reach an argv either, so values go through builtins and pipes.

parameters_given='' parameters_secret='' parameters_missing='' parameters_exported='' parameters_small=''
# The folder of a record with values, and whether nothing that is given now counts.
recorded_parameters='' parameters_revision='' only_recorded=''

# A fault of the preflight. MESSAGE [HINT]
add_fault() {
    # Two services that want one secret are one fault.
    grep -qxF -e "error: $1" "$work/faults" 2>/dev/null && return 0
    printf 'error: %s\n' "$1" >>"$work/faults"
    [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >>"$work/faults"
    faults=$((${faults:-0} + 1))
}

# Reads, judges and exports all parameters of the environment. What an earlier call exported was not given.
read_parameters() {
    for exported_name in $parameters_exported; do unset "$exported_name"; done
    parameters_given='' parameters_secret='' parameters_missing='' parameters_exported='' parameters_small=''
    for_each parameter read_parameter
}

# Sets parameter_variable: where the value is. A name with small letters may be that of a variable of ours, so it has another here. NAME
read_parameter_variable() {
    case $1 in
    *[a-z]*) parameter_variable=BOOTSMITH_GIVEN_$1 ;;
    *) parameter_variable=$1 ;;
    esac
}

# Runs a program to which every parameter has its own name, and so has what else was given under a name with small letters. It replaces the
# process, whose own variables are lost: to be called in the background, in a pipe or in a substitution only. WORD…
with_parameters() {
    small_assignments=''
    for small_name in $(printf '%s\n' $given_names $parameters_small | sort -u); do
        small_variable=BOOTSMITH_GIVEN_$small_name
        small_assignments="$small_assignments [ -z \"\${$small_variable+given}\" ] || export $small_name=\"\$$small_variable\"; unset $small_variable;"
    done
    # Names are checked, and nothing but the words that we were called with is read once they are set.
    eval "$small_assignments"' exec "$@"'
}

read_parameter() {
    parse_parameter "$@"
    [ -z "$parameter_secret" ] || parameters_secret="$parameters_secret $parameter_name"
    if find_given_value; then
        parameters_given="$parameters_given $parameter_name"
        check_value
    elif find_recorded_value; then
        check_value
    elif [ -n "$parameter_has_default" ]; then
        parameter_value=$parameter_default
    else
        parameter_value=''
        [ -z "$parameter_required" ] || parameters_missing="$parameters_missing $parameter_name"
    fi
    [ -n "$parameter_given" ] || parameters_exported="$parameters_exported $parameter_variable"
    export "$parameter_variable=$parameter_value"
    [ "$parameter_variable" = "$parameter_name" ] || parameters_small="$parameters_small $parameter_name"
}

find_given_value() {
    parameter_kept=$work/given/$parameter_name
    if [ -n "$only_recorded" ] && [ -z "$parameter_secret" ]; then
        [ -z "$parameter_given" ] || keep_given_value
        return 1
    fi
    if [ -f "$parameter_kept" ]; then
        parameter_value=$(cat "$parameter_kept" && printf .)
        parameter_value=${parameter_value%.} parameter_given=''
        return 0
    fi
    [ -z "$parameter_given" ] || return 0
    parameter_file=${BOOTSTRAP_SECRETS:-/run/secrets}/$parameter_name
    [ -f "$parameter_file" ] || return 1
    read_parameter_file
}

# The bytes of the file, without the one newline at its end that editors and `echo` write.
read_parameter_file() {
    parameter_value=''
    if [ ! -r "$parameter_file" ]; then
        add_fault "parameter \`$parameter_name\`: the file $parameter_file cannot be read"
    elif [ "$(wc -c <"$parameter_file")" -gt 100000 ]; then
        add_fault "parameter \`$parameter_name\`: the file $parameter_file is larger than 100000 bytes"
    elif [ "$(tr -d '\000' <"$parameter_file" | wc -c)" -ne "$(wc -c <"$parameter_file")" ]; then
        add_fault "parameter \`$parameter_name\`: the file $parameter_file holds NUL bytes" 'a parameter is text; encode it, for example in base64'
    elif [ -z "$parameter_secret" ] && ! is_utf8 <"$parameter_file"; then # a secret is mounted as it is
        add_fault "parameter \`$parameter_name\`: the file $parameter_file is not UTF-8 text" 'a parameter is text; encode it, for example in base64'
    else
        parameter_value=$(cat "$parameter_file" && printf .)
        parameter_value=${parameter_value%.}
        parameter_value=${parameter_value%"$newline"}
    fi
}

newline='
'

# What was given is exported over by a recorded value; it counts again afterwards.
keep_given_value() {
    mkdir -p "$work/given"
    printf '%s' "$parameter_value" >"$parameter_kept"
    parameter_given=''
}

# The dot keeps newlines at the end.
find_recorded_value() {
    [ -n "$recorded_parameters" ] && [ -z "$parameter_secret" ] && [ -f "$recorded_parameters/$parameter_name" ] || return 1
    parameter_value=$(cat "$recorded_parameters/$parameter_name" && printf .)
    parameter_value=${parameter_value%.}
}

check_value() {
    if [ -z "$parameter_value" ]; then
        [ -z "$parameter_required" ] || add_fault "$(parameter_title) is required, but given empty"
        return 0
    fi
    [ "$parameter_type" != integer ] || check_integer
    [ -z "$parameter_enum" ] || check_enum
    [ -z "$parameter_has_pattern" ] || check_pattern
}

check_integer() {
    case ${parameter_value#-} in
    '' | *[!0-9]* | ???????????????????*)
        refuse_value 'be an integer'
        return 0
        ;;
    esac
    [ -z "$parameter_min" ] || [ "$parameter_value" -ge "$parameter_min" ] ||
        refuse_value "be at least $parameter_min"
    [ -z "$parameter_max" ] || [ "$parameter_value" -le "$parameter_max" ] ||
        refuse_value "be at most $parameter_max"
}

check_enum() {
    for enum_word in $parameter_enum; do
        [ "$enum_word" != "$parameter_value" ] || return 0
    done
    refuse_value "be $(printf '%s' "$parameter_enum" | sed 's/ /, /g; s/\(.*\), /\1 or /')"
}

check_pattern() {
    case $parameter_value in
    *"$newline"*) ;;
    *) ! printf '%s\n' "$parameter_value" | grep -Exq -e "$parameter_pattern" || return 0 ;;
    esac
    refuse_value "match \`$parameter_pattern\`"
}

# A value may stand in a message unless it is secret. WHAT-IT-MUST
refuse_value() {
    if [ -n "$parameter_secret" ]; then shown_value=''; else shown_value=", not \`$(quote_word "$parameter_value")\`"; fi
    add_fault "$(parameter_title) must $1$shown_value"
}

# What a person calls the parameter at hand.
parameter_title() {
    printf 'parameter `%s`%s' "$parameter_name" "${parameter_description:+ ($parameter_description)}"
}

# Faults for the required parameters without a value. A secret that is only mounted may be stored on the target: that is
# judged with the mounts (files.sh).
check_missing_parameters() {
    [ -n "$parameters_missing" ] || return 0
    parameters_needed=''
    for needing_service in $service_names; do
        load_service "$needing_service"
        parameters_needed="$parameters_needed $service_parameters"
    done
    for_each mount keep_needed_parameters
    for_each parameter check_missing_parameter
}

keep_needed_parameters() {
    parse_mount "$@"
    parameters_needed="$parameters_needed $mount_parameters"
    [ "$mount_kind" != secret ] || parameters_mounted="${parameters_mounted:-} $mount_parameter"
}

check_missing_parameter() {
    has_word "$parameters_missing" "$1" || return 0
    parse_parameter "$@"
    [ -z "$parameter_secret" ] || has_word "$parameters_needed" "$1" || ! has_word "${parameters_mounted:-}" "$1" || return 0
    add_fault "${parameter_secret:+secret }$(parameter_title) is missing" "$(how_to_give "$1")"
}

how_to_give() {
    printf 'set it in your shell (`export %s=…`) and pass it on with `docker run -e %s …`, or mount a file at /run/secrets/%s' "$1" "$1" "$1"
}

# Sets parameter_value to the value in force. NAME
load_parameter_value() {
    parameter_wanted=$1 parameter_found=''
    for_each parameter keep_parameter_value
    parameter_value=$parameter_found
}

keep_parameter_value() {
    [ "$1" != "$parameter_wanted" ] || parameter_found=$3
}

# Secrets as they may be shown: what is exported for a manifest that a person reads.
mask_secrets() {
    for masked_name in $parameters_secret; do
        read_parameter_variable "$masked_name"
        export "$parameter_variable=********"
    done
}
