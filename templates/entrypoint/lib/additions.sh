# Additions: objects of the platform that change without a service. Those that the release brings as they are, and those that bootsmith renders (own:
# accounts, policies, budgets, autoscalers), come before the services; what has the pod of a service, a schedule, comes when all services are ready.
# What a release no longer has goes with its other leftovers.
#
# $work/additions has a line for each of the loaded release: name | resource | digest | service; $work/additions.live one for each that the
# target has: name | digest. A name is KIND/NAME; the digest of what has the pod of a service has that of the service behind a hyphen.
#
# Takes in:  the `addition` records, driver_list_additions. Gives out: what differs, and has it applied.
# Must not:  know of a platform, or remove anything.

parse_addition() {
    addition_name=$1
    shift
    addition_resource='' addition_digest='' addition_service='' addition_own=''
    for fact do
        case $fact in
        resource=*) addition_resource=${fact#*=} ;;
        definition=*) addition_digest=${fact#*=} ;;
        service=*) addition_service=${fact#*=} ;;
        own=yes) addition_own=yes ;;
        esac
    done
}

keep_addition() {
    parse_addition "$@"
    if [ -n "$addition_service" ]; then
        load_wanted "$addition_service"
        addition_digest=$addition_digest-$wanted_digest
    fi
    printf '%s|%s|%s|%s\n' "$addition_name" "$addition_resource" "$addition_digest" "$addition_service"
}

# False when the target cannot be asked.
read_additions() {
    for_each addition keep_addition >"$work/additions"
    driver_list_additions >"$work/additions.live"
}

# Prints name | create, change or remove.
list_addition_changes() {
    awk -F '|' -v OFS='|' '
        FILENAME == ARGV[1] { live[$1] = $2; next }
        { wanted[$1] = 1 }
        !($1 in live) { print $1, "create"; next }
        live[$1] != $3 { print $1, "change" }
        END { for (name in live) if (!(name in wanted)) print name, "remove" }' "$work/additions.live" "$work/additions" | sort
}

# Those that are not as wanted. first (before the services) | last
apply_additions() {
    read_additions || fail_deployment
    list_addition_changes | awk -F '|' -v when="$1" '
        FILENAME == ARGV[1] { if (($4 == "") == (when == "first")) meant[$1] = 1; next }
        $2 != "remove" && ($1 in meant)' "$work/additions" - >"$work/additions.changed"
    [ -s "$work/additions.changed" ] || return 0
    while IFS='|' read -r addition_name addition_action; do
        say "$addition_name: $addition_action"
    done <"$work/additions.changed"
    require_lock
    refusal_code=$exit_not_restored
    driver_apply_additions "$(seconds_left)" "$1" || fail_application
}
