//! What a container may use (Compose Specification, 05-services: `cpus`, `mem_limit`, `ulimits` …; deploy, "resources").

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Table, Value as Written};

use super::amount::{ByteSize, Count, Cpus, Integer, SizeOrUnlimited};
use super::value::{self, Word, each, fields, items, one, required, value};

/// What is limited and what is kept free, whether it is written in `deploy` or in the keys of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// At most so much.
    pub limits: Amounts,
    /// At least so much.
    pub reservations: Amounts,
}

/// Amounts of what can be counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Processors.
    pub cpus: Option<Cpus>,
    /// Bytes of memory.
    pub memory: Option<ByteSize>,
}

/// -1 means without a limit.
type Limit = Integer<-1, { i64::MAX }>;

impl Resources {
    /// `deploy.resources` over `cpus`, `mem_limit`, `mem_reservation` and `pids_limit` of the service.
    pub(super) fn read(service: &Table, in_deploy: Option<&Node>, context: &mut Context) -> Self {
        let old = |key: &str| service.get(key);
        let limits = Amounts { cpus: one(old("cpus"), context), memory: one(old("mem_limit"), context) };
        let reservations = Amounts { memory: one(old("mem_reservation"), context), ..Amounts::default() };
        one::<Limit>(old("pids_limit"), context);
        let Some(mut fields) = in_deploy.and_then(|node| fields(node, "`resources`", context)) else {
            return Self { limits, reservations };
        };
        let of_deploy = |node: Option<&Node>, what: &str, context: &mut Context| {
            node.map_or_else(Amounts::default, |node| Amounts::read(node, what, context))
        };
        let over_limits = of_deploy(fields.node("limits"), "`limits`", context);
        let over_reservations = of_deploy(fields.node("reservations"), "`reservations`", context);
        fields.finish(context);
        Self { limits: over_limits.over(limits), reservations: over_reservations.over(reservations) }
    }
}

impl Amounts {
    fn over(self, below: Self) -> Self {
        Self { cpus: self.cpus.or(below.cpus), memory: self.memory.or(below.memory) }
    }

    fn read(node: &Node, what: &str, context: &mut Context) -> Self {
        let Some(mut fields) = fields(node, what, context) else { return Self::default() };
        let amounts = Self { cpus: one(fields.node("cpus"), context), memory: one(fields.node("memory"), context) };
        if what == "`limits`" {
            one::<Limit>(fields.node("pids"), context);
        } else {
            for node in items(fields.node("generic_resources")) {
                check_generic(node, context);
            }
            for node in items(fields.node("devices")) {
                check_device_request(node, true, context);
            }
        }
        fields.finish(context);
        amounts
    }
}

fn check_generic(node: &Node, context: &mut Context) {
    let Some(mut outer) = fields(node, "a generic resource", context) else { return };
    if let Some(mut fields) =
        outer.node("discrete_resource_spec").and_then(|node| fields(node, "`discrete_resource_spec`", context))
    {
        required::<Word>("kind", &mut fields, context);
        required::<Count>("value", &mut fields, context);
        fields.finish(context);
    }
    outer.finish(context);
}

/// How many devices: a number, or all.
struct DeviceCount;

value!(DeviceCount, "number of devices", "write a number, or `all`", |text| {
    (text == "all" || text == "-1" || Count::parse(text).is_some()).then_some(Self)
});

/// An entry of `gpus` or of `deploy.resources.reservations.devices`.
fn check_device_request(node: &Node, needs_capabilities: bool, context: &mut Context) {
    let Some(mut fields) = fields(node, "a request for devices", context) else { return };
    if needs_capabilities {
        fields.require("capabilities", context);
    }
    each::<Word>(fields.node("capabilities"), context);
    one::<DeviceCount>(fields.node("count"), context);
    each::<Word>(fields.node("device_ids"), context);
    one::<Word>(fields.node("driver"), context);
    fields.node("options");
    if let (Some(count), Some(_)) = (fields.node("count"), fields.node("device_ids")) {
        let message = "`count` and `device_ids` exclude each other";
        context.error(Code::INVALID_VALUE, count.span, message, "leave one of them out");
    }
    fields.finish(context);
}

/// `gpus`: the word `all`, or requests.
pub(super) fn check_gpus(node: &Node, context: &mut Context) {
    match &node.value {
        Written::List(list) => list.iter().for_each(|node| check_device_request(node, false, context)),
        _ => drop(one::<AllGpus>(Some(node), context)),
    }
}

