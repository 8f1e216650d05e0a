//! The chapter of the container: what runs in it, how it starts, ends and is watched.

use super::rows;

rows! {
    "services.*" where NAMED_UNLIKE_A_HOST {
        compose native
        swarm native
        kubernetes lossy "the service is called in small letters, with `-` for `_` and `.`, and with an `s` before a digit: who reaches it by its name, as in a URL, has to call it so"
            "give the service a name of small letters, digits and `-`"
    }
    "services.*" where NAMED_WITH_DOTS {
        compose native
        swarm emulated "the service is called with `-` for `.`; others find it under its own name as well"
        kubernetes lossy "the service is called in small letters, with `-` for `_` and `.`, and with an `s` before a digit: who reaches it by its name, as in a URL, has to call it so"
            "give the service a name of small letters, digits and `-`"
    }
    "services.*.image" { compose native swarm native kubernetes native }
    "services.*.command" { compose native swarm native kubernetes native }
    "services.*.command" where USES_A_PARAMETER {
        compose native
        swarm emulated "the entrypoint hands the values over with the stack file"
        kubernetes emulated "`$(NAME)`, from a Secret that the entrypoint makes"
    }
    "services.*.entrypoint" { compose native swarm native kubernetes native }
    "services.*.entrypoint" where USES_A_PARAMETER {
        compose native
        swarm emulated "the entrypoint hands the values over with the stack file"
        kubernetes emulated "`$(NAME)`, from a Secret that the entrypoint makes"
    }
    "services.*.environment" { compose native swarm native kubernetes native }
    "services.*.environment" where USES_A_PARAMETER {
        compose native
        swarm emulated "the entrypoint hands the values over with the stack file"
        kubernetes emulated "`$(NAME)`, from a Secret that the entrypoint makes"
    }
    "services.*.env_file" {
        compose emulated "read at build, merged under `environment`"
        swarm emulated "read at build, merged under `environment`"
        kubernetes emulated "read at build, merged under `environment`"
    }
    "services.*.profiles" {
        compose emulated "decided at build, by environment"
        swarm emulated "decided at build, by environment"
        kubernetes emulated "decided at build, by environment"
    }
    "services.*.working_dir" { compose native swarm native kubernetes native }
    "services.*.user" where A_NUMBER { compose native swarm native kubernetes native }
    "services.*.user" where A_NAME {
        compose native
        swarm native
        kubernetes lossy "only the image knows the name, and Kubernetes takes numbers: the image's own user runs"
            "write the number, as in `user = \"1000:1000\"`"
    }
    "services.*.hostname" { compose native swarm native kubernetes native }
    "services.*.domainname" {
        compose native
        swarm lossy "`docker stack deploy` ignores it" "leave it out; services are found by their names"
        kubernetes lossy "a pod is in the domain of its namespace" "leave it out; services are found by their names"
    }
    "services.*.labels" {
        compose native
        swarm native
        kubernetes emulated "labels of the pod, and annotations where a value is too much for a label"
    }
    "services.*.annotations" {
        compose native >= Engine "24.0", Compose "2.18"
        swarm lossy "containers of a stack have no annotations" "write `labels`"
        kubernetes native
    }
    "services.*.init" = "true" {
        compose native
        swarm native
        kubernetes lossy "there is no init process: the program is process 1 and must collect its children"
            "put an init such as tini into the image"
    }
    "services.*.init" = "false" { compose native swarm native kubernetes native }
    "services.*.stdin_open" { compose native swarm native kubernetes native }
    "services.*.tty" { compose native swarm native kubernetes native }
    "services.*.stop_grace_period" { compose native swarm native kubernetes native }
    "services.*.stop_signal" {
        compose native
        swarm native
        kubernetes lossy "the image's own STOPSIGNAL is sent, SIGTERM when it has none" "set STOPSIGNAL in the image"
    }
    "services.*.restart" where ALWAYS_AND_NO_JOB {
        compose native
        swarm emulated "by `deploy.restart_policy`"
        kubernetes native
    }
    "services.*.restart" where ON_FAILURE_AND_NO_JOB {
        compose native
        swarm emulated "by `deploy.restart_policy`"
        kubernetes lossy "a service that ends with 0 is started again too"
            "make it a job (`deploy.mode = \"replicated-job\"`), or keep the program running"
    }
    "services.*.restart" where NO_AND_NO_JOB {
        compose native
        swarm emulated "by `deploy.restart_policy`"
        kubernetes lossy "a service that ends is started again" "make it a job (`deploy.mode = \"replicated-job\"`)"
    }
    "services.*.restart" where OF_A_JOB {
        compose emulated "a job runs once; `up` runs a failed one again"
        swarm emulated "a job runs once; `up` runs a failed one again"
        kubernetes emulated "a job runs once; `up` runs a failed one again"
    }
    "services.*.pull_policy" = "missing" | "if_not_present" { compose native swarm native kubernetes native }
    "services.*.pull_policy" = "always" {
        compose native
        swarm emulated "the entrypoint resolves the tag at every `up`"
        kubernetes native
    }
    "services.*.pull_policy" = "never" {
        compose native
        swarm lossy "a node fetches what it does not have" "leave it out, and bring the image to every node before"
        kubernetes native
    }
    "services.*.platform" {
        compose native
        swarm lossy "a node takes the variant of its own platform"
            "choose nodes with `deploy.placement.constraints = [\"node.platform.arch == x86_64\"]`"
        kubernetes emulated "by node selector"
    }
    "services.*.runtime" {
        compose native
        swarm impossible "a stack cannot choose the runtime of a container"
            "make it the default runtime of the nodes, and leave it out"
        kubernetes emulated "the RuntimeClass of that name"
    }
    "services.*.logging" {
        compose native
        swarm native
        kubernetes lossy "the nodes of the cluster decide where output goes and how long it is kept" "leave it to the cluster"
    }
    "services.*.healthcheck.test" where HEALTH_CHECK {
        compose native
        swarm native
        kubernetes emulated "a readiness and a startup probe run the same command; one that is not ready gets no requests and is not restarted, but by `kubernetes.liveness = true`"
    }
    "services.*.healthcheck.test" where NO_HEALTH_CHECK {
        compose native
        swarm native
        kubernetes emulated "no probes: the image's own health check is never run"
    }
    "services.*.healthcheck.interval" { compose native swarm native kubernetes emulated "the period of the probes, in whole seconds" }
    "services.*.healthcheck.timeout" { compose native swarm native kubernetes emulated "the time-out of the probes, in whole seconds" }
    "services.*.healthcheck.retries" { compose native swarm native kubernetes emulated "the failure threshold of the probes" }
    "services.*.healthcheck.start_period" { compose native swarm native kubernetes emulated "a startup probe" }
    "services.*.healthcheck.start_interval" {
        compose native >= Engine "25.0", Compose "2.20.2"
        swarm native >= Engine "25.0"
        kubernetes emulated "the period of the startup probe, in whole seconds"
    }
    "services.*.healthcheck.disable" where NO_HEALTH_CHECK {
        compose native
        swarm native
        kubernetes emulated "no probes: the image's own health check is never run"
    }
    "services.*.depends_on" {
        compose emulated "the entrypoint starts wave by wave"
        swarm emulated "the entrypoint starts wave by wave"
        kubernetes emulated "the entrypoint starts wave by wave"
    }
    "services.*.depends_on.*.restart" = "true" {
        compose native
        swarm lossy "the service is not restarted with the one it waits for"
            "let the program connect again by itself, and leave it out"
        kubernetes lossy "the service is not restarted with the one it waits for"
            "let the program connect again by itself, and leave it out"
    }
    "services.*.depends_on.*.required" {
        compose emulated "decided at build, by environment"
        swarm emulated "decided at build, by environment"
        kubernetes emulated "decided at build, by environment"
    }
}
