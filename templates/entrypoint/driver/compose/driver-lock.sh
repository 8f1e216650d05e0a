# The driver for Docker Compose, third part: the lock, a container that is never started. Its name is the exclusion: an engine
# has no two containers of one name, whoever asks, also over TCP.
#
# Takes in:  the lock_own_ variables of lib/lock.sh. Gives out: a container with labels that tell of its holder.
# Must not:  remove a lock by its name: another may have it by then.

readonly lock_format='{{.ID}}|{{index .Config.Labels "io.bootsmith.holder"}}|{{index .Config.Labels "io.bootsmith.token"}}|{{index .Config.Labels "io.bootsmith.since"}}|{{index .Config.Labels "io.bootsmith.command"}}|{{index .Config.Labels "io.bootsmith.who"}}'

# Sets lock_id; false when somebody has it.
driver_take_lock() {
    make_empty_image
    if capture "$work/lock" docker create --network none --name "${target}_lock" \
        --label "io.bootsmith.project=$project" --label "io.bootsmith.environment=$environment_name" \
        --label io.bootsmith.kind=lock --label "io.bootsmith.holder=$(holder_on_engine)" \
        --label "io.bootsmith.token=$lock_token" --label "io.bootsmith.since=$lock_own_since" \
        --label "io.bootsmith.command=$command" --label "io.bootsmith.who=$lock_own_who" "$empty_image" lock; then
        read -r lock_id <"$work/lock"
        return 0
    fi
    grep -q 'already in use' "$work/complaint" || refuse "the lock of \`$target\` cannot be taken: $(complaint)"
    return 1
}

# Sets the lock_ variables, lock_id empty when it is free.
driver_read_lock() {
    if capture "$work/lock" docker container inspect --format "$lock_format" "${target}_lock"; then
        IFS='|' read -r lock_id lock_holder lock_seen_token lock_since lock_command lock_who <"$work/lock"
    else
        grep -qi 'no such' "$work/complaint"
    fi
}

# Provably: its container was on this engine, and is not there or does not run.
driver_is_holder_gone() {
    [ -n "$lock_holder" ] && is_container_gone "$lock_holder"
}

# ID. That it is gone already is as good.
driver_free_lock() {
    capture "$work/answer" docker rm --force "$1" || grep -qi 'no such' "$work/complaint"
}
