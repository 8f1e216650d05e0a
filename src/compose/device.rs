//! Devices of the host (Compose Specification, 05-services, `devices` and `device_cgroup_rules`).

use crate::document::Context;
use crate::document::node::{Node, Value as Written};

use super::value::{Word, fields, one, required, value};

/// `source[:target][:permissions]`, or a name of the Container Device Interface.
struct Device;

value!(
    Device,
    "device",
    "write a path of the host, as in `/dev/snd` or `/dev/ttyUSB0:/dev/tty0:rw`, or a CDI name, as in `vendor.com/class=name`",
    |text| {
        let parts: Vec<_> = text.split(':').collect();
        let is_path = |path: &str| path.starts_with('/');
        let is_device = match parts.as_slice() {
            [source] => is_path(source),
            [source, second] => is_path(source) && (is_path(second) || is_permission(second)),
            [source, target, permissions] => is_path(source) && is_path(target) && is_permission(permissions),
            _ => false,
        };
        (is_device || is_cdi_name(text)).then_some(Self)
    }
);

/// `vendor/class=name` (cncf-tags/container-device-interface, `pkg/parser`).
fn is_cdi_name(text: &str) -> bool {
    let parts = text.split_once('=').and_then(|(kind, name)| Some((kind.split_once('/')?, name)));
    let is_part = |part: &str| {
        !part.is_empty() && !part.contains(|character: char| character.is_whitespace() || character == '/')
    };
    parts.is_some_and(|((vendor, class), name)| is_part(vendor) && is_part(class) && is_part(name))
}

fn is_permission(text: &str) -> bool {
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| b"rwm".contains(&byte))
}

struct Permissions;
value!(Permissions, "permissions of a device", "write letters of `rwm`", |text| is_permission(text).then_some(Self));

/// Checks an entry of `devices`, in either form.
pub(super) fn check(node: &Node, context: &mut Context) {
    if !matches!(node.value, Written::Table(_)) {
        one::<Device>(Some(node), context);
        return;
    }
    let Some(mut fields) = fields(node, "a device", context) else { return };
    required::<Device>("source", &mut fields, context);
    one::<super::mount::ContainerPath>(fields.node("target"), context);
    one::<Permissions>(fields.node("permissions"), context);
    fields.finish(context);
}

/// `c 13:* rmw` (kernel, `cgroup-v1/devices`)
pub(super) struct DeviceRule;

value!(DeviceRule, "rule on devices", "write a type, numbers and permissions, as in `c 1:3 mr`", |text| {
    let words: Vec<_> = text.split(' ').collect();
    let [kind, numbers, permissions] = words.as_slice() else { return None };
    let is_number = |text: &str| text == "*" || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let is_pair = numbers.split_once(':').is_some_and(|(major, minor)| is_number(major) && is_number(minor));
    (["a", "b", "c"].contains(kind) && is_pair && is_permission(permissions)).then_some(Self)
});

/// A driver of logs, networks or runtimes.
pub(super) fn check_logging(node: &Node, context: &mut Context) {
    let Some(mut fields) = fields(node, "`logging`", context) else { return };
    one::<Word>(fields.node("driver"), context);
    fields.node("options");
    fields.finish(context);
}
