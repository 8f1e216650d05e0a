# The driver for Kubernetes: the lock, a Lease. Its name is the exclusion; its uid tells one holder's from the next one's. While we work
# a process of ours renews it: a lease that nobody renews belongs to nobody.
#
# Takes in:  the lock_own_ variables of lib/lock.sh. Gives out: a Lease with annotations that tell of its holder.
# Must not:  remove a lease without its uid: another may have it by then.

readonly lease_seconds=60 lease_renewal_seconds=15
# The clocks of two holders may differ by as much, beyond the lease.
readonly lease_grace_seconds=120

readonly lease_template='{{.metadata.uid}}|{{.spec.renewTime}}|{{with .metadata.annotations}}{{index . "io.bootsmith.token"}}|{{index . "io.bootsmith.since"}}|{{index . "io.bootsmith.command"}}|{{index . "io.bootsmith.who"}}{{end}}{{"\n"}}'

lease_renewer=''

# Sets lock_id; false when somebody has it.
driver_take_lock() {
    make_namespace
    write_lease | cluster create -o go-template='{{.metadata.uid}}{{"\n"}}' -f - >"$work/lock" 2>"$work/complaint" &
    child=$!
    if wait_for_child; then
        read -r lock_id <"$work/lock"
        is_helper=yes
        renew_lease_of "$lock_id" >/dev/null 2>&1 3<&- 4>&- &
        lease_renewer=$! is_helper=''
        return 0
    fi
    grep -qi 'already exists' "$work/complaint" || refuse "the lock of \`$target\` cannot be taken: $(complaint)"
    return 1
}

write_lease() {
    printf 'apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata:\n  name: bootsmith-lock\n'
    printf '  labels: {io.bootsmith.project: "%s", io.bootsmith.environment: "%s", io.bootsmith.kind: lock}\n' "$project" "$environment_name"
    printf '  annotations:\n    io.bootsmith.token: "%s"\n    io.bootsmith.since: "%s"\n    io.bootsmith.command: "%s"\n    io.bootsmith.who: %s\n' \
        "$lock_token" "$lock_own_since" "$command" "$(json_string "$lock_own_who")"
    printf 'spec:\n  holderIdentity: "%s"\n  leaseDurationSeconds: %s\n  acquireTime: "%s"\n  renewTime: "%s"\n' \
        "$lock_token" "$lease_seconds" "$(lease_now)" "$(lease_now)"
}

lease_now() {
    date -u +%Y-%m-%dT%H:%M:%S.000000Z
}

# Runs in the background as long as we do. The patch holds only while the lease is ours. UID
renew_lease_of() {
    trap - HUP INT TERM EXIT
    renewal_sleep=''
    trap 'kill "$renewal_sleep" 2>/dev/null; exit 0' USR1
    while :; do
        sleep "$lease_renewal_seconds" &
        renewal_sleep=$!
        wait "$renewal_sleep"
        kill -0 "$$" 2>/dev/null || exit 0
        (cluster patch lease bootsmith-lock --type=json -p \
            "[{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":\"$1\"},{\"op\":\"replace\",\"path\":\"/spec/renewTime\",\"value\":\"$(lease_now)\"}]" </dev/null)
    done
}

# Sets the lock_ variables, lock_id empty when it is free.
driver_read_lock() {
    if capture "$work/lock" cluster get lease bootsmith-lock -o go-template="$lease_template"; then
        IFS='|' read -r lock_id lock_holder lock_seen_token lock_since lock_command lock_who <"$work/lock"
    else
        grep -qi 'notfound\|not found' "$work/complaint"
    fi
}

# lock_holder is the instant of the last renewal.
driver_is_holder_gone() {
    read_epoch "$lock_holder" && [ $(($(date +%s) - epoch)) -gt $((lease_seconds + lease_grace_seconds)) ]
}

# ID. That it is gone already, or another's, is as good.
driver_free_lock() {
    if [ -n "$lease_renewer" ]; then kill -USR1 "$lease_renewer" 2>/dev/null; fi
    lease_renewer=''
    printf '{"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"%s"}}' "$1" >"$work/lease-end"
    capture "$work/answer" cluster delete --raw "/apis/coordination.k8s.io/v1/namespaces/$target/leases/bootsmith-lock" -f "$work/lease-end" ||
        grep -qi 'notfound\|not found\|conflict' "$work/complaint"
}
