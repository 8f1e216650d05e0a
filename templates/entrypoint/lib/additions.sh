# Additions: objects of the platform that belong to no service, which the release brings as they are. They come before the services; what a
# release no longer has goes with its other leftovers.
#
# $work/additions has a line for each of the loaded release: name | resource | digest; $work/additions.live one for each that the target has:
# name | digest. A name is KIND/NAME.
#
# Takes in:  the `addition` records, driver_list_additions. Gives out: what differs, and has it applied.
# Must not:  know of a platform, or remove anything.

parse_addition() {
    addition_name=$1
    shift
    addition_resource='' addition_digest=''
    for fact do
        case $fact in
        resource=*) addition_resource=${fact#*=} ;;
        definition=*) addition_digest=${fact#*=} ;;
        esac
    done
}

keep_addition() {
    parse_addition "$@"
    printf '%s|%s|%s\n' "$addition_name" "$addition_resource" "$addition_digest"
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

# Those that are not as wanted.
apply_additions() {
    read_additions || fail_deployment
    list_addition_changes | grep -v '|remove$' >"$work/additions.changed" || return 0
    while IFS='|' read -r addition_name addition_action; do
        say "$addition_name: $addition_action"
    done <"$work/additions.changed"
    require_lock
    refusal_code=$EXIT_NOT_RESTORED
    driver_apply_additions "$(seconds_left)" || fail_application
}
