# Down: removes the product, its data only with --volumes --yes, and looks afterwards whether that is so.
#
# The driver fills $work/removal with a line for each object that `down` removes, but for the ledger, whose entries the core knows:
#     kind | name | state
# kind is a word of the platform, `volume` where the object holds data; state is empty where there is none to tell.
#
# Takes in:  the target through the driver, the ledger. Gives out: a target without the product, or an end with 5 that names what is left.
# Must not:  say that something is gone before it was looked for.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

command_down() {
    [ -z "$option_volumes" ] || [ -n "$option_yes" ] || [ -n "$option_dry_run" ] ||
        refuse_usage '`--volumes` deletes the data of the product' 'when that is meant, add `--yes`'
    preflight_target
    check_whose running
    check_hooks pre-down post-down
    refuse_faults
    list_removal || refuse "what \`$target\` consists of cannot be listed: $(complaint)"
    if [ -n "$option_dry_run" ]; then
        plan_removal
        return 0
    fi
    if is_nothing_to_remove; then
        say "nothing of $target is deployed, so nothing was removed"
        return 0
    fi
    confirm "remove $target${option_volumes:+ with all its data}?"
    take_lock
    run_pre_hooks pre-down
    after_signal="\`down $environment_name\` goes on from there"
    stop_waves
    require_lock
    remove_product
    run_post_hooks post-down
    say "$target is removed"
}

# $work/removal, in the order in which a person asks: data, what runs, networks, and what is stored.
list_removal() {
    driver_list_removal >"$work/removal.listed" || return 1
    awk -F '|' -v OFS='|' '
        { order = $1 == "volume" ? 1 : $1 ~ /volume/ ? 2 : $1 ~ /network/ ? 4 : $1 ~ /config|secret|scale/ ? 5 : 3; print order, $0 }' "$work/removal.listed" |
        sort -t '|' -k 1,1 -k 2,2 -k 3,3 | cut -d '|' -f 2- >"$work/removal"
}

is_nothing_to_remove() {
    [ ! -s "$work/removal" ] && { [ ! -s "$work/ledger" ] || is_ledger_kept; }
}

# The ledger goes with the data, for it tells what they have seen.
is_ledger_kept() {
    ledger_kept=''
    [ -n "$option_volumes" ] || for_each volume keep_ledger_of_data
    [ -n "$ledger_kept" ]
}

plan_removal() {
    while IFS='|' read -r removed_kind removed_name removed_state; do
        case $removed_kind in
        *volume) printf 'delete %s %s, with its data\n' "$removed_kind" "$removed_name" ;;
        *) printf 'remove %s %s%s\n' "$removed_kind" "$removed_name" "${removed_state:+ ($removed_state)}" ;;
        esac
    done <"$work/removal"
    if [ ! -s "$work/ledger" ]; then
        [ -s "$work/removal" ] || say "nothing of $target is deployed, so nothing would be removed"
    elif is_ledger_kept; then
        echo 'the data volumes are kept, and the ledger with them'
    else
        printf 'remove ledger of %s\n' "$target"
    fi
}

# Data first, then the ledger that records them: who is interrupted in between has no data without a ledger.
remove_product() {
    list_removal || fail_unrestored "what \`$target\` consists of cannot be listed: $(complaint)" 'repeat the same command'
    driver_remove_all
    { read_target && list_removal; } || fail_unrestored "whether $target is removed cannot be told: $(complaint)" 'repeat the same command'
    if grep -q '^[a-z ]*volume|' "$work/removal"; then
        say 'the ledger is kept with the data'
    else
        forget_ledger
    fi
    driver_remove_place
    refuse_left
}

# What was to be removed and is still there, with those who use it.
refuse_left() {
    [ -s "$work/removal" ] || return 0
    while IFS='|' read -r left_kind left_name _; do
        left_users=$(driver_list_users "$left_kind" "$left_name" | tr '\n' ' ' | sed 's/ *$//')
        error "$left_kind \`$left_name\` is left${left_users:+: it is used by $left_users}"
    done <"$work/removal"
    fail_unrestored "$target is not wholly removed" 'remove or disconnect what uses the objects above, then repeat the same command'
}
