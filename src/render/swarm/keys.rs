//! What becomes of each key of a Compose service in a stack.
//!
//! The tables follow `docker stack deploy`: its schema, and what `cli/compose/convert` of the Docker CLI makes of it.

/// Keys that mean in a stack what they mean in Compose.
pub(super) const KEPT: &[&str] = &[
    "cap_add",
    "cap_drop",
    "command",
    "dns",
    "dns_search",
    "entrypoint",
    "healthcheck",
    "hostname",
    "init",
    "isolation",
    "oom_score_adj",
    "read_only",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "sysctls",
    "tty",
    "user",
    "working_dir",
];

/// Keys that are written in another way, by [`super::service`].
pub(super) const REWRITTEN: &[&str] = &[
    "configs",
    "cpus",
    "deploy",
    "environment",
    "extra_hosts",
    "image",
    "labels",
    "logging",
    "mem_limit",
    "mem_reservation",
    "networks",
    "pids_limit",
    "ports",
    "restart",
    "secrets",
    "tmpfs",
    "ulimits",
    "volumes",
];

/// Keys that the entrypoint does, or that say nothing to a stack: the order of start, when to pull, ports that need no opening.
#[cfg(test)]
const EMULATED: &[&str] = &["depends_on", "env_file", "expose", "profiles", "pull_policy"];

/// Keys that a stack does not take, or that `docker stack deploy` passes over: they are left out. Whether that may be is not decided here.
#[cfg(test)]
const LEFT_OUT: &[&str] = &[
    "annotations",
    "blkio_config",
    "cgroup",
    "cgroup_parent",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpuset",
    "device_cgroup_rules",
    "devices",
    "dns_opt",
    "domainname",
    "gpus",
    "group_add",
    "ipc",
    "mac_address",
    "mem_swappiness",
    "memswap_limit",
    "network_mode",
    "oom_kill_disable",
    "pid",
    "platform",
    "privileged",
    "runtime",
    "security_opt",
    "shm_size",
    "storage_opt",
    "userns_mode",
    "uts",
];

/// Where a key's table is narrower in a stack than in Compose: the path below a service, and the keys that are taken there. `*` is any key.
pub(super) const NARROWED: &[(&[&str], &[&str])] = &[
    (
        &["deploy"],
        &[
            "endpoint_mode",
            "labels",
            "mode",
            "placement",
            "replicas",
            "resources",
            "restart_policy",
            "rollback_config",
            "update_config",
        ],
    ),
    (&["deploy", "resources"], &["limits", "reservations"]),
    (&["deploy", "resources", "limits"], &["cpus", "memory", "pids"]),
    (&["deploy", "resources", "reservations"], &["cpus", "generic_resources", "memory"]),
    (&["healthcheck"], &["disable", "interval", "retries", "start_interval", "start_period", "test", "timeout"]),
    (&["networks", "*"], &["aliases", "driver_opts"]),
    (&["ports", "*"], &["mode", "protocol", "published", "target"]),
    (&["volumes", "*"], &["bind", "consistency", "read_only", "source", "target", "tmpfs", "type", "volume"]),
    (&["volumes", "*", "bind"], &["propagation"]),
    (&["volumes", "*", "tmpfs"], &["size"]),
    (&["volumes", "*", "volume"], &["nocopy"]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value as Json;

    use super::*;

    fn properties(schema: &Json) -> BTreeSet<&str> {
        schema["properties"].as_object().expect("properties").keys().map(String::as_str).collect()
    }

    #[test]
    fn every_key_of_compose_has_one_fate() {
        let schema: Json =
            serde_json::from_str(include_str!("../../../templates/compose/compose-spec.json")).expect("JSON");
        let parts = ["service", "container_spec", "workload_spec"].map(|part| properties(&schema["$defs"][part]));
        let of_compose: BTreeSet<_> = parts.into_iter().flatten().collect();
        let lists = [KEPT, REWRITTEN, EMULATED, LEFT_OUT];
        let ours: BTreeSet<_> = lists.into_iter().flatten().copied().collect();
        assert_eq!(ours.len(), lists.iter().map(|list| list.len()).sum::<usize>(), "no key stands in two lists");
        assert!(ours.is_subset(&of_compose), "{:?}", ours.difference(&of_compose));
    }

    #[test]
    fn a_stack_takes_what_is_kept() {
        let schema: Json =
            serde_json::from_str(include_str!("../../../templates/swarm/stack-schema.json")).expect("JSON");
        let of_stack = properties(&schema["definitions"]["service"]);
        let kept: BTreeSet<_> = KEPT.iter().copied().collect();
        assert!(kept.is_subset(&of_stack), "{:?}", kept.difference(&of_stack));
    }
}
