# Users: who may use the product: the release's own scripts, or on Kubernetes users of the product's namespace.
#
# Once [users] of a release names a script for one action, all of them are the release's: its users are the product's own, and
# mixing them with those of the platform would list some and remove others.
#
# The driver fills $work/users, one line for each user: name | role | since
#
# JSON: users list {"users": [{"user", "role", "since"}]}
#
# Takes in:  [users] of the release, the driver's table. Gives out: what the script says, or a kubeconfig on standard output.
# Must not:  print what gives access anywhere but on standard output.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly user_roles='view edit admin'
readonly user_name_maximum=40 # objects are called after the user, with a prefix, in at most 63 characters

command_users() {
    if load_action_script users "$action"; then
        run_user_script "$@"
        return 0
    fi
    [ -z "$own_actions" ] || refuse "this release has no script for \`users $action\`, and its users are its own" \
        "declare one in bootstrap.toml: [users] $action = \"SCRIPT\"; it has scripts for:$own_actions"
    begin_faults
    driver_check_users
    refuse_faults
    [ "$action" != add ] || check_new_user "$@"
    check_user_operands "$@"
    preflight_users
    "${action}_users" "$@"
}

# NAME ARGUMENT…
run_user_script() {
    [ "$option_output" = text ] ||
        refuse_usage "\`users list\` is the script \`$script_name\` of this release: its output is its own" 'leave `--output` out'
    script_call="users $environment_name $action"
    [ "$action" != remove ] || [ -n "$option_dry_run" ] || confirm "remove the user $1?"
    run_wanted_script "$@"
}

# NAME, which becomes part of names of objects
check_new_user() {
    # shellcheck disable=SC2086 # a list of words
    has_word "$user_roles" "$option_role" ||
        refuse_usage "${option_role:+\`$option_role\` is no role: }which role?" "known roles: $user_roles; for example: users add $1 --role view"
    case $1 in
    [!a-z]* | *[!a-z0-9] | *[!a-z0-9-]*)
        refuse_usage "\`$1\` cannot name a user" 'a name starts with a lower-case letter, and goes on with lower-case letters, digits and `-`'
        ;;
    esac
    [ "${#1}" -le "$user_name_maximum" ] || refuse_usage "\`$1\` is longer than $user_name_maximum characters"
}

# Only scripts take more than a name.
check_user_operands() {
    [ "$action" = list ] || shift
    [ $# -eq 0 ] || refuse_usage "\`users $action\` takes no argument \`$1\`" "see \`help users\`"
}

preflight_users() {
    begin_faults
    driver_find_tools
    refuse_faults
    driver_check_engine
    refuse_faults
    driver_read_users || refuse "the users of \`$target\` cannot be read: $(complaint)"
}

# Sets user_role, empty when there is no such user. NAME
load_user() {
    user_role=$(awk -F '|' -v user="$1" '$1 == user { print $2 }' "$work/users")
}

list_users() {
    if [ "$option_output" = json ]; then
        users_json
    else
        { printf 'USER\tROLE\tSINCE\n' && tr '|' '\t' <"$work/users"; } | print_table
    fi
}

users_json() {
    printf '{"users": ['
    json_next=''
    while IFS='|' read -r user_name user_role user_since; do
        printf '%s\n  {"user": %s, "role": %s, "since": %s}' "$json_next" "$(json_string "$user_name")" \
            "$(json_string "$user_role")" "$(json_string "$user_since")"
        json_next=,
    done <"$work/users"
    printf '\n]}\n'
}

# A user that is there gets the role, and a new access besides what it has. NAME
add_users() {
    load_user "$1"
    user_change="add $1: $option_role"
    [ -z "$user_role" ] || user_change="change $1 from $user_role to $option_role"
    [ "$user_role" != "$option_role" ] || user_change="keep $1: $option_role"
    if [ -n "$option_dry_run" ]; then
        printf '%s\n' "$user_change"
        return 0
    fi
    say "$user_change"
    driver_change_user add "$1" "$option_role" ||
        fail_unrestored "the user \`$1\` is not ready: $(complaint)" "the same command can be repeated; \`users remove $environment_name $1\` undoes it"
}

# NAME
remove_users() {
    load_user "$1"
    # shellcheck disable=SC2046 # a list of names
    [ -n "$user_role" ] || refuse "unknown user \`$1\`" "$(near_hint "$1" users $(cut -d '|' -f 1 "$work/users"))"
    if [ -n "$option_dry_run" ]; then
        printf 'remove %s: %s\n' "$1" "$user_role"
        return 0
    fi
    confirm "remove the user $1 ($user_role)?"
    driver_change_user remove "$1" "$user_role" || fail_unrestored "the user \`$1\` is not removed: $(complaint)" 'the same command can be repeated'
    say "$1 is removed: what was handed out to it gives access no more"
}
