# shellcheck shell=sh disable=SC2016
# What doctor says of a cluster that is there and all right, but not quite.

# shellcheck source=SCRIPTDIR/kubernetes.sh
. "$tests/cases/kubernetes.sh"

test_cluster_doctor_warns_of_a_kubectl_that_is_too_far_from_its_server() {
    cluster_is_up
    printf '{"serverVersion": {\n"gitVersion": "v1.38.0+k3s1"}}\n' | answer 'version -o json' 0
    bootstrap doctor production
    expect_code 0
    expect_output 'ok    engine      Kubernetes v1.38.0+k3s1, namespace shop-production'
    expect_output 'warn  engine      kubectl 1.36.4 is supported for servers up to one minor version older or newer, and this one is 1.38.0+k3s1'
    bootstrap doctor production --output json
    expect_code 0
    expect_output '{"check": "engine", "ok": true, "text": "kubectl 1.36.4 is supported'
}

test_cluster_doctor_is_content_one_minor_version_apart() {
    cluster_is_up
    for near in v1.35.0 v1.36.9 v1.37.1; do
        rm -f "$box/docker/answers"/*
        printf '{"serverVersion": {\n"gitVersion": "%s"}}\n' "$near" | answer 'version -o json' 0
        bootstrap doctor production
        expect_code 0
        expect_no_output 'warn '
    done
}
