//! Conditions on values, for rows of the table that are about some of them.
//!
//! Takes in a value in normal form and the table that it belongs to (a service, a volume, a script); says whether the row is about it.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose::{self, Constraint, MountSource, NodeFact, PortRange, SecurityOption, User, Value as _, plain};
use crate::document::node::{Node, Table, Value};
use crate::document::text::{Piece, pieces};
use crate::name::DeclaredName;
use crate::plan::{Environment, Platform};

/// A condition and how it is called.
pub(in crate::plan) struct Condition {
    /// In the table, behind the key.
    pub(super) says: &'static str,
    /// Whether a value meets it.
    pub(super) holds: fn(&Node, &Owner<'_>) -> bool,
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.says)
    }
}

/// What a value belongs to.
pub(super) struct Owner<'a> {
    /// What it is called.
    pub(super) name: &'a str,
    /// The service, volume, script … by itself.
    pub(super) table: &'a Table,
    /// What a service means; nothing, where the text is not one.
    pub(super) service: Option<&'a compose::Service>,
    /// All sections.
    pub(super) sections: &'a Sections<'a>,
}

/// The sections of an environment.
pub(super) struct Sections<'a> {
    /// As they are written.
    pub(super) table: &'a Table,
    /// What the services mean, by name.
    services: BTreeMap<&'a str, &'a compose::Service>,
    /// How many services mount each volume.
    users_of_volumes: BTreeMap<&'a str, usize>,
}

impl<'a> Sections<'a> {
    /// Looks through the services once: the volumes of each are asked for one by one.
    pub(super) fn of(environment: &'a Environment) -> Self {
        let table = environment.written.as_table().expect("the sections are a table");
        let services: BTreeMap<_, _> =
            environment.services.iter().map(|service| (service.name.as_str(), &service.compose)).collect();
        let mut users_of_volumes = BTreeMap::new();
        for service in services.values() {
            for name in service.mounts.iter().filter_map(compose::Mount::volume).collect::<BTreeSet<_>>() {
                *users_of_volumes.entry(name).or_default() += 1;
            }
        }
        Self { table, services, users_of_volumes }
    }

    /// What a service means; `None` when it could not be read.
    pub(super) fn service(&self, name: &str) -> Option<&'a compose::Service> {
        self.services.get(name).copied()
    }

    fn volume(&self, name: &str) -> Option<&Table> {
        self.table.table("volumes").and_then(|volumes| volumes.table(name))
    }
}

impl<'a> Owner<'a> {
    /// Whether it is a service of which something holds.
    fn is(&self, holds: impl Fn(&compose::Service) -> bool) -> bool {
        self.service.is_some_and(holds)
    }

    /// The port that is written at a node.
    fn port(&self, node: &Node) -> Option<&'a compose::Port> {
        self.service?.port_at(node.span)
    }

    /// What is mounted by the entry that is written at a node.
    fn mount(&self, node: &Node) -> Option<&'a MountSource> {
        self.service?.mount_at(node.span).map(|mount| &mount.source)
    }

    /// The named volume of the entry that is written at a node.
    fn volume(&self, node: &Node) -> Option<&'a str> {
        self.service?.mount_at(node.span)?.volume()
    }
}

/// Makes constants of conditions.
macro_rules! conditions {
    ($($name:ident $says:literal = $holds:expr;)*) => {
        $(
            #[doc = $says]
            pub(super) static $name: Condition = Condition { says: $says, holds: $holds };
        )*
    };
}

