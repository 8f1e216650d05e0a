//! Conditions on values, for rows of the table that are about some of them.
//!
//! Takes in a value in normal form and the table that it belongs to (a service, a volume, a script); says whether the row is about it.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::node::{Node, Table, Value};
use crate::plan::health_check;
use crate::plan::port::PortEntry;
use crate::plan::scope::{Piece, pieces, unescaped};

use super::table::plain;

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
    /// The service, volume, script … by itself.
    pub(super) table: &'a Table,
    /// All sections.
    pub(super) sections: &'a Sections<'a>,
}

/// The sections of an environment.
pub(super) struct Sections<'a> {
    /// As they are written.
    pub(super) table: &'a Table,
    /// How many services mount each volume.
    users_of_volumes: BTreeMap<String, usize>,
}

impl<'a> Sections<'a> {
    /// Looks through the services once: the volumes of each are asked for one by one.
    pub(super) fn of(table: &'a Table) -> Self {
        let mut users_of_volumes = BTreeMap::new();
        for (_, entry) in table.table("services").into_iter().flat_map(Table::iter) {
            let volumes = entry.node.as_table().and_then(|service| service.get("volumes")).map(|node| &node.value);
            let Some(Value::List(volumes)) = volumes else { continue };
            for name in volumes.iter().filter_map(volume_name).collect::<BTreeSet<_>>() {
                *users_of_volumes.entry(name).or_default() += 1;
            }
        }
        Self { table, users_of_volumes }
    }

