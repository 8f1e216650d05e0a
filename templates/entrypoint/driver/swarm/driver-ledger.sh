# The driver for Docker Swarm, part: the ledger. An entry is a config with labels; the config of a record holds the record.
#
# Takes in:  the ledger_ variables and $work/record.tgz of lib/ledger.sh. Gives out: $work/record.tgz.
# Must not:  change an entry: configs cannot be.

driver_read_ledger() {
    forget_image_ids
    read_stored || return 1
    read_ledger_of configs 2 12
}

driver_write_entry() {
    if [ "$ledger_entry" = record ]; then
        cat "$work/record.tgz"
    else
        printf '%s\n' "$ledger_entry" # a config holds something
    fi | with_ledger_labels docker config create -- "${target}_$ledger_object" - >"$work/answer" 2>"$work/complaint" &
    child=$!
    # The labels of a revision that goes on say the same.
    wait_for_child || { [ "$ledger_entry" = record ] && grep -qi 'already exists' "$work/complaint"; }
}

# REVISION
driver_fetch_record() {
    capture "$work/answer" docker config inspect --format '{{json .Spec.Data}}' "${target}_$(object_of_revision "$1")" || return 1
    tr -d '"\n' <"$work/answer" | base64 -d >"$work/record.tgz" 2>"$work/complaint"
}

# OBJECT…
driver_forget_entries() {
    capture "$work/answer" docker config rm "$@"
}

# A second stack file: the images of a recorded release by the digests that a registry knew them by. SERVICE…
write_pins() {
    [ -n "$pinned_images" ] || return 0
    grep '^version:' "$work/stack.yaml" # two files must say the same
    printf 'services:\n'
    for pinned_service do
        load_service "$pinned_service"
        pinned_digest=$(recorded_digest "$pinned_service")
        [ -z "$pinned_digest" ] || printf '  "%s":\n    image: "%s"\n' "$service_object" "${service_image%@*}@$pinned_digest"
    done
}