conditions! {
    NAMED_UNLIKE_A_HOST "a name with capitals or `_`, or one that begins with a digit" =
        |_, owner| is_renamed(owner, Platform::Kubernetes) && !is_renamed(owner, Platform::Swarm);
    NAMED_WITH_DOTS "a name with dots, or one that ends in a sign" = |_, owner| is_renamed(owner, Platform::Swarm);
    HEALTH_CHECK "a command" = |_, owner| owner.is(compose::Service::has_health_check);
    NO_HEALTH_CHECK "switched off" = |_, owner| owner.is(compose::Service::has_health_check_off);
    OF_A_JOB "of a job" = |_, owner| owner.is(compose::Service::is_job);
    NO_AND_NO_JOB "no, of a service that is no job" = |node, owner| plain(node).as_deref() == Some("no") && !owner.is(compose::Service::is_job);
    ON_FAILURE_AND_NO_JOB "on-failure, of a service that is no job" = |node, owner| {
        plain(node).is_some_and(|text| text.starts_with("on-failure")) && !owner.is(compose::Service::is_job)
    };
    ALWAYS_AND_NO_JOB "always or unless-stopped" = |node, owner| {
        matches!(plain(node).as_deref(), Some("always" | "unless-stopped")) && !owner.is(compose::Service::is_job)
    };
    ENDS_AND_NO_JOB "none or on-failure, of a service that is no job" = |node, owner| {
        matches!(plain(node).as_deref(), Some("none" | "on-failure")) && !owner.is(compose::Service::is_job)
    };
    ANY_AND_NO_JOB "any, of a service that is no job" =
        |node, owner| plain(node).as_deref() == Some("any") && !owner.is(compose::Service::is_job);
    NO_JOB "of a service that is no job" = |_, owner| !owner.is(compose::Service::is_job);
    USES_A_PARAMETER "with a parameter" = |node, _| uses_parameter(node);
    NOT_ROOT "another than root" = |node, _| plain(node).is_some_and(|id| id != "0");
    A_NUMBER "a number" = |node, _| user(node).is_some_and(|user| is_number(&user));
    A_NAME "a name" = |node, _| user(node).is_some_and(|user| !is_number(&user));
    HAS_HOST_GATEWAY "host-gateway" = |_, owner| owner.is(has_host_gateway);
    NO_HOST_GATEWAY "addresses" = |_, owner| !owner.is(has_host_gateway);
    SAFE_SYSCTLS "safe ones of Kubernetes alone" = |node, _| names(node).iter().all(|name| is_safe_sysctl(name));
    UNSAFE_SYSCTLS "others than the safe ones of Kubernetes" = |node, _| !names(node).iter().all(|name| is_safe_sysctl(name));
    HOST_PATH "a path of the host" = |node, owner| matches!(owner.mount(node), Some(MountSource::Host(_)));
    VOLUME_THAT_STAYS "a named volume, where every node has it or the service is bound to one" = |node, owner| {
        owner.volume(node).is_some_and(|volume| !may_lose_its_volume(volume, owner))
    };
    VOLUME_THAT_MAY_STAY_BEHIND "a named volume of one node, of a service that may move to another" = |node, owner| {
        owner.volume(node).is_some_and(|volume| may_lose_its_volume(volume, owner))
    };
    ANONYMOUS_VOLUME "a volume without a name" = |node, owner| owner.mount(node) == Some(&MountSource::Anonymous);
    PORT_WITHOUT_NUMBER "without a published number" = |node, owner| owner.port(node).is_some_and(|port| port.published.is_none());
    ONE_PORT "one published number" = |node, owner| published(node, owner).is_some_and(PortRange::is_one);
    RANGE_OF_PORTS "a published range" = |node, owner| published(node, owner).is_some_and(|range| !range.is_one());
    PORT_OF_AN_ADDRESS "on one address of the host" = |node, owner| owner.port(node).is_some_and(|port| port.address.is_some());
    PORT_NOT_OPENED "while kubernetes.service-type and kubernetes.ingress say nothing" =
        |_, owner| !is_opened_on_kubernetes(owner.table);
    LABEL_OR_ROLE "by a label, the role, the name or the platform of a node" =
        |node, _| plain(node).is_some_and(|text| is_portable_constraint(&text));
    OTHER_OF_A_NODE "by something else of a node" =
        |node, _| plain(node).is_some_and(|text| !is_portable_constraint(&text));
    ONE_OF_SOME_REPLICAS "one, of several replicas" =
        |node, owner| plain(node).as_deref() == Some("1") && !owner.is(fits_one_node);
    FEWER_THAN_REPLICAS "more than one, and fewer than the replicas" =
        |node, owner| plain(node).as_deref() != Some("1") && !owner.is(fits_one_node);
    ENOUGH_FOR_REPLICAS "enough for all replicas" = |_, owner| owner.is(fits_one_node);
    NO_NEW_PRIVILEGES "no-new-privileges" = |node, _| option(node, &["no-new-privileges"]);
    KNOWN_PROFILE "apparmor, label, or seccomp unconfined" = |node, _| is_known_profile(node);
    OTHER_PROFILE "another" = |node, _| !option(node, &["no-new-privileges"]) && !is_known_profile(node);
    START_FIRST "start-first, of a service without named volumes" = |node, owner| {
        plain(node).as_deref() == Some("start-first") && !owner.is(has_named_volumes)
    };
    START_FIRST_WITH_VOLUMES "start-first, of a service with named volumes" = |node, owner| {
        plain(node).as_deref() == Some("start-first") && owner.is(has_named_volumes)
    };
    OF_A_BRIDGE "of a bridge" = |_, owner| owner.table.get("driver").and_then(plain).as_deref() == Some("bridge");
    OF_NO_BRIDGE "of another driver" = |_, owner| owner.table.get("driver").and_then(plain).as_deref() != Some("bridge");
    VOLUME_OF_REPLICAS "a named volume that several replicas of one service use alone" = |node, owner| {
        owner.volume(node).is_some_and(|volume| is_of_replicas(volume, owner))
    };
    SIZED_TMPFS "with no option but a size" = |_, owner| !owner.is(has_memory_with_options);
    TMPFS_WITH_OPTIONS "with other options than a size" = |_, owner| owner.is(has_memory_with_options);
    RUNS_IN_THE_SERVICE "in the running service" = |_, owner| mode_of(owner.table) == "exec";
    RUNS_HERE "in the bootstrap container" = |_, owner| mode_of(owner.table) == "bootstrap";
    RUNS_APART "in a container of its own" = |_, owner| {
        mode_of(owner.table) == "run" && !is_true(owner.table, "input") && !has_data(owner.table)
    };
    RUNS_APART_WITH_DATA "in a container of its own, with data as output" = |_, owner| {
        mode_of(owner.table) == "run" && !is_true(owner.table, "input") && has_data(owner.table)
    };
    SCHEDULED_APART "in a container of its own" = |_, owner| mode_of(owner.table) == "run";
    SCHEDULED_ELSEWHERE "in the running service, or in the bootstrap container" = |_, owner| mode_of(owner.table) != "run";
    MIGRATES_IN_THE_SERVICE "in the running service" = |_, owner| mode_of(owner.table) == "exec";
    MIGRATES_APART "in a container of its own" = |_, owner| mode_of(owner.table) == "run";
    RUNS_APART_WITH_INPUT "in a container of its own, with input" = |_, owner| {
        mode_of(owner.table) == "run" && is_true(owner.table, "input")
    };
}

