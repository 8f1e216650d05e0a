# The driver for Kubernetes, part: the ledger. An entry is an immutable Secret of a type of its own, with annotations; the Secret of a record
# holds the record, and has its outcome as a label. The baseline is a ConfigMap: it holds nothing but digests, and `ps` reads no Secrets.
#
# Takes in:  the ledger_ variables and $work/record.tgz of lib/ledger.sh. Gives out: $work/ledger, $work/record.tgz.
# Must not:  change an entry, but for that label.

# Who may only look need not be allowed to read Secrets, and then sees the baseline alone.
driver_read_ledger() {
    read_records || return 1
    awk -F '|' -v OFS='|' '$2 == "ledger" { print $11, $12, $13, $14, $15, $16, $17, $18, $19, $1, $20, $21, $22 }' \
        "$work/records" >"$work/ledger"
}

driver_write_entry() {
    make_namespace
    write_ledger_object | cluster create --validate=false -f - >"$work/answer" 2>"$work/complaint" &
    child=$!
    # A revision that goes on has its record already.
    wait_for_child || { [ "$ledger_entry" = record ] && grep -qi 'already exists' "$work/complaint"; } || return 1
    case $ledger_entry in
    ok | failed) capture "$work/answer" cluster label --overwrite secret "bootsmith-$(object_of_revision "$ledger_revision")" "io.bootsmith.outcome=$ledger_entry" ||
        detail "the outcome is not on the record itself: $(complaint)" ;;
    esac
}

write_ledger_object() {
    ledger_kind=Secret
    [ "$ledger_entry" != baseline ] || ledger_kind=ConfigMap
    write_object_head "$ledger_kind" "bootsmith-$ledger_object" ledger
    printf '  annotations:\n'
    for ledger_fact in "entry=$ledger_entry" "revision=$ledger_revision" "at=$ledger_at" "version=$ledger_version" "command=$ledger_command" \
        "who=$ledger_who" "message=$ledger_message" "content=$ledger_content" "name=$ledger_name" \
        "sequence=$ledger_sequence" "target=$ledger_target" "before=$ledger_before" \
        "resources=$([ "$ledger_entry" != record ] || own_addition_resources | tr '\n' ' ')"; do
        printf '    io.bootsmith.%s: %s\n' "${ledger_fact%%=*}" "$(json_string "${ledger_fact#*=}")"
    done
    printf 'immutable: true\n'
    [ "$ledger_kind" = ConfigMap ] || printf 'type: bootsmith.io/release.v1\n'
    [ "$ledger_entry" = record ] || return 0
    printf 'data:\n  record: "'
    base64 <"$work/record.tgz" | tr -d '\n'
    printf '"\n'
}

# REVISION
driver_fetch_record() {
    capture "$work/answer" cluster get secret "bootsmith-$(object_of_revision "$1")" -o go-template='{{.data.record}}' || return 1
    base64 -d <"$work/answer" >"$work/record.tgz" 2>"$work/complaint"
}

# OBJECT…
driver_forget_entries() {
    capture_seconds=600 capture "$work/answer" cluster delete --ignore-not-found "$@"
}
