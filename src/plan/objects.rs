//! Volumes, networks and secrets, and the files that a spec names.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::compose::shape::object::{NETWORK, VOLUME};
use crate::compose::shape::{self, Extent, Keys};
use crate::compose::{check_network, settle_network};
use crate::diagnostic::{Code, Hint, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, Spanned};
use crate::document::node::{Node, Span, Table};
use crate::name::{DeclaredName, EnvironmentKey};
use crate::source::{Source, SourceFault, Sources};

use super::{KubernetesVolume, Object, SecretSource, declared_name, own_labels, volume_kubernetes};
use crate::document::text::unescaped;

/// The key of an external secret, unless the spec names another.
const EXTERNAL_KEY: &str = "content";

/// Keys of `[volumes.NAME]`.
const VOLUME_OF_A_SPEC: Keys = Keys { own: &["kubernetes"], ..VOLUME };

/// Reads `[volumes]` or `[networks]`.
pub(super) fn read_all(
    table: &Table,
    what: &str,
    target: &str,
    context: &mut Context,
) -> BTreeMap<DeclaredName, Object> {
    let mut objects = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(label) = declared_name::read(name, entry.key_span, what, context) else { continue };
        let Some(written) = entry.node.as_table() else { continue };
        let mut definition = written.clone();
        let mut fields = Fields::new(written, entry.key_span, format!("{what} `{name}`"));
        let external = fields.boolean("external", context).unwrap_or(false);
        let given = fields.text("name", context).and_then(|text| unescaped(&text.value));
        let is_volume = what == "volume";
        let kubernetes =
            if is_volume { volume_kubernetes::read(written, context) } else { KubernetesVolume::default() };
        if is_volume {
            definition.remove("kubernetes");
        }
        let keys = if is_volume { VOLUME_OF_A_SPEC } else { NETWORK };
        shape::check(&format!("{what} `{name}`"), &keys, &definition, Extent::Whole, context);
        own_labels::refuse(definition.get("labels"), context);
        definition.remove("external");
        definition.remove("name");
        if !is_volume {
            settle_network(&mut definition);
            check_network(&definition, context);
        }
        if external && !definition.is_empty() {
            let message = format!(
                "{what} `{name}` is external: it exists on the target, and nothing but its `name` can be said of it"
            );
            context.error(Code::INVALID_VALUE, entry.key_span, message, None);
        }
        if is_volume {
            check_device(name, &definition, context);
        }
        if let Some(given) = given.as_ref().filter(|_| !external) {
            let message =
                format!("{what} `{name}` fixes its name `{given}`: two environments on one target would share it");
            context.error(Code::REFUSED_KEY, entry.key_span, message, "leave `name` out, or add `external = true`");
        }
        let own = if external { name.to_owned() } else { format!("{target}_{name}") };
        objects.insert(
            label,
            Object { definition, name: given.unwrap_or(own), external, kubernetes, patches: BTreeMap::new() },
        );
    }
    objects
}

/// A bind that is written as the options of a volume: the engine resolves `device` on its own host.
fn check_device(name: &str, volume: &Table, context: &mut Context) {
    let option = |key: &str| volume.table("driver_opts").and_then(|options| options.get(key));
    let text = |key: &str| option(key).and_then(Node::as_text).and_then(unescaped).unwrap_or_default();
    let is_bind = text("o").split(',').any(|word| matches!(word.trim(), "bind" | "rbind"));
    let (Some(device), path) = (option("device"), text("device")) else { return };
    if is_bind && !path.is_empty() && !path.starts_with('/') {
        let message = format!("volume `{name}` binds `{path}`, which the engine would look for on its own host");
        let hint =
            "name the operator's folder by its absolute path; without `driver_opts` the engine keeps the data itself";
        context.error(Code::RELATIVE_BIND, device.span, message, hint);
    }
}

/// The bytes of a file that the spec names; the hint is for who names a folder.
pub(super) fn find_file<'a>(
    file: &Spanned<String>,
    instead_of_a_folder: impl Into<Hint>,
    sources: &'a Sources,
    context: &mut Context,
) -> Option<&'a Arc<[u8]>> {
    match find(&file.value, file.span, sources, context)? {
        Source::File(bytes) => Some(bytes),
        Source::Folder(_) => {
            context.error(Code::FILE, file.span, format!("`{}` is a folder", file.value), instead_of_a_folder);
            None
        }
        Source::Fault(fault) => report_fault(&file.value, fault, file.span, context),
    }
}

/// What was found at a path that the spec names.
pub(super) fn find<'a>(path: &str, span: Span, sources: &'a Sources, context: &mut Context) -> Option<&'a Source> {
    let found = sources.files.get(path).filter(|_| !path.contains('$'));
    if found.is_none() {
        let hint = "write the path as it is; what differs between environments is named in `[environments.NAME]`";
        context.error(
            Code::INTERPOLATION,
            span,
            "the path of a file holds `$`, but files are read before variables are known",
            hint,
        );
    }
    found
}

