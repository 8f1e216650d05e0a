# Preflight: everything that can be judged by reading alone, before anything changes. All faults at once.
#
# Takes in:  the environment, the target through the driver. Gives out: an end with 3, or the tables of state.sh.
# Must not:  write to the target.

# Engine and state only: for commands that need no parameters.
preflight_target() {
    begin_faults
    driver_find_tools
    refuse_faults
    driver_check_engine
    refuse_faults
    read_target || refuse "the state of \`$target\` cannot be read: $(complaint)"
}

# What runs, and what was recorded.
read_target() {
    driver_read_state && driver_read_ledger && drop_malformed_entries && read_revisions
}

# What a deployment needs: parameters, secrets, external objects; adds faults.
check_deployment() {
    use_recorded_parameters "${parameters_revision:-$good_revision}"
    read_parameters
    check_unreadable_record
    check_missing_parameters
    read_mounts
    driver_check_externals
    [ -n "${restoring:-}" ] || check_whose everything
    check_declared
}

# What the target cannot do of what the loaded release uses, asked of the platform's own tools. Needs the wanted table; adds faults.
check_target() {
    check_requirements
    driver_check_ports
    driver_check_manifest
}

# The versions that the release needs: environments/ENV/requirements. There is no such file when any will do.
check_requirements() {
    [ -r "$environment_folder/requirements" ] || return 0
    required_data=$environment_data environment_data=$environment_folder/requirements
    for_each requirement check_requirement
    environment_data=$required_data
}

check_requirement() {
    requirement_feature=$1
    shift
    requirement_program='' requirement_version='' requirement_api='' requirement_uses=''
    for fact do
        case $fact in
        program=*) requirement_program=${fact#*=} ;;
        version=*) requirement_version=${fact#*=} ;;
        api=*) requirement_api=${fact#*=} ;;
        uses=*) requirement_uses=${fact#*=} ;;
        esac
    done
    driver_check_requirement
}

# Of the requirement at hand. PROGRAM VERSION-FOUND WHAT-TO-DO
add_requirement_fault() {
    add_fault "$1 $2 is too old for \`$requirement_feature\` ($requirement_uses), which needs $requirement_version" "$3"
}

# The ports of the host that the loaded release takes, in $work/ports: SERVICE ADDRESS FIRST LAST PROTOCOL HOW-MANY. The address is `*` for
# every address; of a range from which each replica takes any, as many as there are replicas, else all. Needs the wanted table.
list_ports() {
    for_each service list_ports_of >"$work/ports"
}

list_ports_of() {
    ports_service=$1
    shift
    ports_published=''
    for fact do
        case $fact in published=*) ports_published=${fact#*=} ;; esac
    done
    [ -n "$ports_published" ] || return 0
    load_wanted "$ports_service"
    [ "$wanted_replicas" -gt 0 ] || return 0
    printf '%s\n' "$ports_published" | tr ' ' '\n' | awk -v service="$ports_service" -v replicas="$wanted_replicas" '
        {
            address = "*"
            if (at = index($0, "@")) { address = substr($0, 1, at - 1); $0 = substr($0, at + 1) }
            split($0, part, "/")
            is_choice = sub(/\*$/, "", part[1])
            split(part[1], port, "-")
            print service, address, port[1], port[2], part[2], is_choice ? replicas : port[2] - port[1] + 1
        }'
}

# Faults for the ports of $work/ports that others have: $work/ports.taken has a line for each, HOLDER ADDRESS FIRST LAST PROTOCOL.
refuse_taken_ports() {
    awk -v taken="$work/ports.taken" '
        function is_every(address) { return address == "*" || address == "0.0.0.0" || address == "::" }
        BEGIN { while ((getline line <taken) > 0) held[++count] = line }
        {
            left = 0; holder = ""; port = ""
            for (number = $3; number <= $4; number++) {
                is_taken = 0
                for (i = 1; i <= count; i++) {
                    split(held[i], of, " ")
                    if (of[5] == $5 && number >= of[3] && number <= of[4] && (is_every(of[2]) || is_every($2) || of[2] == $2)) {
                        is_taken = 1; holder = of[1]; port = number
                    }
                }
                left += !is_taken
            }
            if (left < $6) print $1, port "/" $5, holder
        }' "$work/ports" >"$work/ports.refused"
    while read -r refused_service refused_port refused_holder; do
        add_fault "\`$refused_service\` cannot publish port $refused_port of the host: \`$refused_holder\` has it" \
            "stop \`$refused_holder\`, or publish another port"
    done <"$work/ports.refused"
}

