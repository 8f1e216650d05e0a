//! Services (Compose Specification, 05-services and deploy).

use super::{
    BOOLEAN, COMMAND, INTEGER, Keys, NUMBER, ONLY_NUMBER, OPTIONS, PAIRS, SCALAR, SWITCH, Shape, TEXT, TEXTS,
    WORD_OR_WORDS, WORDS, strict, table,
};

/// Keys of the Compose Specification that no rendered file has: they are for a developer's machine, or name files that no target has.
pub(crate) const LEFT_OUT: &[&str] = &["build", "develop", "extends", "label_file", "pre_start", "scale"];

/// Every key that a service of a rendered file may have.
pub(crate) const SERVICE: Keys = Keys {
    known: &[
        ("annotations", PAIRS),
        ("attach", SWITCH),
        ("blkio_config", BLKIO_CONFIG),
        ("cap_add", WORDS),
        ("cap_drop", WORDS),
        ("cgroup", TEXT),
        ("cgroup_parent", TEXT),
        ("command", COMMAND),
        ("configs", Shape::List(&Shape::Either(&[TEXT, FILE_USE]))),
        ("container_name", TEXT),
        ("cpu_count", INTEGER),
        ("cpu_percent", INTEGER),
        ("cpu_period", NUMBER),
        ("cpu_quota", NUMBER),
        ("cpu_rt_period", NUMBER),
        ("cpu_rt_runtime", NUMBER),
        ("cpu_shares", NUMBER),
        ("cpus", NUMBER),
        ("cpuset", TEXT),
        ("credential_spec", table(&[("config", TEXT), ("file", TEXT), ("registry", TEXT)])),
        ("depends_on", DEPENDS_ON),
        ("deploy", DEPLOY),
        ("device_cgroup_rules", WORDS),
        ("devices", DEVICES),
        ("dns", WORD_OR_WORDS),
        ("dns_opt", WORDS),
        ("dns_search", WORD_OR_WORDS),
        ("domainname", TEXT),
        ("entrypoint", COMMAND),
        ("env_file", ENV_FILE),
        ("environment", PAIRS),
        ("expose", Shape::Set(&NUMBER)),
        ("external_links", WORDS),
        ("extra_hosts", Shape::Either(&[Shape::Map(&COMMAND), WORDS])),
        ("gpus", Shape::Either(&[TEXT, Shape::List(&DEVICE_REQUEST)])),
        ("group_add", Shape::Set(&NUMBER)),
        ("healthcheck", HEALTHCHECK),
        ("hostname", TEXT),
        ("image", TEXT),
        ("init", SWITCH),
        ("ipc", TEXT),
        ("isolation", TEXT),
        ("labels", PAIRS),
        ("links", WORDS),
        ("logging", table(&[("driver", TEXT), ("options", OPTIONS)])),
        ("mac_address", TEXT),
        ("mem_limit", INTEGER),
        ("mem_reservation", INTEGER),
        ("mem_swappiness", INTEGER),
        ("memswap_limit", INTEGER),
        ("models", MODELS),
        ("network_mode", TEXT),
        ("networks", Shape::Either(&[WORDS, Shape::Map(&NETWORK)])),
        ("oom_kill_disable", SWITCH),
        ("oom_score_adj", INTEGER),
        ("pid", TEXT),
        ("pids_limit", NUMBER),
        ("platform", TEXT),
        ("ports", Shape::Set(&Shape::Either(&[NUMBER, PORT]))),
        ("post_start", HOOKS),
        ("pre_stop", HOOKS),
        ("privileged", SWITCH),
        ("profiles", WORDS),
        ("provider", PROVIDER),
        ("pull_policy", TEXT),
        ("pull_refresh_after", TEXT),
        ("read_only", SWITCH),
        ("restart", TEXT),
        ("runtime", TEXT),
        ("secrets", Shape::List(&Shape::Either(&[TEXT, FILE_USE]))),
        ("security_opt", WORDS),
        ("shm_size", INTEGER),
        ("stdin_open", SWITCH),
        ("stop_grace_period", TEXT),
        ("stop_signal", TEXT),
        ("storage_opt", strict(&[("size", TEXT)])),
        ("sysctls", PAIRS),
        ("tmpfs", WORD_OR_WORDS),
        ("tty", SWITCH),
        ("ulimits", ULIMITS),
        ("umask", INTEGER),
        ("use_api_socket", BOOLEAN),
        ("user", TEXT),
        ("userns_mode", TEXT),
        ("uts", TEXT),
        ("volumes", VOLUMES),
        ("volumes_from", WORDS),
        ("working_dir", TEXT),
    ],
    required: &[],
    own: &[],
    takes_extensions: true,
};

const BLKIO_CONFIG: Shape = strict(&[
    ("device_read_bps", DEVICE_LIMITS),
    ("device_read_iops", DEVICE_LIMITS),
    ("device_write_bps", DEVICE_LIMITS),
    ("device_write_iops", DEVICE_LIMITS),
    ("weight", INTEGER),
    ("weight_device", DEVICE_WEIGHTS),
]);

const DEPENDS_ON: Shape = Shape::Either(&[
    WORDS,
    Shape::Map(&table(&[("condition", TEXT), ("required", BOOLEAN), ("restart", SWITCH)]).needing(&["condition"])),
]);

