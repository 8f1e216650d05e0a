//! The chapter of `deploy`: how many replicas run, where, and how they are replaced.

use super::rows;

rows! {
    "services.*.deploy.mode" = "replicated" { compose native swarm native kubernetes native }
    "services.*.deploy.mode" = "global" {
        compose emulated "one engine is one node: it runs once"
        swarm native
        kubernetes native
    }
    "services.*.deploy.mode" = "replicated-job" {
        compose emulated "the entrypoint runs it once and waits for its end"
        swarm native
        kubernetes native
    }
    "services.*.deploy.mode" = "global-job" {
        compose emulated "one engine is one node: it runs once"
        swarm native
        kubernetes impossible "a Job does not run once on every node"
            "make it `replicated-job`, or a `global` service that waits after its work"
    }
    "services.*.deploy.replicas" {
        compose emulated "the entrypoint keeps the number"
        swarm native
        kubernetes emulated "the entrypoint keeps the number"
    }
    "services.*.deploy.labels" {
        compose lossy "Compose has no services that could be labelled apart from containers" "write `labels`"
        swarm native
        kubernetes emulated "labels of the workload, and annotations where a value is too much for a label"
    }
    "services.*.deploy.endpoint_mode" = "vip" {
        compose emulated "the name stands for the addresses of all replicas"
        swarm native
        kubernetes native
    }
    "services.*.deploy.endpoint_mode" = "dnsrr" {
        compose native
        swarm native
        kubernetes emulated "a headless Service"
    }
    "services.*.deploy.placement.constraints.*" where LABEL_OR_ROLE {
        compose emulated "one engine is the only node there is"
        swarm native
        kubernetes emulated "by node affinity"
    }
    "services.*.deploy.placement.constraints.*" where OTHER_OF_A_NODE {
        compose emulated "one engine is the only node there is"
        swarm native
        kubernetes impossible "nodes of Kubernetes have labels, and nothing else to choose by"
            "label the nodes, and write `node.labels.NAME == VALUE`"
    }
    "services.*.deploy.placement.preferences.*.spread" where LABEL_OR_ROLE {
        compose emulated "one engine is the only node there is"
        swarm native
        kubernetes emulated "by topology spread constraints"
    }
    "services.*.deploy.placement.preferences.*.spread" where OTHER_OF_A_NODE {
        compose emulated "one engine is the only node there is"
        swarm native
        kubernetes lossy "replicas are not spread by it" "label the nodes, and write `node.labels.NAME`"
    }
    "services.*.deploy.placement.max_replicas_per_node" where ENOUGH_FOR_REPLICAS {
        compose native
        swarm native
        kubernetes native
    }
    "services.*.deploy.placement.max_replicas_per_node" where ONE_OF_SOME_REPLICAS {
        compose lossy "all replicas run on the one engine" "give the environment of Compose fewer replicas"
        swarm native
        kubernetes emulated "by pod anti-affinity"
    }
    "services.*.deploy.placement.max_replicas_per_node" where FEWER_THAN_REPLICAS {
        compose lossy "all replicas run on the one engine" "give the environment of Compose fewer replicas"
        swarm native
        kubernetes lossy "a node may run all replicas" "let it be 1, or write a topology spread constraint in `[services.NAME.kubernetes] patch`"
    }
    "services.*.deploy.resources.limits.cpus" { compose native swarm native kubernetes native }
    "services.*.deploy.resources.limits.memory" { compose native swarm native kubernetes native }
    "services.*.deploy.resources.limits.pids" {
        compose native
        swarm native
        kubernetes lossy "the nodes decide how many processes a pod may have" "set `podPidsLimit` of the kubelets"
    }
    "services.*.deploy.resources.reservations.cpus" {
        compose lossy "nothing is kept free on one engine" "leave it out where Compose is built, or limit the other services"
        swarm native
        kubernetes native
    }
    "services.*.deploy.resources.reservations.memory" { compose native swarm native kubernetes native }
    "services.*.deploy.resources.reservations.generic_resources" {
        compose lossy "an engine counts no resources of its own making" "name the device in an environment of Compose"
        swarm native
        kubernetes impossible "a resource has the name that its device plugin gives it"
            "ask for it in `[services.NAME.kubernetes] patch`, and keep this to an environment of Swarm"
    }
    "services.*.deploy.resources.reservations.devices" {
        compose native
        swarm impossible "a stack hands no device to a container" "write `generic_resources`"
        kubernetes impossible "devices are handed out by device plugins, each under a name of its own"
            "ask for it in `[services.NAME.kubernetes] patch`, and keep this to an environment of Compose"
    }
    "services.*.deploy.restart_policy.condition" where ANY_AND_NO_JOB { compose native swarm native kubernetes native }
    "services.*.deploy.restart_policy.condition" where OF_A_JOB {
        compose emulated "a job runs once; `up` runs a failed one again"
        swarm native
        kubernetes emulated "a job is tried as often as `max_attempts` says; `up` runs a failed one again"
    }
    "services.*.deploy.restart_policy.condition" where ENDS_AND_NO_JOB {
        compose native
        swarm native
        kubernetes lossy "a service that ends is started again" "make it a job (`deploy.mode = \"replicated-job\"`)"
    }
    "services.*.deploy.restart_policy.delay" {
        compose lossy "the engine waits by its own rule, longer each time" "leave it out"
        swarm native
        kubernetes lossy "the kubelet waits by its own rule, longer each time" "leave it out"
    }
    "services.*.deploy.restart_policy.max_attempts" where OF_A_JOB {
        compose lossy "a job is tried once" "run `up` again, or let the program try again"
        swarm native
        kubernetes native
    }
    "services.*.deploy.restart_policy.max_attempts" where NO_JOB {
        compose native
        swarm native
        kubernetes lossy "a service is started again without end" "leave it out, and watch the restarts"
    }
    "services.*.deploy.restart_policy.window" {
        compose lossy "every end counts as an attempt" "leave it out"
        swarm native
        kubernetes lossy "the kubelet decides after how long a start counts" "leave it out"
    }
    "services.*.deploy.update_config.monitor" {
        compose emulated "the entrypoint watches every replica for that long"
        swarm native
        kubernetes emulated "the entrypoint watches every replica for that long"
    }
    "services.*.deploy.update_config.order" = "stop-first" { compose native swarm native kubernetes native }
    "services.*.deploy.update_config.order" where START_FIRST {
        compose lossy "a replica is ended before its successor starts" "plan for a short gap"
        swarm native
        kubernetes native
    }
    "services.*.deploy.update_config.order" where START_FIRST_WITH_VOLUMES {
        compose lossy "a replica is ended before its successor starts" "plan for a short gap"
        swarm native
        kubernetes lossy "a replica with a volume of its own is ended before its successor starts" "plan for a short gap"
    }
    "services.*.deploy.update_config.parallelism" {
        compose lossy "all replicas are replaced at once" "plan for a short gap"
        swarm native
        kubernetes emulated "the rolling update takes so many replicas at a time"
    }
    "services.*.deploy.update_config.delay" {
        compose lossy "all replicas are replaced at once" "plan for a short gap"
        swarm native
        kubernetes lossy "the next replica follows as soon as one is ready" "write `monitor`: so long a replica must be ready"
    }
    "services.*.deploy.update_config.failure_action" = "pause" { compose native swarm native kubernetes native }
    "services.*.deploy.update_config.failure_action" = "continue" {
        compose lossy "`up` fails when a replica does" "leave it out"
        swarm native
        kubernetes lossy "a rollout does not go on over replicas that fail" "leave it out"
    }
    "services.*.deploy.update_config.failure_action" = "rollback" {
        compose emulated "the entrypoint restores the last good revision"
        swarm native
        kubernetes emulated "the entrypoint restores the last good revision"
    }
    "services.*.deploy.update_config.max_failure_ratio" {
        compose lossy "`up` fails when one replica does" "leave it out"
        swarm native
        kubernetes lossy "a rollout waits until all replicas are there" "leave it out"
    }
    "services.*.deploy.rollback_config" {
        compose lossy "a release before is deployed like any other" "leave it out"
        swarm native
        kubernetes lossy "a release before is rolled out like any other" "leave it out"
    }
}