/// Says why a path gives no bytes.
pub(super) fn report_fault<T>(path: &str, fault: &SourceFault, span: Span, context: &mut Context) -> Option<T> {
    let code = match fault {
        SourceFault::Outside(_) | SourceFault::Name(_) | SourceFault::Special(_) => Code::PATH,
        SourceFault::TooLarge => Code::TOO_LARGE,
        SourceFault::NotFound | SourceFault::Unreadable(_) => Code::FILE,
    };
    let hint = (code == Code::FILE).then(|| "paths start at the folder of the spec file".to_owned());
    context.error(code, span, format!("`{path}` {fault}"), hint);
    None
}

/// Reads `[secrets]`.
pub(super) fn read_secrets(
    table: &Table,
    parameters: &BTreeMap<EnvironmentKey, super::Parameter>,
    context: &mut Context,
) -> BTreeMap<DeclaredName, SecretSource> {
    let mut secrets = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(label) = declared_name::read(name, entry.key_span, "secret", context) else { continue };
        let Some(table) = entry.node.as_table() else { continue };
        if let Some(source) = read_secret(name, table, entry.key_span, parameters, context) {
            secrets.insert(label, source);
        }
    }
    secrets
}

fn read_secret(
    name: &str,
    table: &Table,
    span: Span,
    parameters: &BTreeMap<EnvironmentKey, super::Parameter>,
    context: &mut Context,
) -> Option<SecretSource> {
    let mut fields = Fields::new(table, span, format!("secret `{name}`"));
    let parameter = fields.text("parameter", context);
    let host_file = fields.text("host-file", context);
    let external = fields.boolean("external", context).unwrap_or(false);
    let given_name = fields.text("name", context);
    let key = fields.text("key", context);
    fields.finish(context);
    for written in [&given_name, &key].into_iter().flatten().filter(|_| !external) {
        let message = format!("secret `{name}` is made by the entrypoint, which gives it its name");
        context.error(Code::INVALID_VALUE, written.span, message, "`name` and `key` are for `external = true`");
    }
    match (parameter, host_file, external) {
        (Some(parameter), None, false) => read_secret_parameter(&parameter, parameters, context),
        (None, Some(path), false) => read_host_file(&path, context),
        (None, None, true) => Some(SecretSource::External {
            name: external_word(given_name, name, context)?,
            key: external_word(key, EXTERNAL_KEY, context)?,
        }),
        _ => {
            let message = format!("secret `{name}` needs one of `parameter`, `host-file` and `external`");
            context.error(
                Code::MISSING_KEY,
                span,
                message,
                "a secret is never read from the project folder: it would be in the image",
            );
            None
        }
    }
}

/// What names an object that the target has, or a key in it: Swarm (moby, `daemon/cluster/convert`) and Kubernetes take these characters.
fn external_word(written: Option<Spanned<String>>, default: &str, context: &mut Context) -> Option<String> {
    let Some(written) = written else { return Some(default.to_owned()) };
    let text = unescaped(&written.value)?;
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || !text.bytes().all(is_taken) {
        let hint = "letters, digits, `-`, `_` and `.`";
        context.error(Code::INVALID_VALUE, written.span, format!("`{text}` names no secret, and no key of one"), hint);
        return None;
    }
    Some(text)
}

fn read_secret_parameter(
    parameter: &Spanned<String>,
    parameters: &BTreeMap<EnvironmentKey, super::Parameter>,
    context: &mut Context,
) -> Option<SecretSource> {
    let key = EnvironmentKey::parse(&parameter.value).filter(|key| parameters.contains_key(key));
    let Some(key) = key else {
        let hint = unknown_name_hint(&parameter.value, "parameters", parameters.keys().map(EnvironmentKey::as_str));
        context.error(
            Code::UNKNOWN_REFERENCE,
            parameter.span,
            format!("unknown parameter `{}`", parameter.value),
            hint,
        );
        return None;
    };
    if !parameters[&key].secret {
        let hint = format!("add `secret = true` to `[parameters.{key}]`");
        context.error(
            Code::INVALID_VALUE,
            parameter.span,
            format!("the parameter `{key}` is not declared secret"),
            hint,
        );
    }
    Some(SecretSource::Parameter(key))
}

fn read_host_file(path: &Spanned<String>, context: &mut Context) -> Option<SecretSource> {
    let text = unescaped(&path.value)?;
    if !text.starts_with('/') || text.split('/').any(|segment| segment == "..") {
        context.error(Code::INVALID_VALUE, path.span, "`host-file` is an absolute path of the target's host", None);
        return None;
    }
    Some(SecretSource::HostFile(text))
}
