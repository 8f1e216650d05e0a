//! Keys of a service that nothing but a check wants typed: they go to the platforms as they are written.

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Table, Value as Written};

use super::amount::Switch;
use super::device::{self, DeviceRule};
use super::mount::ContainerPath;
use super::network::{self, CgroupNamespace, HostName, HostNamespace, MacAddress};
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
    ("runtime", check_one::<Word>),
    ("stdin_open", check_one::<Switch>),
    ("stop_signal", check_one::<StopSignal>),
    ("sysctls", check_sysctls),
    ("tty", check_one::<Switch>),
    ("ulimits", resources::check_limits),
    // Which there are, the engine decides.
    ("userns_mode", check_one::<Word>),
    ("uts", check_one::<HostNamespace>),
    ("working_dir", check_one::<ContainerPath>),
];

fn check_one<T: Value>(node: &Node, context: &mut Context) {
    one::<T>(Some(node), context);
}

fn check_each<T: Value>(node: &Node, context: &mut Context) {
    each::<T>(Some(node), context);
}

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

/// `sysctls`: names of the kernel with a value each.
fn check_sysctls(node: &Node, context: &mut Context) {
    check_pairs(node, context);
    for (name, setting) in value::pairs(Some(node)) {
        let is_name = name.contains('.') && !name.contains(char::is_whitespace);
        if !is_name || setting.value.is_empty() {
            let hint = "write a name of the kernel and a value, as in `net.core.somaxconn=1024`";
            value::invalid("kernel parameter", &name, setting.span, hint, context);
        }
    }
}
