# shellcheck shell=sh disable=SC2016
# Services with names as Compose has them: capitals, dots and `_`, numbers.

# The release with another name for `web`, in a manifest as it is rendered.
call_web() { # NAME VARIABLE
    for file in release compose.yaml stack.yaml run.yaml; do
        sed -i "s/service 'web'/service '$1'/; s/service='web'/service='$1'/; s/^  web:/  $1:/; s/_WEB\\b/_$2/g" "$box/root/environments/production/$file"
    done
}

web_after() { # NAME VARIABLE
    product_after
    sed -i "s/|web|@WEB@/|$1|@WEB@/; s/-web-/-$1-/" "$box/docker/after"
    sed -i "s/BOOTSMITH_DIGEST_WEB/BOOTSMITH_DIGEST_$2/" "$box/bin/docker"
}

test_variables_of_names_are_those_of_the_builder() {
    while read -r name variable; do
        (
            # shellcheck disable=SC2034 # read by what is sourced
            root=$box/root
            # shellcheck source=/dev/null
            . "$box/root/lib/release.sh"
            read_service_variable "$name"
            expect_equal "$name $variable" "$name $service_variable"
        ) || exit 1
    done <<'END'
web WEB
web-conf WEB_CONF
web_conf WEBuCONF
web.conf WEBdCONF
Web_Conf cWEBucCONF
My_Web.1 cMYucWEBd1
1.0 1d0
a-b A_B
A_B cAucB
a.b AdB
END
}

test_a_service_with_signs_is_operated_by_its_name() {
    call_web My_Web.1 cMYucWEBd1
    web_after My_Web.1 cMYucWEBd1
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_call '^\[compose\].*\[up\].*\[My_Web.1\]'
    bootstrap ps production
    expect_match "$box/out" '^My_Web\.1 .* 2/2'
    echo 'a line' | answer 'logs c3*' 0
    bootstrap logs My_Web.1 production
    expect_code 0
    expect_output '| a line'
    DB_PASSWORD=pw bootstrap scale My_Web.1=1 production
    expect_call 'io.bootsmith.service=My_Web.1'
    bootstrap restart MyXWeb.1 production
    expect_code 2
    expect_error 'did you mean `My_Web.1`?'
}

test_names_that_read_as_one_number_are_two() {
    call_web 1.0 1d0
    sed -n "s/^service '1.0'/service '01'/p" "$box/root/environments/production/release" >"$box/more"
    cat "$box/more" >>"$box/root/environments/production/release"
    sed -n '/^  1.0:/,/^$/p' "$box/root/environments/production/compose.yaml" | sed 's/1\.0:/"01":/; s/_1d0/_01/' >"$box/second"
    web_after 1.0 1d0
    sed -i '/^volumes:/,$d' "$box/root/environments/production/compose.yaml"
    cat "$box/second" >>"$box/root/environments/production/compose.yaml"
    DB_PASSWORD=pw bootstrap plan production
    expect_output '01: '
    expect_output '1.0: '
    bootstrap ps production
    expect_match "$box/out" '^1\.0 .* 0/2'
    expect_match "$box/out" '^01 .* 0/2'
}

