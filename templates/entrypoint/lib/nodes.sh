# Nodes: the machines that the product runs on: list, drain, activate, label, remove, join; create and delete by scripts.
#
# The driver fills $work/nodes, one line for each node, in these fields (what stands behind them is the driver's own):
#     id | name | role | state | availability | schedulable | address | version
# role is manager or worker; state is ready, down or unknown; availability is active, pause (takes nothing new, keeps what it
# has) or drain (takes nothing and has nothing); schedulable is yes when replicas of services may be put there. And
# $work/node-labels, one line for each label, its value as a JSON string:
#     id | key | value
# While a node is drained, $work/node-load has a line for each replica that is still there: name | why it still is.
#
# JSON: nodes list {"platform", "nodes": [{"id", "name", "role", "state", "availability", "schedulable", "address", "version",
#       "labels": {KEY: VALUE}}]}
#
# Takes in:  the driver's tables, [nodes] of the release. Gives out: standard output; nodes in the state asked for.
# Must not:  leave replicas without a place because of a slip, or print a token anywhere but on standard output.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly drain_round_seconds=10 # how long a driver may wait before what is left is said again

command_nodes() {
    begin_faults
    driver_check_nodes "$action" ''
    refuse_faults
    case $action in
    create | delete) run_provisioning "$@" ;;
    join) join_node ;;
    *)
        preflight_nodes
        "${action}_nodes" "$@"
        ;;
    esac
}

# The release's own script makes and unmakes machines. ARGUMENT…
run_provisioning() {
    load_action_script nodes "$action" ||
        refuse "this release has no script for \`nodes $action\`" "declare one in bootstrap.toml: [nodes] $action = \"SCRIPT\""
    script_call="nodes $environment_name $action"
    [ "$action" = create ] || [ -n "$option_dry_run" ] || confirm "delete the node $1?"
    run_wanted_script "$@"
}

preflight_nodes() {
    begin_faults
    driver_find_tools
    refuse_faults
    driver_check_engine
    refuse_faults
    driver_read_nodes || refuse "the nodes cannot be read: $(complaint)"
}

# Reads a line of the nodes table from standard input.
next_node() {
    IFS='|' read -r node_id node_name node_role node_state node_availability node_schedulable node_address node_version _
}

# Sets the node_ variables. NAME or id
load_node() {
    awk -F '|' -v wanted="$1" '$1 == wanted || $2 == wanted' "$work/nodes" >"$work/node"
    case $(wc -l <"$work/node" | tr -d ' ') in
    1) next_node <"$work/node" ;;
    0)
        # shellcheck disable=SC2046 # a list of names
        refuse "unknown node \`$1\`" "$(near_hint "$1" nodes $(cut -d '|' -f 2 "$work/nodes"))"
        ;;
    *) refuse "more than one node is called \`$1\`" "say which by its id: $(cut -d '|' -f 1 "$work/node" | tr '\n' ' ')" ;;
    esac
}

list_nodes() {
    if [ "$option_output" = json ]; then nodes_json; else nodes_text; fi
}

nodes_text() {
    {
        printf 'NODE\tROLE\tSTATE\tAVAILABILITY\tADDRESS\tVERSION\tLABELS\n'
        while next_node; do
            printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(shown_node_name)" "$node_role" "$node_state" "$node_availability" \
                "${node_address:-"-"}" "$node_version" "$(label_words)"
        done <"$work/nodes"
    } | print_table
}

# The name, and the id behind it where the name does not tell which.
shown_node_name() {
    if [ "$(cut -d '|' -f 2 "$work/nodes" | grep -cxF -e "$node_name")" -gt 1 ]; then
        printf '%s (%s)' "$node_name" "$node_id"
    else
        printf '%s' "$node_name"
    fi
}