/// Whether a platform calls a service otherwise than the spec.
fn is_renamed(service: &Owner<'_>, platform: Platform) -> bool {
    DeclaredName::parse(service.name).is_some_and(|name| platform.service_name(&name) != service.name)
}

/// In normal form a reference that is left is a parameter.
fn uses_parameter(node: &Node) -> bool {
    let in_text = |text: &str| pieces(text).iter().any(|piece| matches!(piece, Piece::Reference(_)));
    match &node.value {
        Value::Text(text) => in_text(text),
        Value::List(list) => list.iter().any(uses_parameter),
        Value::Table(table) => table.iter().any(|(_, entry)| uses_parameter(&entry.node)),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => false,
    }
}

fn user(node: &Node) -> Option<User> {
    User::parse(&plain(node)?)
}

/// `1000` or `1000:1000`.
fn is_number(user: &User) -> bool {
    user.user.number().is_some() && user.group.as_ref().is_none_or(|group| group.number().is_some())
}

fn has_host_gateway(service: &compose::Service) -> bool {
    service.extra_hosts.iter().any(|host| host.address.is_none())
}

fn has_named_volumes(service: &compose::Service) -> bool {
    service.mounts.iter().any(|mount| mount.volume().is_some())
}

fn has_memory_with_options(service: &compose::Service) -> bool {
    let has_options =
        |mount: &compose::Mount| matches!(&mount.source, MountSource::Memory { options, .. } if !options.is_empty());
    service.mounts.iter().any(has_options)
}

fn published(node: &Node, owner: &Owner<'_>) -> Option<PortRange> {
    owner.port(node)?.published
}

/// The texts of a list, or the values of a table.
fn texts(node: &Node) -> Vec<String> {
    match &node.value {
        Value::List(list) => list.iter().filter_map(plain).collect(),
        Value::Table(table) => table.iter().flat_map(|(_, entry)| texts(&entry.node)).collect(),
        _ => plain(node).into_iter().collect(),
    }
}

/// The keys of a table, or of a list of `KEY=value`.
fn names(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Table(table) => table.keys().map(str::to_owned).collect(),
        _ => texts(node).iter().map(|text| text.split('=').next().unwrap_or(text).to_owned()).collect(),
    }
}

