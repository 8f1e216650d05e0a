//! What `docker stack deploy` takes: less than Compose, and no text where a number or a switch belongs.
//!
//! The tables follow its schema (<https://github.com/docker/cli>, `cli/compose/schema`); patches for a swarm are judged by them.

use crate::compose::shape::{
    BOOLEAN, COMMAND, Keys, Kind, NUMBER, ONLY_INTEGER, ONLY_NUMBER, OPTIONS, Shape, TEXT, TEXTS, WORD_OR_WORDS, WORDS,
    strict, table,
};

/// Every key of a service.
pub(super) const SERVICE: Keys = keys(&[
    ("cap_add", WORDS),
    ("cap_drop", WORDS),
    ("cgroup_parent", TEXT),
    ("cgroupns_mode", TEXT),
    ("command", COMMAND),
    ("configs", Shape::List(&Shape::Either(&[TEXT, FILE_USE]))),
    ("container_name", TEXT),
    ("credential_spec", strict(&[("config", TEXT), ("file", TEXT), ("registry", TEXT)])),
    ("depends_on", WORDS),
    ("deploy", DEPLOY),
    ("devices", WORDS),
    ("dns", WORD_OR_WORDS),
    ("dns_search", WORD_OR_WORDS),
    ("domainname", TEXT),
    ("entrypoint", COMMAND),
    ("env_file", WORD_OR_WORDS),
    ("environment", LABELS),
    ("expose", Shape::Set(&NUMBER)),
    ("external_links", WORDS),
    ("extra_hosts", LABELS),
    ("healthcheck", HEALTHCHECK),
    ("hostname", TEXT),
    ("image", TEXT),
    ("init", BOOLEAN),
    ("ipc", TEXT),
    ("isolation", TEXT),
    ("labels", LABELS),
    ("links", WORDS),
    ("logging", strict(&[("driver", TEXT), ("options", OPTIONS)])),
    ("mac_address", TEXT),
    ("network_mode", TEXT),
    ("networks", Shape::Either(&[WORDS, Shape::Map(&NETWORK_USE)])),
    ("oom_score_adj", ONLY_INTEGER),
    ("pid", TEXT),
    ("ports", Shape::Set(&Shape::Either(&[NUMBER, PORT]))),
    ("privileged", BOOLEAN),
    ("read_only", BOOLEAN),
    ("restart", TEXT),
    ("secrets", Shape::List(&Shape::Either(&[TEXT, FILE_USE]))),
    ("security_opt", WORDS),
    ("shm_size", NUMBER),
    ("stdin_open", BOOLEAN),
    ("stop_grace_period", TEXT),
    ("stop_signal", TEXT),
    ("sysctls", LABELS),
    ("tmpfs", WORD_OR_WORDS),
    ("tty", BOOLEAN),
    ("ulimits", ULIMITS),
    ("user", TEXT),
    ("userns_mode", TEXT),
    ("volumes", VOLUMES),
    ("working_dir", TEXT),
]);

const DEPLOY: Shape = strict(&[
    ("endpoint_mode", TEXT),
    ("labels", LABELS),
    ("mode", TEXT),
    ("placement", PLACEMENT),
    ("replicas", ONLY_INTEGER),
    ("resources", strict(&[("limits", LIMITS), ("reservations", RESERVATIONS)])),
    ("restart_policy", RESTART_POLICY),
    ("rollback_config", UPDATE),
    ("update_config", UPDATE),
]);

const HEALTHCHECK: Shape = strict(&[
    ("disable", BOOLEAN),
    ("interval", TEXT),
    ("retries", ONLY_NUMBER),
    ("start_interval", TEXT),
    ("start_period", TEXT),
    ("test", COMMAND),
    ("timeout", TEXT),
]);

const ULIMITS: Shape = Shape::Map(&Shape::Either(&[
    ONLY_INTEGER,
    strict(&[("hard", ONLY_INTEGER), ("soft", ONLY_INTEGER)]).needing(&["soft", "hard"]),
]));

const VOLUMES: Shape = Shape::List(&Shape::Either(&[
    TEXT,
    strict(&[
        ("bind", table(&[("propagation", TEXT)])),
        ("consistency", TEXT),
        ("read_only", BOOLEAN),
        ("source", TEXT),
        ("target", TEXT),
        ("tmpfs", table(&[("size", ONLY_INTEGER)])),
        ("type", TEXT),
        ("volume", table(&[("nocopy", BOOLEAN)])),
    ])
    .needing(&["type"]),
]));

