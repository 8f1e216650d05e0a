# What carries the name of our target on an engine, for the drivers that use one (lib/whose.sh).
#
# An object has our name when its own begins like ours do, or when Compose or a swarm says that it belongs to a project or stack of our
# name, or when it has our labels. Each list is read whole and sorted out here: no filter of an engine finds all three.
#
# Takes in:  the engine, the names that the release gives. Gives out: the namesakes; removal of those that are taken over.
# Must not:  remove a volume.

# Behind the name: project | environment | Compose project | stack, of the labels of what is listed.
readonly whose_labels='{{.Label "io.bootsmith.project"}}|{{.Label "io.bootsmith.environment"}}|{{.Label "com.docker.compose.project"}}|{{.Label "com.docker.stack.namespace"}}'
# Behind those: kind | service | Compose's service, number, digest and mark of a one-off | the service of a swarm.
readonly whose_container_labels='{{.Label "io.bootsmith.kind"}}|{{.Label "io.bootsmith.service"}}|{{.Label "com.docker.compose.service"}}|{{.Label "com.docker.compose.container-number"}}|{{.Label "com.docker.compose.config-hash"}}|{{.Label "com.docker.compose.oneoff"}}|{{.Label "com.docker.swarm.service.id"}}'

# type | name | project | environment | maker | service | id
driver_list_namesakes() {
    read_external_names
    list_container_namesakes && list_service_namesakes && list_volume_namesakes && list_network_namesakes
}

# What the release says that others made is theirs, whatever its name.
read_external_names() {
    external_names=''
    for_each network keep_external_name
    for_each volume keep_external_name
}

keep_external_name() {
    parse_object "$@"
    [ -z "$object_external" ] || external_names="$external_names $object_name"
}

# A container of ours has all the labels that Compose gives it, or a kind of our own.
list_container_namesakes() {
    capture "$work/whose" docker ps --all --no-trunc --format "{{.ID}}|{{.Names}}|$whose_labels|$whose_container_labels" || return 1
    awk -F '|' -v OFS='|' -v target="$target" -v project="$project" -v environment="$environment_name" -v platform="$platform" \
        -v services=" $service_names " '
        function is_named(name,    service) {
            if (index(name, target "_") == 1) return 1
            if (index(name, target "-") != 1 || name !~ /-[0-9]+$/) return 0
            service = substr(name, length(target) + 2); sub(/-[0-9]+$/, "", service)
            return index(services, " " service " ")
        }
        function is_whole() {
            return platform == "compose" && $6 == "" && $13 == "" &&
                ($7 != "" || $12 == "True" || ($5 == target && $9 == $8 && $10 != "" && $11 != ""))
        }
        $2 == "" { next }
        $13 != "" && platform == "swarm" { next } # a task: its service is listed
        { ours = $3 == project && $4 == environment; maker = $6 != "" || $13 != "" ? "swarm" : ours && $7 != "" ? "compose" : $5 != "" ? "compose" : "" }
        ours && is_whole() { next }
        ours || $5 == target || $6 == target || is_named($2) {
            print "container", $2, $3, $4, (maker == "compose" && $5 != target && $7 == "" ? "" : maker), ($8 != "" ? $8 : $9), $1
        }' "$work/whose"
}

# Only a manager of a swarm knows them.
list_service_namesakes() {
    if [ "$platform" != swarm ]; then
        capture "$work/names" docker info --format '{{.Swarm.ControlAvailable}}' && [ "$(cat "$work/names")" = true ] || return 0
    fi
    capture "$work/names" docker service ls --format '{{.ID}} {{.Name}}' || return 1
    whose_services=$(awk -v target="$target" 'index($2, target "_") == 1 { print $1 }' "$work/names")
    [ -n "$whose_services" ] || return 0
    # shellcheck disable=SC2086 # a list of ids
    capture "$work/whose" docker service inspect --format '{{.Spec.Name}}|{{.ID}}|{{index .Spec.Labels "io.bootsmith.project"}}|{{index .Spec.Labels "io.bootsmith.environment"}}|{{index .Spec.Labels "com.docker.stack.namespace"}}' $whose_services ||
        is_gone_meanwhile || return 1
    awk -F '|' -v OFS='|' -v target="$target" -v project="$project" -v environment="$environment_name" -v platform="$platform" '
        platform == "swarm" && $3 == project && $4 == environment && $5 == target { next }
        { print "service", $1, $3, $4, ($3 != "" || $5 == target ? "swarm" : ""), substr($1, length(target) + 2), $2 }' "$work/whose"
}

list_volume_namesakes() {
    capture "$work/whose" docker volume ls --format "{{.Name}}|$whose_labels" || return 1
    list_plain_namesakes volume
}

list_network_namesakes() {
    capture "$work/whose" docker network ls --no-trunc --format "{{.Name}}|$whose_labels|{{.ID}}" || return 1
    list_plain_namesakes network
}

# TYPE
list_plain_namesakes() {
    awk -F '|' -v OFS='|' -v type="$1" -v target="$target" -v project="$project" -v environment="$environment_name" -v platform="$platform" \
        -v external="$external_names " '
        NF < 5 || index(external, " " $1 " ") { next }
        { ours = $2 == project && $3 == environment; maker = $5 != "" ? "swarm" : $4 != "" ? "compose" : "" }
        ours && (maker == "" || maker == platform) { next }
        ours || $4 == target || $5 == target || index($1, target "_") == 1 { print type, $1, $2, $3, maker, "", $6 }' "$work/whose"
}

# The command that removes an object. TYPE NAME
driver_show_removal() {
    case $1 in
    container) printf 'docker rm --force %s' "$(quote_word "$2")" ;;
    *) printf 'docker %s rm %s' "$1" "$(quote_word "$2")" ;;
    esac
}

# Prints the volumes without our labels that are ours since they were taken over, and are still there.
list_taken_over() {
    [ -s "$work/taken-over" ] || return 0
    capture "$work/answer" docker volume ls --quiet || return 1
    grep -xF -f "$work/taken-over" "$work/answer"
    return 0
}

adopted_ids() { # TYPE
    awk -F '|' -v type="$1" '$1 == type { print $5 }' "$work/adopted"
}

remove_adopted_networks() {
    for adopted_network in $(adopted_ids network); do
        for adopted_try in 1 2 3 4 5 6 7 8 9 10; do
            capture "$work/answer" docker network rm "$adopted_network" && break
            grep -qi 'not found\|no such' "$work/complaint" && break
            [ "$adopted_try" -lt 10 ] || return 1
            nap 1
        done
    done
}
