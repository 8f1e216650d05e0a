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
    driver_read_state && driver_read_ledger && read_revisions
}

# What a deployment needs: parameters, secrets, external objects; adds faults.
check_deployment() {
    use_recorded_parameters "${parameters_revision:-$good_revision}"
    read_parameters
    check_missing_parameters
    read_mounts
    driver_check_externals
    [ -n "${restoring:-}" ] || check_whose everything
}

begin_faults() {
    faults=0
    : >"$work/faults"
}

refuse_faults() {
    [ "$faults" -gt 0 ] || return 0
    cat "$work/faults" >&2
    exit "$refusal_code"
}

# Every check by itself, and a line for each: nothing stops at the first fault.
command_doctor() {
    doctor_failed=''
    : >"$work/doctor"
    doctor_check tools driver_find_tools
    [ -n "$doctor_failed" ] || doctor_check engine driver_check_engine
    if [ -z "$doctor_failed" ]; then
        doctor_check state doctor_read_state
        [ -n "$doctor_failed" ] || doctor_check lock doctor_read_lock
        [ -n "$doctor_failed" ] || doctor_check parameters doctor_read_parameters
        doctor_check externals driver_check_externals
        doctor_check objects doctor_check_whose
    fi
    doctor_check logins driver_check_logins
    [ -n "$doctor_failed" ] || doctor_check disk driver_describe_disk
    if [ "$option_output" = json ]; then doctor_json; else doctor_text; fi
    [ -z "$doctor_failed" ] || exit "$EXIT_REFUSED"
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

# NAME FUNCTION. The function adds faults, and may leave a word of its own in check_note.
doctor_check() {
    begin_faults
    check_note=''
    "$2"
    if [ "$faults" -eq 0 ]; then
        printf '%s|ok|%s\n' "$1" "$check_note" >>"$work/doctor"
    else
        doctor_failed=yes
        sed "s/^/$1|fail|/" "$work/faults" >>"$work/doctor"
    fi
}

doctor_text() {
    while IFS='|' read -r check_name check_state check_text; do
        case $check_state/$check_text in
        ok/*) printf 'ok    %-11s %s\n' "$check_name" "$check_text" ;;
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
        if [ "$check_state" = ok ]; then printf true; else printf false; fi
        printf ', "text": %s}' "$(json_string "$check_text")"
        json_next=,
    done <"$work/doctor"
    printf '\n]}\n'
}