const FILE_USE: Shape =
    table(&[("gid", TEXT), ("mode", ONLY_NUMBER), ("source", TEXT), ("target", TEXT), ("uid", TEXT)]);

const UPDATE: Shape = strict(&[
    ("delay", TEXT),
    ("failure_action", TEXT),
    ("max_failure_ratio", ONLY_NUMBER),
    ("monitor", TEXT),
    ("order", TEXT),
    ("parallelism", ONLY_INTEGER),
]);

const PLACEMENT: Shape = strict(&[
    ("constraints", TEXTS),
    ("max_replicas_per_node", ONLY_INTEGER),
    ("preferences", Shape::List(&strict(&[("spread", TEXT)]))),
]);

const LIMITS: Shape = strict(&[("cpus", TEXT), ("memory", TEXT), ("pids", ONLY_INTEGER)]);

const GENERIC_RESOURCE: Shape =
    strict(&[("discrete_resource_spec", strict(&[("kind", TEXT), ("value", ONLY_NUMBER)]))]);

const RESERVATIONS: Shape =
    strict(&[("cpus", TEXT), ("generic_resources", Shape::List(&GENERIC_RESOURCE)), ("memory", TEXT)]);

const RESTART_POLICY: Shape =
    strict(&[("condition", TEXT), ("delay", TEXT), ("max_attempts", ONLY_INTEGER), ("window", TEXT)]);

const NETWORK_USE: Shape =
    strict(&[("aliases", WORDS), ("driver_opts", OPTIONS), ("ipv4_address", TEXT), ("ipv6_address", TEXT)]);

const PORT: Shape =
    strict(&[("mode", TEXT), ("protocol", TEXT), ("published", ONLY_INTEGER), ("target", ONLY_INTEGER)]);

const LABELS: Shape = Shape::Pairs(&[Kind::Text, Kind::Number]);

/// Every key of a network.
pub(super) const NETWORK: Keys = keys(&[
    ("attachable", BOOLEAN),
    ("driver", TEXT),
    ("driver_opts", OPTIONS),
    ("external", BOOLEAN),
    ("internal", BOOLEAN),
    ("ipam", strict(&[("config", Shape::List(&strict(&[("subnet", TEXT)]))), ("driver", TEXT)])),
    ("labels", LABELS),
    ("name", TEXT),
]);

/// Every key of a volume.
pub(super) const VOLUME: Keys = keys(&[
    ("driver", TEXT),
    ("driver_opts", OPTIONS),
    ("external", BOOLEAN),
    ("labels", LABELS),
    ("name", TEXT),
    ("x-cluster-spec", CLUSTER_SPEC),
]);

const CLUSTER_SPEC: Shape = table(&[
    ("access_mode", ACCESS_MODE),
    ("accessibility_requirements", table(&[("preferred", TOPOLOGIES), ("requisite", TOPOLOGIES)])),
    ("availability", TEXT),
    ("capacity_range", table(&[("limit_bytes", TEXT), ("required_bytes", TEXT)])),
    ("group", TEXT),
]);

const ACCESS_MODE: Shape = table(&[
    ("block_volume", table(&[])),
    ("mount_volume", table(&[("fs_type", TEXT), ("mount_flags", TEXTS)])),
    ("scope", TEXT),
    ("sharing", TEXT),
]);

const TOPOLOGIES: Shape = Shape::List(&table(&[("segments", LABELS)]));

const fn keys(known: &'static [(&'static str, Shape)]) -> Keys {
    Keys { known, required: &[], own: &[], takes_extensions: true }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::shape::schema::{differences, of_keys, of_schema};

    const SCHEMA: &str = include_str!("../../templates/swarm/stack-schema.json");

    /// What was written before `name`.
    const EXCEPT: &[(&str, &str)] = &[("external", "a table has no meaning here"), ("external.name", "the same")];

    #[test]
    fn a_stack_has_the_keys_of_the_schema() {
        let tables = [("service", &SERVICE, &[][..]), ("network", &NETWORK, EXCEPT), ("volume", &VOLUME, EXCEPT)];
        for (definition, keys, except) in tables {
            // An image is built by nobody here.
            let theirs = of_schema(SCHEMA, &format!("/definitions/{definition}"), &["build"]);
            let faults = differences(&of_keys(keys), &theirs, except);
            assert!(faults.is_empty(), "{definition}: {}", faults.join("\n"));
        }
    }
}
