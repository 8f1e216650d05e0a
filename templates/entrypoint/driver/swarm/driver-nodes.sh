# Nodes and users for Docker Swarm: nodes by `docker node`, and how many of them a service may be on; a swarm has no users.
#
# Behind the common fields $work/nodes has, for managers: yes for the leader | reachable or not | address for joining.
#
# Must not:  put a token in an argv or a file that stays.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly node_format='{{.ID}}|{{.Description.Hostname}}|{{.Spec.Role}}|{{.Status.State}}|{{.Spec.Availability}}||{{.Status.Addr}}|{{.Description.Engine.EngineVersion}}|{{if .ManagerStatus}}{{if .ManagerStatus.Leader}}yes{{end}}|{{.ManagerStatus.Reachability}}|{{.ManagerStatus.Addr}}{{end}}'
readonly node_labels_format='{{$id := .ID}}{{range $key, $value := .Spec.Labels}}{{$id}}|{{$key}}|{{json $value}}{{println}}{{end}}'

driver_read_nodes() {
    capture "$work/names" docker node ls --quiet || return 1
    # shellcheck disable=SC2046 # a list of ids
    capture "$work/answer" docker node inspect --format "$node_format" $(cat "$work/names") || return 1
    awk -F '|' -v OFS='|' '{
            $6 = ($4 == "ready" && $5 == "active") ? "yes" : "no"
            if ($4 != "ready" && $4 != "down") $4 = "unknown"
            # An engine that began the swarm by itself knows its own address as a manager alone.
            if ($7 == "" || $7 == "0.0.0.0") { $7 = $11; sub(/:[0-9]*$/, "", $7) }
            print
        }' "$work/answer" | sort -t '|' -k 2 >"$work/nodes"
    # shellcheck disable=SC2046 # a list of ids
    capture "$work/answer" docker node inspect --format "$node_labels_format" $(cat "$work/names") || return 1
    sed '/^$/d' "$work/answer" >"$work/node-labels"
}

# What constraints are about, of each node that takes replicas: id | key | value as a JSON string.
readonly node_facts_format='{{if eq (print .Status.State) "ready"}}{{if eq (print .Spec.Availability) "active"}}{{$id := .ID}}{{$id}}|node.id|{{json .ID}}
{{$id}}|node.hostname|{{json .Description.Hostname}}
{{$id}}|node.ip|{{json .Status.Addr}}
{{$id}}|node.role|{{json .Spec.Role}}
{{$id}}|node.platform.os|{{json .Description.Platform.OS}}
{{$id}}|node.platform.arch|{{json .Description.Platform.Architecture}}
{{range $key, $value := .Spec.Labels}}{{$id}}|node.labels.{{$key}}|{{json $value}}
{{end}}{{range $key, $value := .Description.Engine.Labels}}{{$id}}|engine.labels.{{$key}}|{{json $value}}
{{end}}{{end}}{{end}}'

# A record of the release that swarms alone have.
constraint() { visit constraint "$@"; }

# Nodes that may take a replica of the loaded service: they are ready and active, and meet its constraints.
driver_count_nodes() {
    wanted_replicas=0
    : >"$work/constraints"
    for_each constraint keep_constraint
    if [ -s "$work/constraints" ]; then
        capture "$work/names" docker node ls --quiet || return 0
        # shellcheck disable=SC2046 # a list of ids
        capture "$work/answer" docker node inspect --format "$node_facts_format" $(cat "$work/names") || return 0
        wanted_replicas=$(count_fitting_nodes "$work/constraints" "$work/answer")
    else
        capture "$work/answer" docker node ls --format '{{.Status}} {{.Availability}}' &&
            wanted_replicas=$(grep -c '^Ready Active' "$work/answer")
    fi
}

# SERVICE KEY is=VALUE, or is_not=VALUE
keep_constraint() {
    [ "$1" != "$service_name" ] || printf '%s|%s|%s\n' "$2" "${3%%=*}" "$(json_string "${3#*=}")" >>"$work/constraints"
}

# As swarmkit judges them (manager/constraint, NodeMatches): whatever the case, but for the keys of labels; a label that is absent is empty; an
# address may be a range. FILE FILE
count_fitting_nodes() {
    awk '
        function field(line, number, parts) { split(line, parts, "|"); return parts[number] }
        function value_of(line) { sub(/^[^|]*\|[^|]*\|/, "", line); return tolower(line) }
        function key_of(key, end) {
            end = match(tolower(key), /^(node|engine)\.labels\./) ? RLENGTH : length(key)
            return tolower(substr(key, 1, end)) substr(key, end + 1)
        }
        function number_of(address, parts) { split(address, parts, "."); return ((parts[1] * 256 + parts[2]) * 256 + parts[3]) * 256 + parts[4] }
        function is_in(address, range, parts, size, bits) {
            gsub(/"/, "", address); gsub(/"/, "", range)
            if (split(range, parts, "/") < 2) return address == range
            # A power would need an awk with mathematics, which small bases have not.
            for (size = 1; bits < 32 - parts[2]; bits++) size *= 2
            return address !~ /:/ && int(number_of(address) / size) == int(number_of(parts[1]) / size)
        }
        function fits(id, at, is) {
            for (at = 1; at <= constraints; at++) {
                if (key[at] !~ /^(node\.(id|hostname|ip|role|platform\.os|platform\.arch)|(node|engine)\.labels\..*)$/) return 0
                is = key[at] == "node.ip" ? is_in(fact[id, key[at]], wanted[at]) : fact[id, key[at]] == wanted[at]
                if (is != (operator[at] == "is")) return 0
            }
            return 1
        }
        $0 == "" { next }
        NR == FNR { constraints++; key[constraints] = key_of(field($0, 1)); operator[constraints] = field($0, 2); wanted[constraints] = value_of($0); next }
        { ids[field($0, 1)]; fact[field($0, 1), key_of(field($0, 2))] = value_of($0) }
        END { for (id in ids) count += fits(id); print count + 0 }' "$1" "$2"
}

# ACTION NODE-ID
driver_check_nodes() {
    case $1/$2 in
    remove/?*) check_removal "$2" ;;
    esac
}

