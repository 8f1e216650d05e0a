# shellcheck shell=sh disable=SC2016
# Whose objects these are, on Kubernetes: what has a name of the release in our namespace, whatever its kind. kubernetes.sh has the cluster.

# What is in the namespace: KIND|NAME|PROJECT|ENVIRONMENT|SERVICE lines on standard input.
others_are_there() {
    answer 'get deployments.apps*{{.kind}}|{{.metadata.name}}|*' 0
}

expect_nothing_applied() {
    expect_no_call '^\[\(apply\|delete\|label\|create\]\[-f\)\]'
    expect_no_match "$box/docker/calls" '^\[apply\].*\[-f\]'
}

test_kubernetes_what_has_a_name_of_the_release_is_refused_whatever_its_kind() {
    use_kubernetes
    for kind in Service:database NetworkPolicy:default-deny ServiceAccount:shop Secret:bootsmith-rel.0001 ConfigMap:bootsmith-baseline StatefulSet:database; do
        rm -f "$box/docker/answers/"*
        printf '%s|%s|||\n' "${kind%:*}" "${kind#*:}" | others_are_there
        for called in up plan; do
            DB_PASSWORD=pw bootstrap "$called" production
            expect_equal "$kind $called 3" "$kind $called $code"
            named=$(printf '%s' "${kind%:*}" | tr 'A-Z' 'a-z')
            expect_error "the $named \`${kind#*:}\` has a name of this product, but belongs to no bootstrap image"
            expect_error "rename or remove it: kubectl -n shop-production delete $named ${kind#*:}"
        done
        DB_PASSWORD=pw bootstrap up production --adopt
        expect_equal "$kind adopt 3" "$kind adopt $code"
    done
    expect_nothing_applied
}

# Also when the product runs.
test_kubernetes_what_comes_later_is_refused_too() {
    cluster_is_up
    echo 'Service|database|||' | others_are_there
    DB_PASSWORD=pw PORT=81 bootstrap up production
    expect_code 3
    expect_error 'the service `database` has a name of this product'
    DB_PASSWORD=pw bootstrap doctor production
    expect_code 3
    expect_output 'FAIL  objects     the service `database`'
}

# A StatefulSet uses the claim of the name that it wants, with what is in it.
test_kubernetes_a_claim_of_our_name_is_taken_over_with_its_data() {
    use_kubernetes
    cluster_after
    printf 'PersistentVolumeClaim|dbdata-database-0|||\nPersistentVolumeClaim|dbdata-database-x|||\nPersistentVolumeClaim|dbdata|||\n' | others_are_there
    DB_PASSWORD=pw bootstrap up production
    expect_code 3
    expect_error 'the volume `dbdata-database-0` belongs to no bootstrap image, and may hold data'
    expect_no_error 'dbdata-database-x'
    expect_no_error '`dbdata`'
    expect_error 'take it over, with its data: up production --adopt; or remove it: kubectl -n shop-production delete persistentvolumeclaim dbdata-database-0'
    DB_PASSWORD=pw bootstrap up production --adopt --dry-run
    expect_output 'volume dbdata-database-0: take over'
    expect_nothing_applied
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 0
    expect_error 'volume dbdata-database-0: taken over'
    expect_call '^\[label\]\[--overwrite\]\[persistentvolumeclaim\]\[dbdata-database-0\]\[io.bootsmith.project=shop\]\[io.bootsmith.environment=production\]$'
}

test_kubernetes_what_another_product_has_here_is_refused() {
    use_kubernetes
    echo 'PersistentVolumeClaim|files|wiki|production|web' | others_are_there
    DB_PASSWORD=pw bootstrap up production --adopt
    expect_code 3
    expect_error 'the volume `files` belongs to another product: project `wiki`, environment `production`'
    expect_nothing_applied
}

# What has other names, or is ours, is nobody's business; and who starts what is there lists workloads alone.
test_kubernetes_other_names_stay_as_they_are() {
    cluster_is_up
    printf '%s\n' 'Service|mail|||' 'ConfigMap|kube-root-ca.crt|||' 'Secret|tls|||' 'ServiceAccount|default|||' 'Deployment|mail|||' \
        'Service|database|shop|production|database' 'PersistentVolumeClaim|dbdata-database-0|shop|production|database' | others_are_there
    DB_PASSWORD=pw PORT=81 bootstrap up production
    expect_code 0
    expect_call '^\[get\]\[deployments.apps.*,services,.*,secrets\]'
    : >"$box/docker/calls"
    bootstrap stop production --dry-run
    expect_code 0
    bootstrap ps production
    expect_code 0
    expect_no_call '^\[get\]\[deployments.apps.*,services,.*{{.kind}}'
}