test_kubernetes_calls_a_service_by_its_object() {
    use_kubernetes
    sed -i "s/service 'web' /service 'My_Web.1' object='my-web-1' /; s/service='web'/service='My_Web.1'/" "$box/root/environments/production/release"
    sed 's/name: web$/name: my-web-1/; s/service: web/service: my-web-1/; s/_WEB}/_cMYucWEBd1}/' \
        "$box/root/environments/production/kubernetes/service-web.yaml" >"$box/root/environments/production/kubernetes/service-My_Web.1.yaml"
    rm "$box/root/environments/production/kubernetes/service-web.yaml"
    {
        printf 'object=StatefulSet\tname=database\tservice=database\tcreated=2024-01-01T00:00:00Z\tdigest=@DIGEST@\tgeneration=1\tobserved=1\treplicas=1\tmade=1\tupdated=1\tuses=\n'
        printf 'object=Pod\tname=database-0\tservice=database\tcreated=2024-01-01T00:00:00Z\tdigest=@DIGEST@\tphase=Running\towner=StatefulSet/database\timage=docker.io/library/postgres:16.4\tReady=True\trunning=2024-01-01T00:00:00Z\trestarts=0\n'
        printf 'object=Job\tname=init-1\tservice=init\tcreated=2024-01-01T00:00:00Z\tdigest=@DIGEST@\tcompletions=1\tsucceeded=1\tComplete=True\timage=docker.io/library/postgres:16.4\n'
        printf 'object=DaemonSet\tname=agent\tservice=agent\tcreated=2024-01-01T00:00:00Z\tdigest=@DIGEST@\tgeneration=1\tobserved=1\tnodes=1\tupdated-nodes=1\tuses=\n'
        printf 'object=Pod\tname=agent-a\tservice=agent\tcreated=2024-01-01T00:00:00Z\tdigest=@DIGEST@\tphase=Running\towner=DaemonSet/agent\timage=registry.example.com/shop/agent:1.4.2\tReady=True\trunning=2024-01-01T00:00:00Z\trestarts=0\n'
        printf 'object=Deployment\tname=my-web-1\tservice=my-web-1\tcreated=2024-01-01T00:00:00Z\tdigest=@DIGEST@\tgeneration=1\tobserved=1\treplicas=2\tmade=2\tupdated=2\tuses=\n'
        for pod in a b; do
            printf 'object=Pod\tname=my-web-1-%s\tservice=my-web-1\tcreated=2024-01-01T00:00:00Z\tdigest=@DIGEST@\tphase=Running\towner=ReplicaSet/my-web-1\timage=registry.example.com/shop/web:1.4.2\tReady=True\trunning=2024-01-01T00:00:00Z\trestarts=0\n' "$pod"
        done
    } >"$box/docker/after"
    DB_PASSWORD=pw bootstrap up production
    expect_code 0
    expect_no_text "$box/docker/manifests/service-My_Web.1.yaml" '${BOOTSMITH_'
    expect_match "$box/docker/scales" '^  name: "my-web-1"'
    expect_match "$box/docker/manifests/service-My_Web.1.yaml" 'name: "values-my-web-1-[0-9a-f]*"'
    bootstrap ps production
    expect_match "$box/out" '^My_Web\.1 .* 2/2'
    bootstrap logs My_Web.1 production
    expect_call '^\[logs\]\[pod/my-web-1-a\]\[-c\]\[my-web-1\]'
    DB_PASSWORD=pw bootstrap scale My_Web.1=1 production
    expect_text "$box/docker/applied" 'name: "bootsmith-scale-my-web-1"'
    DB_PASSWORD=pw bootstrap run once production
    expect_text "$box/docker/patch" '"containers": [{"name": "my-web-1"'
}

test_names_of_the_gate() {
    # shellcheck source=/dev/null
    . "$box/root/lib/gate.sh"
    root=$box/root work=$box/work
    while IFS='|' read -r wanted line; do
        printf '%s\n' "$line" >"$box/line"
        expect_equal "$wanted|" "$(list_refused release "$box/line" | cut -d '|' -f 3)|"
    done <<'END'
|service 'My_Web.1' object='my-web-1' networks='Back.end default' joins='No'
|volume 'My_Data.1' name='x'
|network 'Back.end' name='x'
|constraint '1.0' 'node.id'
|script 'a' service='My_Web.1'
|migration 'a' service='My_Web.1'
|addition 'CronJob/report' resource='cronjobs.batch' service='My_Web.1'
an invalid name of a `service`|service '-a'
an invalid name of a `service`|service 'a/b'
an invalid name of a `service`|service 'a b'
an invalid name of a `service`|service '..'
an invalid `object` of a `service`|service 'a' object='$(x)'
an invalid `object` of a `service`|service 'a' object='a.b'
an invalid `networks` of a `service`|service 'a' networks='$x'
an invalid name of a `script`|script 'A'
END
}