begin_faults() {
    faults=0
    : >"$work/faults"
}

refuse_faults() {
    [ "$faults" -gt 0 ] || return 0
    printable <"$work/faults" >&2
    exit "$refusal_code"
}

# Every check by itself, and a line for each: nothing stops at the first fault.
command_doctor() {
    operation=up doctor_failed=''
    : >"$work/doctor"
    doctor_check tools driver_find_tools
    [ -n "$doctor_failed" ] || doctor_check engine driver_check_engine
    if [ -z "$doctor_failed" ]; then
        doctor_check state doctor_read_state
        [ -n "$doctor_failed" ] || doctor_check ledger judge_ledger
        [ -n "$doctor_failed" ] || doctor_check lock doctor_read_lock
        [ -n "$doctor_failed" ] || doctor_check parameters doctor_read_parameters
        doctor_check externals driver_check_externals
        doctor_check objects doctor_check_whose
        [ -n "$doctor_failed" ] || read_wanted
        [ -n "$doctor_failed" ] || doctor_check versions check_requirements
        [ -n "$doctor_failed" ] || doctor_check ports driver_check_ports
        [ -n "$doctor_failed" ] || doctor_check manifest driver_check_manifest
    fi
    doctor_check logins driver_check_logins
    [ -n "$doctor_failed" ] || doctor_check disk driver_describe_disk
    if [ "$option_output" = json ]; then doctor_json; else doctor_text; fi
    [ -z "$doctor_failed" ] || exit "$exit_refused"
}

doctor_read_state() {
    read_target || add_fault "the state of \`$target\` cannot be read: $(complaint)"
    check_note="project $target, $(wc -l <"$work/instances" | tr -d ' ') containers${good_revision:+, revision $good_revision ($good_version)}"
}

doctor_read_parameters() {
    use_recorded_parameters "${parameters_revision:-$good_revision}"
    read_parameters
    check_missing_parameters
    read_mounts
    check_note="given:${parameters_given:- none}"
}

doctor_check_whose() {
    check_whose everything
    check_note="nothing of somebody else carries the name $target"
}

# NAME FUNCTION. The function adds faults, and may leave a word of its own in check_note and one that warns in check_warning.
doctor_check() {
    begin_faults
    check_note='' check_warning=''
    "$2"
    if [ "$faults" -eq 0 ]; then
        printf '%s|ok|%s\n' "$1" "$check_note" >>"$work/doctor"
        [ -z "$check_warning" ] || printf '%s|warn|%s\n' "$1" "$check_warning" >>"$work/doctor"
    else
        doctor_failed=yes
        sed "s/^/$1|fail|/" "$work/faults" >>"$work/doctor"
    fi
}

doctor_text() {
    while IFS='|' read -r check_name check_state check_text; do
        case $check_state/$check_text in
        ok/*) printf 'ok    %-11s %s\n' "$check_name" "$check_text" ;;
        warn/*) printf 'warn  %-11s %s\n' "$check_name" "$check_text" ;;
        */hint:*) printf '                  %s\n' "$check_text" ;;
        *) printf 'FAIL  %-11s %s\n' "$check_name" "${check_text#error: }" ;;
        esac
    done <"$work/doctor" | sed 's/ *$//'
}

# {"checks": [{"check", "ok", "text"}]}: a failed check has one entry for each line of its faults and hints.
doctor_json() {
    printf '{"checks": ['
    json_next=''
    while IFS='|' read -r check_name check_state check_text; do
        printf '%s\n  {"check": %s, "ok": ' "$json_next" "$(json_string "$check_name")"
        if [ "$check_state" = fail ]; then printf false; else printf true; fi
        printf ', "text": %s}' "$(json_string "$check_text")"
        json_next=,
    done <"$work/doctor"
    printf '\n]}\n'
}