# The labels of the loaded node that people give; those that the platform keeps itself are in the JSON.
label_words() {
    awk -F '|' -v id="$node_id" '$1 == id && $2 !~ /(kubernetes|k8s)\.io\// {
            value = substr($0, length($1) + length($2) + 3)
            if (value ~ /^"[A-Za-z0-9._-]*"$/) value = substr(value, 2, length(value) - 2)
            printf "%s%s=%s", separator, $2, value; separator = " "
        }' "$work/node-labels"
}

nodes_json() {
    printf '{"platform": %s, "nodes": [' "$(json_string "$platform")"
    json_next=''
    while next_node; do
        [ "$node_schedulable" = yes ] || node_schedulable=''
        printf '%s\n  {"id": %s, "name": %s, "role": %s, "state": %s, "availability": %s, "schedulable": %s, "address": %s, "version": %s, "labels": {' \
            "$json_next" "$(json_string "$node_id")" "$(json_string "$node_name")" "$(json_string "$node_role")" \
            "$(json_string "$node_state")" "$(json_string "$node_availability")" "$(json_boolean "$node_schedulable")" \
            "$(json_string "$node_address")" "$(json_string "$node_version")"
        nodes_json_labels
        printf '}}'
        json_next=,
    done <"$work/nodes"
    printf '\n]}\n'
}

nodes_json_labels() {
    json_separator=''
    while IFS='|' read -r label_id label_key label_value; do
        [ "$label_id" = "$node_id" ] || continue
        printf '%s%s: %s' "$json_separator" "$(json_string "$label_key")" "$label_value"
        json_separator=', '
    done <"$work/node-labels"
}

# NODE
drain_nodes() {
    load_node "$1"
    refuse_without_place
    check_node_action
    if [ -n "$option_dry_run" ]; then
        printf 'drain %s\n' "$node_name"
        return 0
    fi
    confirm "drain $node_name? What runs there, of every product, goes to other nodes."
    after_signal="\`$node_name\` takes nothing new; \`nodes drain $node_name\` goes on from there, \`nodes activate $node_name\` undoes it"
    await_drained
    say "$node_name is drained: nothing runs there until \`nodes activate $environment_name $node_name\`"
}

# What runs on a node that is drained needs another one. A node that is not schedulable itself has nothing to move.
refuse_without_place() {
    [ "$node_availability" != drain ] || return 0
    awk -F '|' -v id="$node_id" '$1 != id && $6 == "yes" { found = 1 } END { exit !found }' "$work/nodes" ||
        refuse "no other node takes replicas: what runs on \`$node_name\` would have no place" \
            'add a node first (`nodes join`), or activate one (`nodes list` shows them); `stop` ends the product without draining'
}

# What speaks against the action on the loaded node, as the platform sees it.
check_node_action() {
    begin_faults
    driver_check_nodes "$action" "$node_id"
    refuse_faults
}

# Takes rounds until nothing is left, and says in between what is.
await_drained() {
    deadline=$(($(date +%s) + ${option_timeout:-$default_timeout}))
    reasons_said='' reasons_said_at=0 drain_rounds=0
    while :; do
        drain_round=$(seconds_left)
        [ "$drain_round" -le "$drain_round_seconds" ] || drain_round=$drain_round_seconds
        driver_change_node drain "$node_id" "$drain_round" || fail_drain
        drain_rounds=$((drain_rounds + 1))
        [ -s "$work/node-load" ] || return 0
        reasons=$(awk -F '|' '{ printf "%s%s (%s)", separator, $1, substr($0, length($1) + 2); separator = "; " }' "$work/node-load")
        [ "$(seconds_left)" -gt 0 ] || fail_unrestored "\`$node_name\` is not drained in time (${option_timeout:-$default_timeout} s): $reasons" \
            "it takes nothing new; the same command goes on from there, \`nodes activate $environment_name $node_name\` undoes it"
        say_reasons
        nap 1
    done
}

fail_drain() {
    [ "$drain_rounds" -gt 0 ] || refuse "\`$node_name\` cannot be drained: $(complaint)"
    fail_unrestored "\`$node_name\` is not drained: $(complaint)" "the same command goes on from there, \`nodes activate $environment_name $node_name\` undoes it"
}

