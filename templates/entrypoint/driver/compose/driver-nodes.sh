# Nodes and users for Docker Compose: one engine is one node, and it has no users.
#
# Must not:  change anything.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

# ACTION NODE-ID
driver_check_nodes() {
    [ "$1" = list ] || add_fault "Docker Compose has one node, the engine itself: there is nothing to $1" \
        'a product of several nodes is built for Swarm or Kubernetes'
}

driver_read_nodes() {
    capture "$work/answer" docker info --format '{{.ID}}|{{.Name}}|manager|ready|active|yes||{{.ServerVersion}}' || return 1
    awk -F '|' -v OFS='|' '{ gsub("[^A-Za-z0-9:-]", "", $1); print }' "$work/answer" >"$work/nodes"
    capture "$work/answer" docker info --format '{{json .Labels}}' || return 1
    read_engine_labels <"$work/answer" >"$work/node-labels"
}

# From a JSON list of KEY=VALUE texts.
read_engine_labels() {
    node_id=$(cut -d '|' -f 1 "$work/nodes")
    sed 's/^\[//; s/\]$//; s/","/"\n"/g' | sed -n "s/^\"\\([^=\"]*\\)=\\(.*\\)\$/$node_id|\\1|\"\\2/p"
}

# ACTION NODE-ID WORD…
driver_change_node() {
    fail_bug "one node, and nothing to $1"
}

# ROLE
driver_show_join() {
    fail_bug "one node, and none to join as $1"
}

driver_check_users() {
    add_fault 'Docker Compose has no users' \
        "the release can manage the product's own with scripts: [users] add = \"SCRIPT\", remove = …, list = …"
}

driver_read_users() {
    fail_bug 'Docker Compose has no users'
}

# ACTION NAME ROLE
driver_change_user() {
    fail_bug "no user can be changed: $1"
}

driver_say_where_else() {
    :
}