    fn volume(&self, name: &str) -> Option<&Table> {
        self.table.table("volumes").and_then(|volumes| volumes.table(name))
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
    HEALTH_CHECK "a command" = |_, owner| health_check::is_on(owner.table);
    NO_HEALTH_CHECK "switched off" = |_, owner| health_check::is_off(owner.table);
    OF_A_JOB "of a job" = |_, owner| is_job(owner.table);
    NO_AND_NO_JOB "no, of a service that is no job" = |node, owner| plain(node).as_deref() == Some("no") && !is_job(owner.table);
    ON_FAILURE_AND_NO_JOB "on-failure, of a service that is no job" = |node, owner| {
        plain(node).is_some_and(|text| text.starts_with("on-failure")) && !is_job(owner.table)
    };
    ALWAYS_AND_NO_JOB "always or unless-stopped" = |node, owner| {
        matches!(plain(node).as_deref(), Some("always" | "unless-stopped")) && !is_job(owner.table)
    };
    ENDS_AND_NO_JOB "none or on-failure, of a service that is no job" = |node, owner| {
        matches!(plain(node).as_deref(), Some("none" | "on-failure")) && !is_job(owner.table)
    };
    ANY_AND_NO_JOB "any, of a service that is no job" =
        |node, owner| plain(node).as_deref() == Some("any") && !is_job(owner.table);
    NO_JOB "of a service that is no job" = |_, owner| !is_job(owner.table);
    USES_A_PARAMETER "with a parameter" = |node, _| uses_parameter(node);
    NOT_ROOT "another than root" = |node, _| plain(node).is_some_and(|id| id != "0");
    A_NUMBER "a number" = |node, _| plain(node).is_some_and(|text| is_number(&text));
    A_NAME "a name" = |node, _| plain(node).is_some_and(|text| !is_number(&text));
    HAS_HOST_GATEWAY "host-gateway" = |node, _| texts(node).iter().any(|text| text.contains("host-gateway"));
    NO_HOST_GATEWAY "addresses" = |node, _| !texts(node).iter().any(|text| text.contains("host-gateway"));
    SAFE_SYSCTLS "safe ones of Kubernetes alone" = |node, _| names(node).iter().all(|name| is_safe_sysctl(name));
    UNSAFE_SYSCTLS "others than the safe ones of Kubernetes" = |node, _| !names(node).iter().all(|name| is_safe_sysctl(name));
    HOST_PATH "a path of the host" = |node, _| mount_of(node) == Mount::HostPath;
    VOLUME_THAT_STAYS "a named volume, where every node has it or the service is bound to one" = |node, owner| {
        mount_of(node) == Mount::Named && !may_lose_its_volume(node, owner)
    };
    VOLUME_THAT_MAY_STAY_BEHIND "a named volume of one node, of a service that may move to another" = |node, owner| {
        mount_of(node) == Mount::Named && may_lose_its_volume(node, owner)
    };
    ANONYMOUS_VOLUME "a volume without a name" = |node, _| mount_of(node) == Mount::Anonymous;
    PORT_WITHOUT_NUMBER "without a published number" = |node, _| published(node).is_none();
    ONE_PORT "one published number" = |node, _| published(node).is_some_and(|port| !port.contains('-'));
    RANGE_OF_PORTS "a published range" = |node, _| published(node).is_some_and(|port| port.contains('-'));
    PORT_OF_AN_ADDRESS "on one address of the host" = |node, _| host_address(node).is_some();
    PORT_NOT_OPENED "while kubernetes.service-type and kubernetes.ingress say nothing" =
        |_, owner| !is_opened_on_kubernetes(owner.table);
    LABEL_OR_ROLE "by a label, the role, the name or the platform of a node" =
        |node, _| plain(node).is_some_and(|text| is_portable_constraint(&text));
    OTHER_OF_A_NODE "by something else of a node" =
        |node, _| plain(node).is_some_and(|text| !is_portable_constraint(&text));
    ONE_OF_SOME_REPLICAS "one, of several replicas" =
        |node, owner| plain(node).as_deref() == Some("1") && !fits_one_node(node, owner.table);
    FEWER_THAN_REPLICAS "more than one, and fewer than the replicas" =
        |node, owner| plain(node).as_deref() != Some("1") && !fits_one_node(node, owner.table);
    ENOUGH_FOR_REPLICAS "enough for all replicas" = |node, owner| fits_one_node(node, owner.table);
    NO_NEW_PRIVILEGES "no-new-privileges" = |node, _| option(node, &["no-new-privileges"]);
    KNOWN_PROFILE "apparmor, label, or seccomp unconfined" = |node, _| is_known_profile(node);
    OTHER_PROFILE "another" = |node, _| !option(node, &["no-new-privileges"]) && !is_known_profile(node);
    START_FIRST "start-first, of a service without named volumes" = |node, owner| {
        plain(node).as_deref() == Some("start-first") && !has_named_volumes(owner.table)
    };
    START_FIRST_WITH_VOLUMES "start-first, of a service with named volumes" = |node, owner| {
        plain(node).as_deref() == Some("start-first") && has_named_volumes(owner.table)
    };
    OF_A_BRIDGE "of a bridge" = |_, owner| owner.table.get("driver").and_then(plain).as_deref() == Some("bridge");
    OF_NO_BRIDGE "of another driver" = |_, owner| owner.table.get("driver").and_then(plain).as_deref() != Some("bridge");
    VOLUME_OF_REPLICAS "a named volume that several replicas of one service use alone" = |node, owner| {
        mount_of(node) == Mount::Named && is_of_replicas(node, owner)
    };
    SIZED_TMPFS "with no option but a size" = |node, _| texts(node).iter().all(|text| !has_tmpfs_options(text));
    TMPFS_WITH_OPTIONS "with other options than a size" = |node, _| texts(node).iter().any(|text| has_tmpfs_options(text));
    RUNS_IN_THE_SERVICE "in the running service" = |_, owner| mode_of(owner.table) == "exec";
    RUNS_HERE "in the bootstrap container" = |_, owner| mode_of(owner.table) == "bootstrap";
    RUNS_APART "in a container of its own" = |_, owner| {
        mode_of(owner.table) == "run" && !is_true(owner.table, "input") && !has_data(owner.table)
    };
    RUNS_APART_WITH_DATA "in a container of its own, with data as output" = |_, owner| {
        mode_of(owner.table) == "run" && !is_true(owner.table, "input") && has_data(owner.table)
    };
    MIGRATES_IN_THE_SERVICE "in the running service" = |_, owner| mode_of(owner.table) == "exec";
    MIGRATES_APART "in a container of its own" = |_, owner| mode_of(owner.table) == "run";
    RUNS_APART_WITH_INPUT "in a container of its own, with input" = |_, owner| {
        mode_of(owner.table) == "run" && is_true(owner.table, "input")
    };
}

fn is_job(service: &Table) -> bool {
    let mode = service.table("deploy").and_then(|deploy| deploy.get("mode")).and_then(plain);
    mode.is_some_and(|mode| mode.ends_with("-job"))
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

/// `1000` or `1000:1000`.
fn is_number(text: &str) -> bool {
    text.split(':').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
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

/// Where an entry of `volumes` comes from.
#[derive(PartialEq, Eq)]
enum Mount {
    HostPath,
    Named,
    Anonymous,
    Other,
}

fn mount_of(node: &Node) -> Mount {
    match &node.value {
        Value::Text(text) => match unescaped(text).unwrap_or_default().split_once(':') {
            Some((source, _)) if source.starts_with('/') => Mount::HostPath,
            Some(_) => Mount::Named,
            None => Mount::Anonymous,
        },
        Value::Table(table) => match (table.get("type").and_then(Node::as_text), table.get("source").is_some()) {
            (Some("bind"), _) => Mount::HostPath,
            (Some("volume") | None, true) => Mount::Named,
            (Some("volume") | None, false) => Mount::Anonymous,
            _ => Mount::Other,
        },
        _ => Mount::Other,
    }
}

/// A volume of the driver `local` lies on one node; a service that is bound to a node finds it again.
fn may_lose_its_volume(node: &Node, owner: &Owner<'_>) -> bool {
    let Some(volume) = volume_name(node) else { return false };
    let is_local = owner.sections.volume(&volume).is_none_or(|volume| {
        let driver = volume.get("driver").and_then(plain);
        volume.get("driver_opts").is_none()
            && driver.is_none_or(|driver| driver == "local")
            && !is_true(volume, "external")
    });
    let deploy = owner.table.table("deploy");
    let is_global =
        deploy.and_then(|deploy| deploy.get("mode")).and_then(plain).is_some_and(|mode| mode.starts_with("global"));
    let constraints =
        deploy.and_then(|deploy| deploy.table("placement")).and_then(|placement| placement.get("constraints"));
    is_local && !is_global && constraints.is_none_or(|constraints| texts(constraints).is_empty())
}

fn volume_name(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(unescaped(text)?.split_once(':')?.0.to_owned()),
        Value::Table(table) => plain(table.get("source")?),
        _ => None,
    }
}

/// The published side of an entry of `ports`.
fn published(node: &Node) -> Option<String> {
    PortEntry::read(node)?.published
}

fn host_address(node: &Node) -> Option<String> {
    PortEntry::read(node)?.address
}

fn is_opened_on_kubernetes(service: &Table) -> bool {
    service.table("kubernetes").is_some_and(|own| own.get("service-type").is_some() || own.get("ingress").is_some())
}

/// What a node's labels say on both platforms (dockerd's `node.` names; kubernetes.io, "Well-Known Labels").
fn is_portable_constraint(text: &str) -> bool {
    let subject = text.split(['=', '!']).next().unwrap_or_default().trim();
    matches!(subject, "node.hostname" | "node.platform.arch" | "node.platform.os" | "node.role")
        || subject.starts_with("node.labels.")
}

fn fits_one_node(limit: &Node, service: &Table) -> bool {
    let number = |node: &Node| plain(node).and_then(|text| text.parse::<i64>().ok());
    let replicas = service.table("deploy").and_then(|deploy| deploy.get("replicas")).and_then(number).unwrap_or(1);
    number(limit).is_some_and(|limit| limit == 0 || limit >= replicas)
}

/// `security_opt` is `name`, `name:value` or `name=value`.
fn option(node: &Node, names: &[&str]) -> bool {
    plain(node).is_some_and(|text| names.contains(&text.split([':', '=']).next().unwrap_or_default()))
}

/// What a security context of Kubernetes takes.
fn is_known_profile(node: &Node) -> bool {
    let is_unconfined = matches!(plain(node).as_deref(), Some("seccomp:unconfined" | "seccomp=unconfined"));
    is_unconfined || option(node, &["apparmor", "label"])
}

fn has_named_volumes(service: &Table) -> bool {
    let Some(Value::List(volumes)) = service.get("volumes").map(|node| &node.value) else { return false };
    volumes.iter().any(|volume| mount_of(volume) == Mount::Named)
}

/// Whether a claim is made for each replica (`docs/decisions/0007-a-volume-of-one-service-is-one-per-replica.md`), and there are some.
fn is_of_replicas(node: &Node, owner: &Owner<'_>) -> bool {
    let Some(name) = volume_name(node) else { return false };
    let deploy = owner.table.table("deploy");
    let mode = deploy.and_then(|deploy| deploy.get("mode")).and_then(plain);
    let replicas = deploy.and_then(|deploy| deploy.get("replicas")).and_then(plain).and_then(|text| text.parse().ok());
    let is_for_many = owner.sections.volume(&name).is_some_and(|volume| {
        let modes = volume.table("kubernetes").and_then(|own| own.get("access-modes"));
        is_true(volume, "external") || modes.is_some_and(|modes| texts(modes).iter().any(|mode| mode.ends_with("Many")))
    });
    !matches!(mode.as_deref(), Some("global" | "global-job" | "replicated-job"))
        && replicas.is_some_and(|replicas: u32| replicas > 1)
        && !is_for_many
        && owner.sections.users_of_volumes.get(&name) == Some(&1)
}

/// `/run:mode=700,size=64m`
fn has_tmpfs_options(text: &str) -> bool {
    let options = text.split_once(':').map_or("", |(_, options)| options);
    options.split(',').any(|option| !option.is_empty() && !option.starts_with("size="))
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
    use crate::document::node::Span;

    fn text(text: &str) -> Node {
        Node::text(Span::default(), text)
    }

    #[test]
    fn mounts_are_told_apart() {
        assert!(mount_of(&text("/srv:/data:ro")) == Mount::HostPath);
        assert!(mount_of(&text("data:/data")) == Mount::Named);
        assert!(mount_of(&text("/data")) == Mount::Anonymous);
    }

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
        assert!(is_number("1000") && is_number("1000:1000"));
        assert!(!is_number("www-data") && !is_number("1000:") && !is_number(""));
    }
}
