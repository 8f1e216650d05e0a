# Whose: what carries the name of our target and was not made by this product on this platform.
#
# The driver lists the namesakes, everything of our name that is not ours as it should be, one a line, in these fields:
#     type | name | project | environment | maker | service | id
# type is the platform's word (container, volume, network, service …). project and environment are those of the labels of a bootstrap
# image, empty when there are none. maker is the platform whose labels the object carries (compose, swarm, kubernetes), empty when it was
# made by hand. service is what its maker calls it.
#
# What belongs to another product, or to this one on another platform, is always a fault. What belongs to no bootstrap image is a fault
# unless --adopt takes it over: volumes stay as they are, everything else is replaced by what the release says.
#
# Takes in:  driver_list_namesakes, the last good record. Gives out: faults; $work/adopted, the namesakes to take over; $work/taken-over, the
#            volumes without our labels that an earlier revision took over.
# Must not:  change anything.
# shellcheck disable=SC2016 # backquotes in messages are quotation marks

whose_scope=''

# Adds a fault for each. SCOPE: everything; running, without volumes that nobody labelled; products, what is another product's alone.
check_whose() {
    whose_scope=$1
    : >"$work/adopted"
    : >"$work/taken-over"
    if ! driver_list_namesakes >"$work/namesakes"; then
        add_fault "what else carries the name of $target cannot be listed: $(complaint)"
        return 0
    fi
    while IFS='|' read -r namesake_type namesake_name namesake_project namesake_environment namesake_maker namesake_service namesake_id; do
        judge_namesake
    done <"$work/namesakes"
}

# Others may have come before we had the lock.
check_whose_again() {
    [ -n "$whose_scope" ] || return 0
    begin_faults
    check_whose "$whose_scope"
    refuse_faults
}

# For `ps`, which refuses nothing. What cannot be listed is not shown.
warn_of_namesakes() {
    begin_faults
    check_whose everything
    while IFS= read -r namesake_fault; do
        case $namesake_fault in error:*) warn "${namesake_fault#error: }" ;; *) show_message "$namesake_fault" ;; esac
    done <"$work/faults"
    begin_faults
}

# needs the namesake_ variables
judge_namesake() {
    case $namesake_project/$namesake_environment in
    /) judge_unlabelled ;;
    "$project/$environment_name") [ "$whose_scope" = products ] || judge_own ;;
    *)
        add_fault "the $namesake_type \`$namesake_name\` belongs to another product: project \`$namesake_project\`, environment \`$namesake_environment\`" \
            "both products are called $target on the target, and neither may touch the other: rename the project or the environment of this one"
        ;;
    esac
}

# Our labels, but not as this platform's driver makes them.
judge_own() {
    if [ -z "$namesake_maker" ] || [ "$namesake_maker" = "$platform" ]; then
        add_fault "the $namesake_type \`$namesake_name\` has the labels of ${namesake_service:+\`$namesake_service\` of }this product, but was made by somebody else" \
            "remove it: $(driver_show_removal "$namesake_type" "$namesake_name")"
    elif [ "$namesake_type" = volume ]; then
        judge_adoptable "the volume \`$namesake_name\` holds data of this product on $(platform_title "$namesake_maker")"
    else
        add_fault "the $namesake_type \`$namesake_name\` belongs to this product on $(platform_title "$namesake_maker")" \
            "remove it there first, the data stays: down $environment_name, with the bootstrap image for $(platform_title "$namesake_maker")"
    fi
}

judge_unlabelled() {
    [ "$whose_scope" != products ] || return 0
    case $namesake_type/$namesake_maker in
    volume/*) judge_volume ;;
    */"$platform") judge_adoptable "the $namesake_type \`$namesake_name\` belongs to no bootstrap image, but to something else that is called $target" ;;
    */)
        add_fault "the $namesake_type \`$namesake_name\` has a name of this product, but belongs to no bootstrap image" \
            "rename or remove it: $(driver_show_removal "$namesake_type" "$namesake_name")"
        ;;
    *)
        add_fault "the $namesake_type \`$namesake_name\` belongs to no bootstrap image: $(platform_title "$namesake_maker") made it under the name of this product" \
            "remove it: $(driver_show_removal "$namesake_type" "$namesake_name")"
        ;;
    esac
}

# What was taken over keeps the labels that it had: the record tells.
judge_volume() {
    if is_taken_over; then
        printf '%s\n' "$namesake_name" >>"$work/taken-over"
    elif [ "$whose_scope" = everything ]; then
        judge_adoptable "the volume \`$namesake_name\` belongs to no bootstrap image, and may hold data"
    fi
}

is_taken_over() {
    [ -n "$good_revision" ] && fetch_record "$good_revision" &&
        grep '^volume ' "$work/revisions/$good_revision/environments/$environment_name/release" |
        grep -qF -e " name='$namesake_name' external='no'"
}

# WHAT
judge_adoptable() {
    if [ -n "$option_adopt" ]; then
        printf '%s|%s|%s|%s|%s\n' "$namesake_type" "$namesake_name" "$namesake_maker" "$namesake_service" "$namesake_id" >>"$work/adopted"
    else
        add_fault "$1" "take it over, with its data: up $environment_name --adopt; or remove it: $(driver_show_removal "$namesake_type" "$namesake_name")"
    fi
}

platform_title() {
    case $1 in compose) printf 'Docker Compose' ;; swarm) printf 'Docker Swarm' ;; kubernetes) printf 'Kubernetes' ;; esac
}

is_adopting() {
    [ -s "$work/adopted" ]
}

plan_adoption() {
    while IFS='|' read -r adopted_type adopted_name _; do
        printf '%s %s: take over\n' "$adopted_type" "$adopted_name"
    done <"$work/adopted"
}

# Everything but the volumes makes room for what the release says.
adopt_namesakes() {
    is_adopting || return 0
    require_lock
    while IFS='|' read -r adopted_type adopted_name _; do
        say "$adopted_type $adopted_name: taken over"
    done <"$work/adopted"
    driver_adopt || fail_unrestored "what was there could not be taken over: $(complaint)" 'the same command can be repeated'
    : >"$work/adopted"
}
