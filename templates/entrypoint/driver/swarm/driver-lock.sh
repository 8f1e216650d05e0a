# The driver for Docker Swarm: the lock, a config. Its name is the exclusion: a swarm has no two configs of one name, whichever
# manager is asked.
#
# Takes in:  the lock_own_ variables of lib/lock.sh. Gives out: a config with labels that tell of its holder.
# Must not:  remove a lock by its name: another may have it by then.

readonly lock_format='{{.ID}}|{{index .Spec.Labels "io.bootsmith.holder"}}|{{index .Spec.Labels "io.bootsmith.token"}}|{{index .Spec.Labels "io.bootsmith.since"}}|{{index .Spec.Labels "io.bootsmith.command"}}|{{index .Spec.Labels "io.bootsmith.who"}}'

# Sets lock_id; false when somebody has it.
driver_take_lock() {
    echo lock >"$work/lock-bytes"
    if capture "$work/lock" docker config create \
        --label "io.bootsmith.project=$project" --label "io.bootsmith.environment=$environment_name" \
        --label io.bootsmith.kind=lock --label "io.bootsmith.holder=$(holder_on_node)" \
        --label "io.bootsmith.token=$lock_token" --label "io.bootsmith.since=$lock_own_since" \
        --label "io.bootsmith.command=$command" --label "io.bootsmith.who=$lock_own_who" "${target}_lock" "$work/lock-bytes"; then
        read -r lock_id <"$work/lock"
        return 0
    fi
    grep -qi 'already exists' "$work/complaint" || refuse "the lock of \`$target\` cannot be taken: $(complaint)"
    return 1
}

# Prints NODE:CONTAINER when our own container runs on the engine we talk to: that engine alone can say whether we are alive.
holder_on_node() {
    lock_place=$(holder_on_engine)
    [ -z "$lock_place" ] || printf '%s:%s' "$swarm_node" "$lock_place"
}

# Sets the lock_ variables, lock_id empty when it is free.
driver_read_lock() {
    if capture "$work/lock" docker config inspect --format "$lock_format" "${target}_lock"; then
        IFS='|' read -r lock_id lock_holder lock_seen_token lock_since lock_command lock_who <"$work/lock"
    else
        grep -qi 'no such config\|not found' "$work/complaint"
    fi
}

driver_is_holder_gone() {
    case $lock_holder in
    "$swarm_node":*) is_container_gone "${lock_holder#*:}" ;;
    *) false ;;
    esac
}

# ID. That it is gone already is as good.
driver_free_lock() {
    capture "$work/answer" docker config rm "$1" || grep -qi 'no such config\|not found' "$work/complaint"
}