const DEPLOY: Shape = table(&[
    ("endpoint_mode", TEXT),
    ("labels", PAIRS),
    ("mode", TEXT),
    ("placement", PLACEMENT),
    ("replicas", INTEGER),
    ("resources", table(&[("limits", LIMITS), ("reservations", RESERVATIONS)])),
    ("restart_policy", RESTART_POLICY),
    ("rollback_config", UPDATE),
    ("update_config", UPDATE),
]);

const DEVICES: Shape = Shape::List(&Shape::Either(&[
    TEXT,
    table(&[("permissions", TEXT), ("source", TEXT), ("target", TEXT)]).needing(&["source"]),
]));

const ENV_FILE: Shape = Shape::Either(&[
    TEXT,
    Shape::List(&Shape::Either(&[
        TEXT,
        strict(&[("format", TEXT), ("path", TEXT), ("required", SWITCH)]).needing(&["path"]),
    ])),
]);

const HEALTHCHECK: Shape = table(&[
    ("disable", SWITCH),
    ("interval", TEXT),
    ("retries", NUMBER),
    ("start_interval", TEXT),
    ("start_period", TEXT),
    ("test", COMMAND),
    ("timeout", TEXT),
]);

const MODELS: Shape = Shape::Either(&[WORDS, Shape::Map(&table(&[("endpoint_var", TEXT), ("model_var", TEXT)]))]);

const PROVIDER: Shape =
    table(&[("options", Shape::Map(&Shape::Either(&[SCALAR, Shape::List(&SCALAR)]))), ("type", TEXT)])
        .needing(&["type"]);

const ULIMITS: Shape =
    Shape::Map(&Shape::Either(&[INTEGER, table(&[("hard", INTEGER), ("soft", INTEGER)]).needing(&["soft", "hard"])]));

const VOLUMES: Shape = Shape::Set(&Shape::Either(&[
    TEXT,
    table(&[
        ("bind", BIND),
        ("consistency", TEXT),
        ("image", table(&[("subpath", TEXT)])),
        ("read_only", SWITCH),
        ("source", TEXT),
        ("target", TEXT),
        ("tmpfs", table(&[("mode", NUMBER), ("size", INTEGER)])),
        ("type", TEXT),
        ("volume", NAMED_VOLUME),
    ])
    .needing(&["type"]),
]));

const FILE_USE: Shape = table(&[("gid", TEXT), ("mode", NUMBER), ("source", TEXT), ("target", TEXT), ("uid", TEXT)]);

const DEVICE_LIMITS: Shape = Shape::List(&strict(&[("path", TEXT), ("rate", INTEGER)]));

const DEVICE_WEIGHTS: Shape = Shape::List(&strict(&[("path", TEXT), ("weight", INTEGER)]));

const HOOKS: Shape = Shape::List(
    &table(&[
        ("command", COMMAND),
        ("environment", PAIRS),
        ("privileged", SWITCH),
        ("user", TEXT),
        ("working_dir", TEXT),
    ])
    .needing(&["command"]),
);

const DEVICE_REQUEST: Shape =
    table(&[("capabilities", WORDS), ("count", INTEGER), ("device_ids", WORDS), ("driver", TEXT), ("options", PAIRS)]);

const UPDATE: Shape = table(&[
    ("delay", TEXT),
    ("failure_action", TEXT),
    ("max_failure_ratio", NUMBER),
    ("monitor", TEXT),
    ("order", TEXT),
    ("parallelism", INTEGER),
]);

const PLACEMENT: Shape = table(&[
    ("constraints", TEXTS),
    ("max_replicas_per_node", INTEGER),
    ("preferences", Shape::List(&table(&[("spread", TEXT)]))),
]);

const LIMITS: Shape = table(&[("cpus", NUMBER), ("memory", TEXT), ("pids", INTEGER)]);

const GENERIC_RESOURCE: Shape = table(&[("discrete_resource_spec", table(&[("kind", TEXT), ("value", NUMBER)]))]);

const RESERVATIONS: Shape = table(&[
    ("cpus", NUMBER),
    ("devices", Shape::List(&DEVICE_REQUEST.needing(&["capabilities"]))),
    ("generic_resources", Shape::List(&GENERIC_RESOURCE)),
    ("memory", TEXT),
]);

const RESTART_POLICY: Shape =
    table(&[("condition", TEXT), ("delay", TEXT), ("max_attempts", INTEGER), ("window", TEXT)]);

const NETWORK: Shape = table(&[
    ("aliases", WORDS),
    ("driver_opts", OPTIONS),
    ("gw_priority", ONLY_NUMBER),
    ("interface_name", TEXT),
    ("ipv4_address", TEXT),
    ("ipv6_address", TEXT),
    ("link_local_ips", WORDS),
    ("mac_address", TEXT),
    ("priority", ONLY_NUMBER),
    ("use_service_name_alias", SWITCH),
]);

const PORT: Shape = table(&[
    ("app_protocol", TEXT),
    ("host_ip", TEXT),
    ("mode", TEXT),
    ("name", TEXT),
    ("protocol", TEXT),
    ("published", INTEGER),
    ("target", INTEGER),
]);

const BIND: Shape =
    table(&[("create_host_path", SWITCH), ("propagation", TEXT), ("recursive", TEXT), ("selinux", TEXT)]);

const NAMED_VOLUME: Shape = table(&[("labels", PAIRS), ("nocopy", SWITCH), ("subpath", TEXT)]);