# NODE
activate_nodes() {
    load_node "$1"
    if [ "$node_availability" = active ]; then
        say "$node_name is active"
        return 0
    fi
    change_node "activate $node_name" activate
    say "$node_name is active: replicas come to it when they are placed anew"
}

# NODE KEY=VALUE… | KEY-
label_nodes() {
    load_node "$1"
    shift
    labels_left=$#
    while [ "$labels_left" -gt 0 ]; do
        if is_label_change "$1"; then set -- "$@" "$1"; else say "$node_name: nothing to do for $1"; fi
        shift
        labels_left=$((labels_left - 1))
    done
    [ $# -eq 0 ] || change_node "label $node_name: $*" label "$@"
}

# Whether the loaded node has another label than this word asks for. KEY=VALUE or KEY-
is_label_change() {
    case $1 in
    *=*) ! grep -qxF -e "$node_id|${1%%=*}|\"${1#*=}\"" "$work/node-labels" ;;
    *) grep -qF -e "$node_id|${1%-}|" "$work/node-labels" ;;
    esac
}

# The form is that of Kubernetes labels: it is good on every platform. NODE LABEL…
check_label_operands() {
    shift
    for label do
        case $label in
        *=*) label_key=${label%%=*} label_value=${label#*=} ;;
        ?*-) label_key=${label%-} label_value='' ;;
        *) refuse_usage "\`$label\` is neither KEY=VALUE nor KEY-" "for example: $label=yes, or $label- to remove it" ;;
        esac
        case $label_key in
        '' | [!A-Za-z0-9]* | *[!A-Za-z0-9] | *[!A-Za-z0-9./_-]* | */*/*) refuse_usage "\`$label_key\` cannot be the key of a label" "$label_form" ;;
        esac
        case $label_value in
        [!A-Za-z0-9]* | *[!A-Za-z0-9] | *[!A-Za-z0-9._-]*) refuse_usage "\`$label_value\` cannot be the value of a label" "$label_form" ;;
        esac
        [ "${#label_value}" -le 63 ] || refuse_usage "\`$label_value\` is longer than 63 characters" "$label_form"
    done
}

readonly label_form='letters, digits and, between them, `-`, `_`, `.`; a key may have a `/` behind a domain; a value has at most 63 characters'

# NODE
remove_nodes() {
    load_node "$1"
    [ "$node_availability" = drain ] || [ "$node_state" = down ] ||
        refuse "\`$node_name\` is not drained" "drain it first: nodes drain $environment_name $node_name"
    [ "$node_role" != manager ] || [ "$(cut -d '|' -f 3 "$work/nodes" | grep -cxF manager)" -gt 1 ] ||
        refuse "\`$node_name\` is the only manager: without it there is no cluster"
    check_node_action
    [ -n "$option_dry_run" ] || confirm "remove $node_name from the cluster?"
    change_node "remove $node_name" remove
    say "$node_name is removed"
}

# DRY-RUN-LINE ACTION WORD…
change_node() {
    if [ -n "$option_dry_run" ]; then
        printf '%s\n' "$1"
        exit 0
    fi
    changed_action=$2
    shift 2
    driver_change_node "$changed_action" "$node_id" "$@" || refuse "cannot $changed_action \`$node_name\`: $(complaint)"
}

# The token is a secret: on standard output alone.
join_node() {
    option_role=${option_role:-worker}
    case $option_role in
    worker | manager) ;;
    *) refuse_usage "a node joins as worker or manager, not as \`$option_role\`" "$(near_hint "$option_role" roles worker manager)" ;;
    esac
    preflight_nodes
    if [ -n "$option_dry_run" ]; then
        printf 'print the command that joins a %s\n' "$option_role"
        return 0
    fi
    driver_show_join "$option_role" || refuse "there is no way to join: $(complaint)"
}
