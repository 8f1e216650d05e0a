//! Keys of a service that nothing but a check wants typed: they go to the platforms as they are written.

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Table, Value as Written};

use super::amount::{ByteSize, Switch};
use super::device::{self, DeviceRule};
use super::mount::ContainerPath;
use super::network::{self, CgroupNamespace, HostName, HostNamespace, MacAddress, UserNamespace};
use super::process::{Identity, ImagePlatform, Isolation, StopSignal};
use super::resources;
use super::value::{self, Value, Word, each, items, one};

/// Checks the values of all such keys.
pub(super) fn check(service: &Table, context: &mut Context) {
    for (key, check) in CHECKS {
        if let Some(node) = service.get(key) {
            check(node, context);
        }
    }
    resources::check_others(service, context);
    network::check_network_mode(service.get("network_mode"), service.get("networks"), context);
}

/// Checks the values of keys that are read elsewhere, or refused, unless they are in a patch.
pub(crate) fn check_patch(patch: &Table, context: &mut Context) {
    let checks: [(&str, Check); 4] = [
        ("container_name", check_one::<ContainerName>),
        ("depends_on", check_conditions),
        ("pull_policy", check_one::<PullPolicy>),
        ("umask", check_one::<Umask>),
    ];
    for (key, check) in checks {
        if let Some(node) = patch.get(key) {
            check(node, context);
        }
    }
}

type Check = fn(&Node, &mut Context);

/// By key.
const CHECKS: &[(&str, Check)] = &[
    ("annotations", check_pairs),
    ("cgroup", check_one::<CgroupNamespace>),
    ("cgroup_parent", check_one::<Word>),
    ("device_cgroup_rules", check_each::<DeviceRule>),
    ("devices", |node, context| items(Some(node)).into_iter().for_each(|node| device::check(node, context))),
    ("dns_opt", check_each::<Word>),
    ("dns_search", check_each::<SearchDomain>),
    ("domainname", check_one::<HostName>),
    ("gpus", resources::check_gpus),
    ("group_add", check_each::<Identity>),
    ("init", check_one::<Switch>),
    ("isolation", check_one::<Isolation>),
    ("labels", check_pairs),
    ("logging", device::check_logging),
    ("mac_address", check_one::<MacAddress>),
    ("oom_kill_disable", check_one::<Switch>),
    ("platform", check_one::<ImagePlatform>),
    ("privileged", check_one::<Switch>),
    ("read_only", check_one::<Switch>),
    ("runtime", check_one::<Runtime>),
    ("stdin_open", check_one::<Switch>),
    ("stop_signal", check_one::<StopSignal>),
    ("storage_opt", check_storage),
    ("sysctls", check_sysctls),
    ("tty", check_one::<Switch>),
    ("ulimits", resources::check_limits),
    ("userns_mode", check_one::<UserNamespace>),
    ("uts", check_one::<HostNamespace>),
    ("working_dir", check_one::<ContainerPath>),
];

fn check_one<T: Value>(node: &Node, context: &mut Context) {
    one::<T>(Some(node), context);
}

fn check_each<T: Value>(node: &Node, context: &mut Context) {
    each::<T>(Some(node), context);
}

/// As the engine takes it (moby, `daemon/names`).
struct ContainerName;

value::value!(ContainerName, "name of a container", "write letters, digits, `_`, `.` and `-`, two at least", |text| {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    (text.len() > 1 && starts_well && text.bytes().all(is_inner)).then_some(Self)
});

/// When Compose pulls an image.
struct PullPolicy;

value::value!(
    PullPolicy,
    "pull policy",
    "write `always`, `missing`, `never`, `refresh`, `daily`, `weekly` or `every_12h`",
    |text| {
        let is_word = ["always", "daily", "if_not_present", "missing", "never", "refresh", "weekly"].contains(&text);
        let number = text.strip_prefix("every_").and_then(|time| time.strip_suffix(['w', 'd', 'h', 'm', 's']));
        (is_word || number.is_some_and(|number| number.parse::<u32>().is_ok())).then_some(Self)
    }
);

/// A mask of permissions.
struct Umask;

value::value!(Umask, "mask of permissions", "write octal digits as a text, as in `\"027\"`", |text| {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok())?.map(|_| Self)
});

value::keyword!(Condition, "condition", ["service_completed_successfully", "service_healthy", "service_started"]);

fn check_conditions(node: &Node, context: &mut Context) {
    for (_, entry) in node.as_table().into_iter().flat_map(Table::iter) {
        one::<Condition>(entry.node.as_table().and_then(|table| table.get("condition")), context);
    }
}

/// A runtime that the engine is configured with, or that of containerd: `runsc`, `io.containerd.runc.v2`, a path.
struct Runtime;

value::value!(
    Runtime,
    "runtime",
    "write a name that the engine knows, as in `runc` or `io.containerd.runc.v2`",
    |text| {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        let starts_well = text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/');
        (starts_well && text.bytes().all(is_name)).then_some(Self)
    }
);

/// A domain, or `.` for none.
struct SearchDomain;

value::value!(SearchDomain, "search domain", "write a domain, as in `example.com`, or `.` for none", |text| {
    (text == "." || HostName::parse(text.trim_end_matches('.')).is_some()).then_some(Self)
});

/// A table, or a list of texts; the values are scalars.
fn check_pairs(node: &Node, context: &mut Context) {
    let nodes: Vec<_> = match &node.value {
        Written::Table(table) => table.iter().map(|(_, entry)| &entry.node).collect(),
        Written::List(list) => list.iter().collect(),
        _ => vec![node],
    };
    let is_scalar = |node: &Node| !matches!(node.value, Written::Table(_) | Written::List(_));
    let is_whole = !is_scalar(node);
    for wrong in nodes.into_iter().filter(|node| !is_whole || !is_scalar(node)) {
        let message = format!("invalid label: {} cannot be one", wrong.value.type_name());
        context.error(Code::WRONG_TYPE, wrong.span, message, "write `{ KEY = \"value\" }` or `[\"KEY=value\"]`");
    }
}

/// `storage_opt`: every storage driver of Linux has the one option (moby, `daemon/graphdriver`).
fn check_storage(node: &Node, context: &mut Context) {
    one::<ByteSize>(node.as_table().and_then(|table| table.get("size")), context);
}

/// `sysctls`: names of the kernel with a value each.
fn check_sysctls(node: &Node, context: &mut Context) {
    check_pairs(node, context);
    for (name, entry) in node.as_table().into_iter().flat_map(Table::iter) {
        if let Written::Boolean(_) = entry.node.value {
            value::invalid("kernel parameter", name, entry.node.span, "the kernel has numbers: write 1 or 0", context);
        }
    }
    for (name, setting) in value::pairs(Some(node)) {
        let is_name = name.contains('.') && !name.contains(char::is_whitespace);
        if !is_name || setting.value.is_empty() {
            let hint = "write a name of the kernel and a value, as in `net.core.somaxconn=1024`";
            value::invalid("kernel parameter", &name, setting.span, hint, context);
        }
    }
}
