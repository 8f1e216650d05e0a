# shellcheck shell=sh disable=SC2016
# Objects that a release brings as they are: what differs between the records and the target, and what is taken from a record.

test_additions_are_compared_by_name_and_digest() {
    work=$box
    printf '%s\n' 'ConfigMap/new|configmaps|aa' 'ConfigMap/other|configmaps|bb' 'ConfigMap/same|configmaps|cc' >"$box/additions"
    printf '%s\n' 'ConfigMap/other|00' 'ConfigMap/same|cc' 'Widget/old|dd' >"$box/additions.live"
    (. "$entrypoint/lib/additions.sh" && list_addition_changes) >"$box/out"
    expect_content "$box/out" 'ConfigMap/new|create
ConfigMap/other|change
Widget/old|remove'
}

test_a_target_without_objects_gets_all_of_them() {
    work=$box
    printf '%s\n' 'ConfigMap/new|configmaps|aa' >"$box/additions"
    : >"$box/additions.live"
    (. "$entrypoint/lib/additions.sh" && list_addition_changes) >"$box/out"
    expect_content "$box/out" 'ConfigMap/new|create'
}

test_a_record_of_an_addition_holds_nothing_that_a_shell_would_read() {
    for record in "addition 'ConfigMap/a;b' resource='configmaps' definition='aa'" "addition 'ConfigMap/a' resource='config maps' definition='aa'" \
        "addition 'ConfigMap/a' resource='configmaps' definition='\$(id)'"; do
        printf '%s\n' "$record" >"$box/release"
        (root=$entrypoint work=$box && . "$entrypoint/lib/gate.sh" && list_refused release "$box/release") >"$box/out"
        expect_match "$box/out" 'an invalid'
    done
    printf '%s\n' "addition 'PrometheusRule/a.b' resource='prometheusrules.monitoring.coreos.com' definition='0a'" >"$box/release"
    (root=$entrypoint work=$box && . "$entrypoint/lib/gate.sh" && list_refused release "$box/release") >"$box/out"
    expect_content "$box/out" ''
}
