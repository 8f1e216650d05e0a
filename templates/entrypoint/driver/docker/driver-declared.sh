# Networks and volumes as an engine has them, for the drivers that use one (lib/declared.sh).
#
# Takes in:  the engine. Gives out: $work/networks.live, the options of a volume, what of somebody else is on a network.
# Must not:  change anything.

# All networks, for a container may refer to any: id | name | digest | driver | internal | ipv6 | Compose's digest | project | environment.
readonly network_format='{{.ID}}|{{.Name}}|{{.Label "io.bootsmith.network-digest"}}|{{.Driver}}|{{.Internal}}|{{.IPv6}}|{{.Label "com.docker.compose.config-hash"}}|{{.Label "io.bootsmith.project"}}|{{.Label "io.bootsmith.environment"}}'

driver_read_networks() {
    capture "$work/networks.all" docker network ls --no-trunc --format "$network_format" || return 1
    awk -F '|' -v project="$project" -v environment="$environment_name" '$8 == project && $9 == environment' "$work/networks.all" >"$work/networks.live"
}

# Prints the driver and KEY=VALUE of each option, sorted; false when there is no such volume here. NAME
driver_read_volume_options() {
    capture "$work/answer" docker volume inspect --format '{{.Driver}}{{range $key, $value := .Options}}{{println}}{{$key}}={{$value}}{{end}}' "$1" &&
        cat "$work/answer"
}

# Prints what is on a network of ours and is not ours: containers of this engine, services of the swarm. NAME ID
driver_list_network_guests() {
    capture "$work/guests" docker ps --all --no-trunc --filter "network=$2" \
        --format '{{.Names}}|{{.Label "io.bootsmith.project"}}|{{.Label "io.bootsmith.environment"}}|{{.Label "com.docker.swarm.service.id"}}|{{.State}}' || return 0
    awk -F '|' -v project="$project" -v environment="$environment_name" \
        'NF == 5 && $4 == "" && $5 == "running" && ($2 != project || $3 != environment) { print $1 }' "$work/guests"
    [ "$platform" = swarm ] || return 0
    capture "$work/names" docker service ls --quiet && [ -s "$work/names" ] || return 0
    # shellcheck disable=SC2046 # a list of ids
    capture "$work/guests" docker service inspect \
        --format '{{.Spec.Name}}|{{index .Spec.Labels "io.bootsmith.project"}}|{{index .Spec.Labels "io.bootsmith.environment"}}|{{range .Spec.TaskTemplate.Networks}}{{.Target}} {{end}}' $(cat "$work/names") || return 0
    awk -F '|' -v project="$project" -v environment="$environment_name" -v id="$2" \
        'NF == 4 && index(" " $4, " " id " ") && ($2 != project || $3 != environment) { print $1 }' "$work/guests"
}

# An engine has no objects but those that the spec declares.
driver_list_additions() {
    :
}

driver_apply_additions() {
    fail_bug 'an engine takes no additions'
}
