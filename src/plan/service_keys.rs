//! Which keys of a Compose service a release takes, and why it refuses the others.
//!
//! The table follows the service element of the Compose Specification
//! (<https://github.com/compose-spec/compose-spec/blob/main/05-services.md>).

use crate::compose::{self, HealthCheck};
use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::fields::unknown_key;
use crate::document::node::Table;

use super::health_check;

/// Keys that go into the Compose file as they are.
pub(super) const TAKEN: &[&str] = &[
    "annotations",
    "blkio_config",
    "cap_add",
    "cap_drop",
    "cgroup",
    "cgroup_parent",
    "command",
    "configs",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpus",
    "cpuset",
    "depends_on",
    "deploy",
    "device_cgroup_rules",
    "devices",
    "dns",
    "dns_opt",
    "dns_search",
    "domainname",
    "entrypoint",
    "env_file",
    "environment",
    "expose",
    "extra_hosts",
    "gpus",
    "group_add",
    "healthcheck",
    "hostname",
    "image",
    "init",
    "ipc",
    "isolation",
    "labels",
    "logging",
    "mac_address",
    "mem_limit",
    "mem_reservation",
    "mem_swappiness",
    "memswap_limit",
    "network_mode",
    "networks",
    "oom_kill_disable",
    "oom_score_adj",
    "pid",
    "pids_limit",
    "platform",
    "ports",
    "privileged",
    "profiles",
    "pull_policy",
    "read_only",
    "restart",
    "runtime",
    "secrets",
    "security_opt",
    "shm_size",
    "stdin_open",
    "stop_grace_period",
    "stop_signal",
    "storage_opt",
    "sysctls",
    "tmpfs",
    "tty",
    "ulimits",
    "user",
    "userns_mode",
    "uts",
    "volumes",
    "working_dir",
];

/// Keys of our own.
const OWN: &[&str] = &["compose", "defaults", "enabled", "kubernetes", "swarm", "unset"];

/// Keys that are refused: the reason, and what to write instead.
const REFUSED: &[(&str, &str, &str)] = &[
    ("attach", "nobody is attached to a deployed service", "leave it out; `logs SERVICE` shows one service"),
    ("build", "a release deploys images that exist", "build and push the image before, and name it in `image`"),
    (
        "container_name",
        "two environments or two replicas would take the same name",
        "leave it out; services reach each other by service name",
    ),
    ("credential_spec", "it is for Windows containers", "leave it out"),
    ("develop", "it is for a developer's machine", "leave it out"),
    (
        "extends",
        "its file would not be in the release",
        "write what they share as `[service-defaults.NAME]`, and `defaults = [\"NAME\"]` in each",
    ),
    ("external_links", "they tie the product to containers that no release brings", "use an external network"),
    ("label_file", "its file would not be in the release", "write the labels into `labels`"),
    ("links", "they are replaced by networks", "put both services on a network; `depends_on` orders their start"),
    ("models", "models are not supported yet", "run the model as a service"),
    ("post_start", "Compose before 2.30 ignores it without a message", "use `[hooks] post-up` with a script"),
    (
        "pre_start",
        "Compose before 2.40 ignores it without a message",
        "use a one-shot service: `deploy.mode = \"replicated-job\"`",
    ),
    ("pre_stop", "Compose before 2.30 ignores it without a message", "use `[hooks] pre-stop` with a script"),
    ("provider", "it runs a program of the operator's machine", "use an image, or an external network"),
    (
        "pull_refresh_after",
        "an image of a release does not change by the clock",
        "leave it out; `pull_policy = \"always\"` fetches the image at every `up`",
    ),
    ("scale", "Compose keeps the number in `deploy`", "write `deploy.replicas`"),
    (
        // moby/moby#53463
        "umask",
        "Docker Engine before 29.8 does not know it",
        "set it where the program starts: `command = [\"sh\", \"-c\", \"umask 027; exec …\"]`",
    ),
    (
        "use_api_socket",
        "it hands the operator's engine and logins to the service",
        "bind the socket as a volume if that is what you want",
    ),
    ("volumes_from", "it ties the service to another container", "name the volume in both services"),
];

/// Every key that a service may have, but for those that start with `x-`.
pub(super) fn taken() -> Vec<&'static str> {
    TAKEN.iter().chain(OWN).copied().collect()
}

/// Whether a service may have the key.
pub(super) fn is_taken(key: &str) -> bool {
    TAKEN.contains(&key) || OWN.contains(&key) || key.starts_with("x-")
}

/// Whether the key means something in a service, or would in Compose.
pub(super) fn is_known(key: &str) -> bool {
    is_taken(key) || REFUSED.iter().any(|(refused, ..)| *refused == key)
}

/// Why a key is refused, and what to write instead.
pub(super) fn refusal(key: &str) -> Option<(&'static str, &'static str)> {
    let refused = REFUSED.iter().find(|(refused, ..)| *refused == key);
    refused.map(|(_, reason, instead)| (*reason, *instead))
}

/// Refuses what a release cannot use, and what nobody knows.
pub(super) fn check(service: &str, table: &Table, context: &mut Context) {
    for (key, entry) in table.iter() {
        if let Some((reason, instead)) = refusal(key) {
            context.error(
                Code::REFUSED_KEY,
                entry.key_span,
                format!("service `{service}` has `{key}`: {reason}"),
                instead,
            );
        } else if !is_taken(key) {
            unknown_key(key, entry.key_span, &format!("service `{service}`"), &taken(), context);
        }
    }
}

/// Takes out of a service what is not a Compose key, or is decided elsewhere; what is left can be rendered as it is.
pub(super) fn rendered_as_written(table: &Table, check: Option<&HealthCheck>) -> Table {
    const DECIDED: &[&str] = &[
        "compose",
        "configs",
        "defaults",
        "depends_on",
        "enabled",
        "env_file",
        "environment",
        "image",
        "kubernetes",
        "profiles",
        "pull_policy",
        "secrets",
        "swarm",
        "unset",
    ];
    let mut rendered = table.clone();
    let gone: Vec<_> =
        table.keys().filter(|key| DECIDED.contains(key) || key.starts_with("x-")).map(str::to_owned).collect();
    for key in gone {
        rendered.remove(&key);
    }
    health_check::settle(&mut rendered, check);
    compose::settle_service(&mut rendered);
    rendered
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_stands_in_two_lists() {
        let refused = REFUSED.iter().map(|(key, ..)| key);
        let mut all: Vec<_> = TAKEN.iter().chain(OWN).chain(refused).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn every_key_of_the_schema_is_taken_or_refused() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../templates/compose/compose-spec.json")).expect("JSON");
        // The schema writes a service in three parts.
        let parts = ["service", "container_spec", "workload_spec"].map(|part| &schema["$defs"][part]["properties"]);
        let keys = parts.iter().flat_map(|part| part.as_object().expect("properties").keys().map(String::as_str));
        let of_compose: BTreeSet<_> = keys.collect();
        let of_ours: BTreeSet<_> = TAKEN.iter().copied().chain(REFUSED.iter().map(|(key, ..)| *key)).collect();
        assert_eq!(of_ours, of_compose);
    }
}
