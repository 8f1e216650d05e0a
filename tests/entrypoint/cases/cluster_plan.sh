# shellcheck shell=sh disable=SC2016
# What plan says of changes on Kubernetes: in the words of the spec, as on every platform.

test_cluster_plan_names_changes_as_the_spec_does() {
    use_driver kubernetes
    {
        echo 'spec.template.spec.containers.1.image|web:1|web:2'
        echo 'spec.template.spec.containers.1.args.4|(none)|--tips'
        echo 'spec.template.spec.containers.1.command.1|/init|/start'
        echo 'spec.template.spec.containers.1.env.RELEASE.name||RELEASE'
        echo 'spec.template.spec.containers.1.env.RELEASE.value|1|2'
        echo 'spec.template.spec.nodeSelector.pool|a|b'
    } >"$box/changes"
    (. "$entrypoint/driver/kubernetes/driver-run.sh"; driver_name_changes <"$box/changes") >"$box/out"
    expect_content "$box/out" 'image|web:1|web:2
command.4|(none)|--tips
entrypoint.1|/init|/start
environment.RELEASE|1|2
nodeSelector.pool|a|b'
}