struct AllGpus;
value!(
    AllGpus,
    "request for GPUs",
    "write `all`, or a list of tables, as in `[{ driver = \"nvidia\", count = 1 }]`",
    |text| { (text == "all").then_some(Self) }
);

/// What Linux limits (`setrlimit(2)`; docker/go-units, `ulimit.go`).
const ULIMITS: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Checks `ulimits`: by name a number for both sides, or `{ soft, hard }`.
pub(super) fn check_limits(node: &Node, context: &mut Context) {
    let Some(table) = node.as_table() else {
        let message = format!("invalid limits: {} cannot be some", node.value.type_name());
        context.error(Code::WRONG_TYPE, node.span, message, "write `ulimits = { nofile = 65536 }`");
        return;
    };
    for (name, entry) in table.iter() {
        if ULIMITS.contains(&name) {
            check_limit(name, &entry.node, context);
        } else {
            let hint = crate::diagnostic::unknown_name_hint(name, "limits", ULIMITS.iter().copied());
            value::invalid("limit", name, entry.key_span, hint, context);
        }
    }
}

fn check_limit(name: &str, node: &Node, context: &mut Context) {
    if node.as_table().is_none() {
        one::<Limit>(Some(node), context);
        return;
    }
    let Some(mut fields) = fields(node, &format!("the limit `{name}`"), context) else { return };
    let soft = required::<Limit>("soft", &mut fields, context);
    let hard = required::<Limit>("hard", &mut fields, context);
    fields.finish(context);
    let (Some(Integer(soft)), Some(Integer(hard))) = (soft, hard) else { return };
    // -1 is more than every number.
    if hard != -1 && (soft > hard || soft == -1) {
        let message = format!("the soft limit of `{name}` is above the hard one");
        context.error(Code::INVALID_VALUE, node.span, message, "let `soft` be at most `hard`");
    }
}

/// `0-3,7`
struct CpuSet;

value!(CpuSet, "set of processors", "write numbers and ranges, as in `0-3` or `0,2`", |text| {
    let number =
        |text: &str| if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u32>().ok() } else { None };
    let is_range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        number(first).zip(number(last)).is_some_and(|(first, last)| first <= last)
    };
    text.split(',').all(is_range).then_some(Self)
});

/// A weight of block devices.
type Weight = Integer<10, 1000>;

/// Reads what has no place but in Compose.
pub(super) fn check_others(service: &Table, context: &mut Context) {
    one::<CpuSet>(service.get("cpuset"), context);
    one::<Integer<0, { i64::MAX }>>(service.get("cpu_count"), context);
    one::<Integer<0, 100>>(service.get("cpu_percent"), context);
    one::<Integer<0, 262_144>>(service.get("cpu_shares"), context);
    for key in ["cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime"] {
        one::<Microseconds>(service.get(key), context);
    }
    one::<Integer<-1, 100>>(service.get("mem_swappiness"), context);
    one::<SizeOrUnlimited>(service.get("memswap_limit"), context);
    one::<Integer<-1000, 1000>>(service.get("oom_score_adj"), context);
    if let Some(node) = service.get("blkio_config") {
        check_block_devices(node, context);
    }
}

/// A number of microseconds, or a duration.
struct Microseconds;

value!(
    Microseconds,
    "time of a processor",
    "write microseconds, as in `100000`, or a duration, as in `100ms`",
    |text| {
        (text == "-1" || Count::parse(text).is_some() || super::amount::Duration::parse(text).is_some()).then_some(Self)
    }
);

fn check_block_devices(node: &Node, context: &mut Context) {
    let Some(mut all) = fields(node, "`blkio_config`", context) else { return };
    one::<Weight>(all.node("weight"), context);
    for node in items(all.node("weight_device")) {
        if let Some(mut fields) = fields(node, "a weight of a device", context) {
            required::<super::mount::ContainerPath>("path", &mut fields, context);
            required::<Weight>("weight", &mut fields, context);
            fields.finish(context);
        }
    }
    for key in ["device_read_bps", "device_read_iops", "device_write_bps", "device_write_iops"] {
        for node in items(all.node(key)) {
            if let Some(mut fields) = fields(node, "a rate of a device", context) {
                required::<super::mount::ContainerPath>("path", &mut fields, context);
                required::<ByteSize>("rate", &mut fields, context);
                fields.finish(context);
            }
        }
    }
    all.finish(context);
}