# A drained node may still be ending its tasks; the managers that are left must be able to agree: more than half of them.
check_removal() {
    read_node_load "$1" || : >"$work/node-load"
    [ "$node_state" != ready ] || [ ! -s "$work/node-load" ] ||
        add_fault "\`$node_name\` is not empty yet: $(cut -d '|' -f 1 "$work/node-load" | tr '\n' ' ')" "wait for it: nodes drain $environment_name $node_name"
    [ "$node_role" = manager ] || return 0
    awk -F '|' -v id="$1" '$3 == "manager" && $1 != id { all++; if ($10 == "reachable") up++ } END { exit !(up > all / 2) }' "$work/nodes" ||
        add_fault "without \`$node_name\` too few managers are left that can be reached: the swarm could decide nothing" \
            'add a manager first: nodes join --role manager'
}

# ACTION NODE-ID WORD…
driver_change_node() {
    changed_node=$2
    case $1 in
    drain) drain_swarm_node ;;
    activate) capture "$work/answer" docker node update --availability active "$2" ;;
    label)
        shift 2
        label_swarm_node "$@"
        ;;
    remove) remove_swarm_node ;;
    esac
}

# The swarm moves the tasks by itself; what is left are those that have not ended yet.
drain_swarm_node() {
    if [ "$node_availability" != drain ]; then
        capture "$work/answer" docker node update --availability drain "$changed_node" || return 1
        node_availability=drain
    fi
    read_node_load "$changed_node"
}

# $work/node-load: the tasks that have not ended. NODE-ID
read_node_load() {
    capture "$work/answer" docker node ps --no-trunc --format '{{.Name}}|{{.CurrentState}}' "$1" || return 1
    awk -F '|' 'tolower($2) ~ /^(assigned|accepted|preparing|ready|starting|running)/ { print $1 "|" tolower($2) }' "$work/answer" >"$work/node-load"
}

# KEY=VALUE or KEY-, …
label_swarm_node() {
    labels_left=$#
    while [ "$labels_left" -gt 0 ]; do
        case $1 in
        *=*) set -- "$@" --label-add "$1" ;;
        *) set -- "$@" --label-rm "${1%-}" ;;
        esac
        shift
        labels_left=$((labels_left - 1))
    done
    capture "$work/answer" docker node update "$@" "$changed_node"
}

# A manager is demoted first; a node that is up has to forget the swarm itself.
remove_swarm_node() {
    [ "$node_role" != manager ] || capture "$work/answer" docker node demote "$changed_node" || return 1
    capture "$work/answer" docker node rm --force "$changed_node" || return 1
    [ "$node_state" = down ] || hint "on $node_name itself: docker swarm leave --force"
}

# By way of the leader, or of any manager that can be reached. ROLE
driver_show_join() {
    join_address=$(awk -F '|' '$10 == "reachable" && (address == "" || $9 == "yes") { address = $11 } END { print address }' "$work/nodes")
    capture "$work/join" docker swarm join-token --quiet "$1" || return 1
    read -r join_token <"$work/join"
    rm -f "$work/join"
    case $join_address in
    127.* | '[::1]'*) warn "the swarm announces $join_address, which no other machine reaches: it was begun without \`--advertise-addr\`" ;;
    esac
    printf 'docker swarm join --token %s %s\n' "$join_token" "$join_address"
}

driver_check_users() {
    add_fault 'a swarm has no users' \
        "the release can manage the product's own with scripts: [users] add = \"SCRIPT\", remove = …, list = …"
}

driver_read_users() {
    fail_bug 'a swarm has no users'
}

# ACTION NAME ROLE
driver_change_user() {
    fail_bug "no user can be changed: $1"
}

# The images of an engine are its own: no node gives them to another.
driver_say_where_else() {
    capture "$work/answer" docker node ls --format '{{.Self}} {{.Hostname}}' || return 0
    elsewhere=$(sed -n 's/^false //p' "$work/answer" | tr '\n' ' ')
    [ -z "$elsewhere" ] || warn "every node needs them: \`docker load --input BUNDLE\` on ${elsewhere% } too"
}
