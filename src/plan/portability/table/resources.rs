//! The chapter of the kernel: resources, rights, namespaces and devices of a container.

use super::rows;

rows! {
    "services.*.cpus" {
        compose native
        swarm emulated "as `deploy.resources.limits.cpus`"
        kubernetes emulated "as the limit of CPU"
    }
    "services.*.mem_limit" {
        compose native
        swarm emulated "as `deploy.resources.limits.memory`"
        kubernetes emulated "as the limit of memory"
    }
    "services.*.mem_reservation" {
        compose native
        swarm emulated "as `deploy.resources.reservations.memory`"
        kubernetes emulated "as the request of memory"
    }
    "services.*.pids_limit" {
        compose native
        swarm emulated "as `deploy.resources.limits.pids`"
        kubernetes lossy "the nodes decide how many processes a pod may have" "set `podPidsLimit` of the kubelets"
    }
    "services.*.cpu_count" {
        compose native
        swarm lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
        kubernetes lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
    }
    "services.*.cpu_percent" {
        compose native
        swarm lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
        kubernetes lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
    }
    "services.*.cpu_period" {
        compose native
        swarm lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
        kubernetes lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
    }
    "services.*.cpu_quota" {
        compose native
        swarm lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
        kubernetes lossy "nothing limits the CPUs" "write `deploy.resources.limits.cpus`"
    }
    "services.*.cpu_rt_period" {
        compose native
        swarm lossy "the program runs without real-time scheduling" "leave it out"
        kubernetes lossy "the program runs without real-time scheduling" "leave it out"
    }
    "services.*.cpu_rt_runtime" {
        compose native
        swarm lossy "the program runs without real-time scheduling" "leave it out"
        kubernetes lossy "the program runs without real-time scheduling" "leave it out"
    }
    "services.*.cpu_shares" {
        compose native
        swarm lossy "all containers have the same weight" "write `deploy.resources.reservations.cpus`"
        kubernetes lossy "the request of CPU is the weight" "write `deploy.resources.reservations.cpus`"
    }
    "services.*.cpuset" {
        compose native
        swarm lossy "the program runs on all CPUs of the node" "limit the number with `deploy.resources.limits.cpus`"
        kubernetes lossy "the program runs on all CPUs of the node" "limit the number with `deploy.resources.limits.cpus`"
    }
    "services.*.blkio_config" {
        compose native
        swarm lossy "nothing limits or weighs the disk" "leave it out"
        kubernetes lossy "nothing limits or weighs the disk" "leave it out"
    }
    "services.*.mem_swappiness" {
        compose native
        swarm lossy "the nodes decide about swap" "leave it out"
        kubernetes lossy "the nodes decide about swap" "leave it out"
    }
    "services.*.memswap_limit" {
        compose native
        swarm lossy "the nodes decide about swap" "leave it out"
        kubernetes lossy "the nodes decide about swap" "leave it out"
    }
    "services.*.oom_kill_disable" {
        compose native
        swarm lossy "a program that takes too much memory is ended" "leave it out"
        kubernetes lossy "a program that takes too much memory is ended" "leave it out"
    }
    "services.*.oom_score_adj" {
        compose native
        swarm native >= Engine "27.0"
        kubernetes lossy "requests and limits decide the score" "reserve memory with `deploy.resources.reservations.memory`"
    }
    "services.*.shm_size" {
        compose native
        swarm lossy "/dev/shm has the engine's 64 MB"
            "mount it: `volumes = [{ type = \"tmpfs\", target = \"/dev/shm\", tmpfs = { size = 268435456 } }]`"
        kubernetes emulated "an emptyDir of memory at /dev/shm"
    }
    "services.*.storage_opt" {
        compose native
        swarm lossy "nothing limits what the container writes" "leave it out, and write into volumes"
        kubernetes lossy "nothing limits what the container writes"
            "set a limit of ephemeral storage in `[services.NAME.kubernetes] patch`"
    }
    "services.*.ulimits" {
        compose native
        swarm native
        kubernetes lossy "the limits of the container runtime hold"
            "set them on the nodes, or call `ulimit` where the program starts"
    }
    "services.*.sysctls" where SAFE_SYSCTLS { compose native swarm native kubernetes native }
    "services.*.sysctls" where UNSAFE_SYSCTLS {
        compose native
        swarm native
        kubernetes lossy "the pod starts only where the kubelet allows these sysctls"
            "list them in `allowedUnsafeSysctls` of the kubelets"
    }
    "services.*.read_only" { compose native swarm native kubernetes native }
    "services.*.privileged" = "true" {
        compose native
        swarm impossible "a stack has no privileged containers" "name what it needs in `cap_add`"
        kubernetes native
    }
    "services.*.privileged" = "false" { compose native swarm native kubernetes native }
    "services.*.cap_add" { compose native swarm native kubernetes native }
    "services.*.cap_drop" { compose native swarm native kubernetes native }
    "services.*.security_opt.*" where NO_NEW_PRIVILEGES {
        compose native
        swarm lossy "`docker stack deploy` ignores it: a program may gain rights by setuid files"
            "set `no-new-privileges` for the daemons of the nodes"
        kubernetes native
    }
    "services.*.security_opt.*" where KNOWN_PROFILE {
        compose native
        swarm lossy "`docker stack deploy` ignores it: the profiles of the daemon hold"
            "set the profile for the daemons of the nodes"
        kubernetes native
    }
    "services.*.security_opt.*" where OTHER_PROFILE {
        compose native
        swarm lossy "`docker stack deploy` ignores it: the profiles of the daemon hold"
            "set the profile for the daemons of the nodes"
        kubernetes lossy "the profile of the container runtime holds"
            "name a profile of the nodes in `[services.NAME.kubernetes] patch`"
    }
    "services.*.group_add.*" where A_NUMBER {
        compose native
        swarm impossible "a stack gives a process no further groups" "make the group the first one: `user = \"UID:GID\"`"
        kubernetes native
    }
    "services.*.group_add.*" where A_NAME {
        compose native
        swarm impossible "a stack gives a process no further groups" "make the group the first one: `user = \"UID:GID\"`"
        kubernetes impossible "only the image knows the name, and Kubernetes takes numbers" "write the number of the group"
    }
    "services.*.userns_mode" {
        compose native
        swarm lossy "the daemon of the node decides about user namespaces" "leave it out"
        kubernetes native
    }
    "services.*.pid" = "host" {
        compose native
        swarm impossible "a stack has no access to the processes of the node" "run the program on the nodes without a stack"
        kubernetes native
    }
    "services.*.pid" != "host" {
        compose native
        swarm impossible "two services of a stack share no processes" "put both programs into one service"
        kubernetes impossible "two pods share no processes" "put both programs into one service"
    }
    "services.*.ipc" = "host" {
        compose native
        swarm impossible "a stack has no access to the shared memory of the node" "run the program on the nodes without a stack"
        kubernetes native
    }
    "services.*.ipc" = "private" | "none" | "shareable" { compose native swarm native kubernetes native }
    "services.*.ipc" != "host" | "private" | "none" | "shareable" {
        compose native
        swarm impossible "two services of a stack share no memory" "put both programs into one service"
        kubernetes impossible "two pods share no memory" "put both programs into one service"
    }
    "services.*.uts" {
        compose native >= Compose "2.15.1"
        swarm lossy "the container has a host name of its own" "leave it out, or set `hostname`"
        kubernetes lossy "the pod has a host name of its own" "leave it out, or set `hostname`"
    }
    "services.*.cgroup" {
        compose native >= Compose "2.16"
        swarm lossy "the daemon of the node decides about the cgroup namespace" "leave it out"
        kubernetes lossy "the container runtime decides about the cgroup namespace" "leave it out"
    }
    "services.*.cgroup_parent" {
        compose native
        swarm lossy "`docker stack deploy` ignores it" "leave it out"
        kubernetes lossy "the kubelet orders the cgroups" "leave it out"
    }
    "services.*.isolation" {
        compose native
        swarm native
        kubernetes lossy "the container runtime decides how containers are kept apart" "leave it out"
    }
    "services.*.devices" {
        compose native
        swarm impossible "a stack hands no device to a container" "keep it to an environment of Compose"
        kubernetes impossible "devices are handed out by device plugins alone"
            "ask for the plugin's resource in `[services.NAME.kubernetes] patch`, and keep this to an environment of Compose"
    }
    "services.*.device_cgroup_rules" {
        compose native
        swarm impossible "a stack hands no device to a container" "keep it to an environment of Compose"
        kubernetes impossible "devices are handed out by device plugins alone"
            "ask for the plugin's resource in `[services.NAME.kubernetes] patch`, and keep this to an environment of Compose"
    }
    "services.*.gpus" {
        compose native >= Compose "2.30"
        swarm impossible "a stack knows GPUs as generic resources of the nodes alone"
            "write `deploy.resources.reservations.generic_resources`"
        kubernetes impossible "GPUs are handed out by device plugins, each under a name of its own"
            "ask for `nvidia.com/gpu` or the like in `[services.NAME.kubernetes] patch`, and keep this to an environment of Compose"
    }
}