/// Those that every kubelet takes since 1.32 (kubernetes.io, tasks/administer-cluster/sysctl-cluster, "Safe and Unsafe Sysctls").
fn is_safe_sysctl(name: &str) -> bool {
    const SAFE: &[&str] = &[
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    ];
    SAFE.contains(&name)
}

/// A volume of the driver `local` lies on one node; a service that is bound to a node finds it again.
fn may_lose_its_volume(volume: &str, owner: &Owner<'_>) -> bool {
    let is_local = owner.sections.volume(volume).is_none_or(|volume| {
        let driver = volume.get("driver").and_then(plain);
        volume.get("driver_opts").is_none()
            && driver.is_none_or(|driver| driver == "local")
            && !is_true(volume, "external")
    });
    let is_bound = |service: &compose::Service| {
        service.deploy.mode.is_some_and(compose::Mode::is_global) || !service.deploy.constraints.is_empty()
    };
    is_local && !owner.is(is_bound)
}

fn is_opened_on_kubernetes(service: &Table) -> bool {
    service.table("kubernetes").is_some_and(|own| own.get("service-type").is_some() || own.get("ingress").is_some())
}

/// What a node's labels say on both platforms (dockerd's `node.` names; kubernetes.io, "Well-Known Labels").
fn is_portable_constraint(text: &str) -> bool {
    let fact = Constraint::parse(text).map(|constraint| constraint.fact).or_else(|| NodeFact::parse(text));
    fact.is_some_and(|NodeFact(name)| {
        matches!(name.as_str(), "node.hostname" | "node.platform.arch" | "node.platform.os" | "node.role")
            || name.starts_with("node.labels.")
    })
}

fn fits_one_node(service: &compose::Service) -> bool {
    let replicas = service.deploy.replicas.map_or(1, |replicas| i64::from(replicas.value));
    service.deploy.max_replicas_per_node.is_some_and(|limit| limit == 0 || limit >= replicas)
}

fn option(node: &Node, names: &[&str]) -> bool {
    read_option(node).is_some_and(|option| names.contains(&option.name.as_str()))
}

fn read_option(node: &Node) -> Option<SecurityOption> {
    SecurityOption::parse(&plain(node)?)
}

/// What a security context of Kubernetes takes.
fn is_known_profile(node: &Node) -> bool {
    let is_unconfined = read_option(node)
        .is_some_and(|option| option.name == "seccomp" && option.value.as_deref() == Some("unconfined"));
    is_unconfined || option(node, &["apparmor", "label"])
}

/// Whether a claim is made for each replica (`docs/decisions/0007-a-volume-of-one-service-is-one-per-replica.md`), and there are some.
fn is_of_replicas(volume: &str, owner: &Owner<'_>) -> bool {
    let is_for_many = owner.sections.volume(volume).is_some_and(|volume| {
        let modes = volume.table("kubernetes").and_then(|own| own.get("access-modes"));
        is_true(volume, "external") || modes.is_some_and(|modes| texts(modes).iter().any(|mode| mode.ends_with("Many")))
    });
    let has_replicas = |service: &compose::Service| {
        let is_replicated = service.deploy.mode.is_none_or(|mode| mode == compose::Mode::Replicated);
        is_replicated && service.deploy.replicas.is_some_and(|replicas| replicas.value > 1)
    };
    owner.is(has_replicas) && !is_for_many && owner.sections.users_of_volumes.get(volume) == Some(&1)
}

/// Where a script or a migration runs.
fn mode_of(script: &Table) -> String {
    script.get("mode").and_then(plain).unwrap_or_else(|| "exec".to_owned())
}

fn has_data(script: &Table) -> bool {
    script.get("output").and_then(plain).as_deref() == Some("data")
}

fn is_true(table: &Table, key: &str) -> bool {
    matches!(table.get(key).map(|node| &node.value), Some(Value::Boolean(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_of_swarm_alone_are_known() {
        for constraint in
            ["node.labels.type == web", "node.hostname!=one", "node.platform.arch==x86_64", "node.role==worker"]
        {
            assert!(is_portable_constraint(constraint), "{constraint}");
        }
        for constraint in ["engine.labels.disk == ssd", "node.id == x"] {
            assert!(!is_portable_constraint(constraint), "{constraint}");
        }
    }

    #[test]
    fn numbers_of_users_are_numbers() {
        let is_number = |text: &str| User::parse(text).is_some_and(|user| is_number(&user));
        assert!(is_number("1000") && is_number("1000:1000"));
        assert!(!is_number("www-data") && !is_number("1000:staff"));
    }
}
