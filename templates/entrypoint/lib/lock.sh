# Lock: one writer at a time for each project and environment. Who holds it stands on the target, for the others to read.
#
# A command that writes takes the lock when its preflight is over, reads the state again, looks before each step whether the lock
# is still its own, and frees it when it ends, however it ends. A token of ours in the lock tells that it is our own, also when a
# signal met us while we were taking it.
#
# Takes in:  the driver's lock. Gives out: a lock that is held, or an end with 75 that says who, since when, doing what.
# Must not:  take over from a holder that may be alive: only `unlock --force` does.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

readonly lock_look_seconds=2

lock_token='' lock_held=''

# Waits for it as long as --lock-wait says.
take_lock() {
    describe_holder
    lock_deadline=$(($(date +%s) + ${option_lock_wait:-0})) lock_waiting=''
    while ! driver_take_lock; do
        read_lock
        [ -n "$lock_id" ] || continue # freed in between
        ! free_abandoned_lock || continue
        [ "$(date +%s)" -lt "$lock_deadline" ] || refuse_locked
        [ -n "$lock_waiting" ] || say "waiting for $(lock_sentence)"
        [ -z "$lock_waiting" ] || say_slow_wait "the lock, held by $(lock_sentence)"
        lock_waiting=yes
        nap "$lock_look_seconds"
    done
    lock_held=$lock_id
    read_target || refuse "the state of \`$target\` cannot be read: $(complaint)"
    check_whose_again
}

# Who we are, for others to read. In a container of an engine our id can be looked up there.
describe_holder() {
    lock_token=$(od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n')
    lock_own_holder=$(sed -n 's|.*/containers/\([0-9a-f]\{64\}\)/hostname .*|\1|p' /proc/self/mountinfo 2>/dev/null | sed -n 1p)
    lock_own_who=$(printf '%s' "${BOOTSMITH_OPERATOR:-}" | tr -d '|\n\r' | cut -c 1-200)
    [ -n "$lock_own_who" ] || lock_own_who="container $(cat /etc/hostname 2>/dev/null || echo unknown)"
    lock_own_since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
}

read_lock() {
    lock_id='' lock_holder='' lock_seen_token='' lock_since='' lock_command='' lock_who=''
    driver_read_lock || refuse "the lock of \`$target\` cannot be read: $(complaint)"
}

# Frees the lock of a holder that is gone; false when it may be alive. Needs the lock_ variables of read_lock.
free_abandoned_lock() {
    driver_is_holder_gone || return 1
    warn "taking over the lock of $(lock_sentence): it no longer runs"
    driver_free_lock "$lock_id"
}

# The same for a command that has nothing to write, and so takes no lock.
leave_no_abandoned_lock() {
    read_lock
    [ -z "$lock_id" ] || free_abandoned_lock || :
}

# Needs the lock_ variables of read_lock.
lock_sentence() {
    printf '%s, which runs `%s` on %s since %s' "$lock_who" "$lock_command" "$target" "$lock_since"
}

refuse_locked() {
    error "someone else holds the lock: $(lock_sentence)"
    hint "wait for it with \`--lock-wait SECONDS\`; if it is gone for good: unlock $environment_name --force"
    exit "$exit_locked"
}

# Before a step that writes: somebody may have freed our lock by hand.
require_lock() {
    [ -n "$lock_held" ] || return 0
    read_lock
    [ "$lock_id" = "$lock_held" ] ||
        fail_unrestored "the lock of $target is no longer ours${lock_who:+: it is held by $(lock_sentence)}" \
            'somebody freed it; what was begun is not ended, repeat the command when nobody else works on the target'
}

# At the end of the process, whatever ended it.
free_lock() {
    [ -n "$lock_token" ] || return 0
    if [ -z "$lock_held" ]; then
        read_lock
        [ "$lock_seen_token" != "$lock_token" ] || lock_held=$lock_id
    fi
    # By its id: when it is no longer ours, nobody else's is removed.
    [ -z "$lock_held" ] || driver_free_lock "$lock_held" || warn "the lock is left over: $(complaint)"
    lock_token='' lock_held=''
}

command_unlock() {
    preflight_target
    check_whose products
    refuse_faults
    read_lock
    if [ -z "$lock_id" ]; then
        say "nobody holds the lock of $target"
        return 0
    fi
    say "held by $(lock_sentence)"
    [ -n "$option_dry_run" ] && return 0
    [ -n "$option_force" ] ||
        refuse 'the lock was left as it is' 'when its holder is gone for good, add `--force`: two writers at once would destroy each other'\''s work'
    driver_free_lock "$lock_id" || refuse "the lock could not be freed: $(complaint)"
    say "the lock of $target is free"
}

doctor_read_lock() {
    read_lock
    check_note=free
    [ -z "$lock_id" ] || check_note="held by $(lock_sentence)"
}
