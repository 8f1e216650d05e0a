# The driver for Docker Compose, part: the ledger. An entry is a volume with labels; a record is in its volume too, written and read through
# a container that is created and never started, so no program runs for it, and it works over TCP. Every entry keeps such a container: the
# volume is in use, so nobody prunes it, and reading needs no more than a look. Where somebody pruned the container, it is made again.
#
# Takes in:  the ledger_ variables and $work/record.tgz of lib/ledger.sh. Gives out: $work/record.tgz.
# Must not:  start a container.

driver_read_ledger() {
    forget_image_ids
    read_volumes || return 1
    read_ledger_of volumes 1 12
}

driver_write_entry() {
    make_empty_image
    capture "$work/answer" with_ledger_labels docker volume create -- "${target}_$ledger_object" || return 1
    hold_entry "${target}_$ledger_object" || return 1
    [ "$ledger_entry" != record ] || { fill_record && guard_images; }
}

# What an interrupted command left of the container is as good. OBJECT
hold_entry() {
    capture "$work/answer" docker create --network none --name "$1" \
        --label "io.bootsmith.project=$project" --label "io.bootsmith.environment=$environment_name" --label io.bootsmith.kind=ledger \
        --mount "type=volume,source=$1,target=/record" "$empty_image" record || grep -q 'already in use' "$work/complaint"
}

fill_record() {
    tar -cf - -C "$work" record.tgz | docker cp - "${target}_$ledger_object:/record" >"$work/answer" 2>"$work/complaint" &
    child=$!
    wait_for_child
}

# A tag of ours keeps an image when its own tag moves on and somebody prunes.
guard_images() {
    while IFS='|' read -r guarded_service _ guarded_id _; do
        [ -z "$guarded_id" ] || capture "$work/answer" docker tag "$guarded_id" "bootsmith/$target:$guarded_service-$ledger_revision" ||
            detail "the image of $guarded_service is not kept from pruning: $(complaint)"
    done <"$work/record/images"
}

# REVISION
driver_fetch_record() {
    fetched_record=${target}_$(object_of_revision "$1")
    copy_record && return 0
    grep -qi 'no such container' "$work/complaint" && make_empty_image && hold_entry "$fetched_record" && copy_record
}

copy_record() {
    docker cp "$fetched_record:/record/record.tgz" - 2>"$work/complaint" </dev/null | tar -xOf - 2>/dev/null >"$work/record.tgz" &
    child=$!
    wait_for_child && [ -s "$work/record.tgz" ]
}

# The volume goes last: when we are killed, the next command finds by it what is left. OBJECT…
driver_forget_entries() {
    for forgotten do
        case $forgotten in "${target}_rel."*.*) ;; "${target}_rel."*) forget_guards "$(printf '%s' "${forgotten##*_rel.}" | sed 's/^0*//')" ;; esac
        capture "$work/answer" docker rm --force "$forgotten" || grep -qi 'no such' "$work/complaint" || return 1
        capture "$work/answer" docker volume rm "$forgotten" || return 1
    done
}

forget_guards() { # REVISION
    capture "$work/answer" docker image ls --format '{{.Tag}}' "bootsmith/$target" || return 0
    while read -r guard_tag; do
        [ "${guard_tag##*-}" != "$1" ] || capture "$work/complaint.guard" docker image rm "bootsmith/$target:$guard_tag"
    done <"$work/answer"
}
