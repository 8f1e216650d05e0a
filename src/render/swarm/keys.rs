//! What becomes of each key of a Compose service in a stack.
//!
//! What no stack holds is listed in `left_out.rs`. The tables follow `docker stack deploy`: its schema, and what `cli/compose/convert` of the Docker CLI makes of it.

/// Keys that mean in a stack what they mean in Compose.
pub(in crate::render) const KEPT: &[&str] = &[
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
pub(in crate::render) const REWRITTEN: &[&str] = &[
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
    fn a_stack_takes_what_is_kept() {
        let schema: Json =
            serde_json::from_str(include_str!("../../../templates/swarm/stack-schema.json")).expect("JSON");
        let of_stack = properties(&schema["definitions"]["service"]);
        let kept: BTreeSet<_> = KEPT.iter().copied().collect();
        assert!(kept.is_subset(&of_stack), "{:?}", kept.difference(&of_stack));
    }
}
