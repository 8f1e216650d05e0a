//! `[platforms.NAME]`: what one platform alone gets, beyond its services: patches of what is rendered, and whole objects.
//!
//! Takes in the section; gives out [`Additions`]. Whether Kubernetes has what a patch is for is checked when all services are read.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, wrong_type};
use crate::document::node::{Entry, Node, Span, Table, Value};
use crate::name::DeclaredName;
use crate::source::Sources;

use super::given_object::{self, GivenObject};
use super::service::refuse_image;
use super::{Object, Platform};
use super::{kubernetes_patch, patched};

/// What one platform alone gets.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    /// Patches of what is rendered.
    pub patches: Vec<ObjectPatch>,
    /// Objects that are not rendered, but given.
    pub objects: Vec<GivenObject>,
}

/// A JSON merge patch (RFC 7396) of one object.
#[derive(Clone, Debug)]
pub struct ObjectPatch {
    /// As the platform writes it: `Service`, `network`.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// What is merged over it.
    pub patch: Table,
    /// Where kind and name are written.
    pub span: Span,
}

/// What a patch can be for on Compose and Swarm, with the section that declares it.
const KINDS: &[(&str, &str)] = &[("network", "networks"), ("service", "services"), ("volume", "volumes")];

/// Hands patches of services to the services: they can be written there as well.
pub(super) fn hand_over(sections: &mut Table) {
    for platform in [Platform::Compose, Platform::Swarm] {
        let section = sections.table("platforms").and_then(|platforms| platforms.table(platform.name()));
        let Some(patches) = section.and_then(|section| section.table("patch")).cloned() else { continue };
        for (key, entry) in patches.iter().filter(|(_, entry)| entry.node.as_table().is_some()) {
            let service = key.strip_prefix("service/").and_then(|name| sections.table_mut("services")?.table_mut(name));
            if let Some(service) = service {
                service.merge(&alone(platform.name(), &alone_entry("patch", entry)));
            }
        }
    }
}

/// A table that has one key.
fn alone(key: &str, entry: &Entry) -> Table {
    let mut table = Table::default();
    table.insert(key, entry.clone());
    table
}

fn alone_entry(key: &str, entry: &Entry) -> Entry {
    let value = Value::Table(alone(key, entry));
    Entry { key_span: entry.key_span, node: Node { span: entry.node.span, value } }
}

/// Reads `[platforms]` of an environment; `sections` are all of its sections.
pub(super) fn read_all(
    table: &Table,
    sections: &Table,
    target: &str,
    sources: &Sources,
    context: &mut Context,
) -> BTreeMap<Platform, Additions> {
    let mut additions = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(platform) = Platform::parse(name) else {
            let hint = unknown_name_hint(name, "platforms", Platform::ALL.iter().map(|platform| platform.name()));
            context.error(
                Code::PLATFORM,
                entry.key_span,
                format!("`platforms` has the unknown platform `{name}`"),
                hint,
            );
            continue;
        };
        let Some(table) = entry.node.as_table() else { continue };
        let mut fields = Fields::new(table, entry.key_span, format!("`[platforms.{name}]`"));
        let patches = fields.table("patch", context).map(|(table, _)| read_patches(platform, table, sections, context));
        let files = fields.texts("files", context);
        fields.finish(context);
        let objects = match (platform, files.first()) {
            (Platform::Kubernetes, _) => given_object::read_all(&files, target, sources, context),
            (_, Some(file)) => refuse_files(platform, file.span, context),
            (_, None) => Vec::new(),
        };
        additions.insert(platform, Additions { patches: patches.unwrap_or_default(), objects });
    }
    additions
}

fn refuse_files(platform: Platform, span: Span, context: &mut Context) -> Vec<GivenObject> {
    let message =
        format!("`[platforms.{}]` has `files`, but the spec itself declares everything of an engine", platform.name());
    let hint = "write `[services.NAME]`, `[networks.NAME]` and `[volumes.NAME]`; `patch = { \"service/NAME\" = { … } }` says what one platform alone knows";
    context.error(Code::REFUSED_KEY, span, message, hint);
    Vec::new()
}

fn read_patches(platform: Platform, table: &Table, sections: &Table, context: &mut Context) -> Vec<ObjectPatch> {
    table.iter().filter_map(|(key, entry)| read_patch(platform, key, entry, sections, context)).collect()
}

fn read_patch(
    platform: Platform,
    key: &str,
    entry: &Entry,
    sections: &Table,
    context: &mut Context,
) -> Option<ObjectPatch> {
    let Some(patch) = entry.node.as_table() else { return wrong_type(&entry.node, key, "a table", context) };
    let (span, named) =
        (entry.key_span, key.split_once('/').filter(|(kind, name)| !kind.is_empty() && !name.is_empty()));
    let Some((kind, name)) = named else {
        let example = if platform == Platform::Kubernetes { "Service/web" } else { "service/web" };
        let hint = format!("write kind and name, as in `patch = {{ \"{example}\" = {{ … }} }}`");
        context.error(Code::INVALID_VALUE, span, format!("`{key}` names no object"), hint);
        return None;
    };
    refuse_image(patch, context);
    match platform {
        Platform::Kubernetes => kubernetes_patch::check(Some(kind), patch, context),
        Platform::Compose | Platform::Swarm => check_declared(kind, name, span, sections, context)?,
    }
    Some(ObjectPatch { kind: kind.to_owned(), name: name.to_owned(), patch: patch.clone(), span })
}

fn check_declared(kind: &str, name: &str, span: Span, sections: &Table, context: &mut Context) -> Option<()> {
    let Some((_, section)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        let hint = unknown_name_hint(kind, "kinds", KINDS.iter().map(|(kind, _)| *kind));
        context.error(Code::UNKNOWN_REFERENCE, span, format!("a patch is for the unknown kind `{kind}`"), hint);
        return None;
    };
    let declared = sections.table(section);
    let found = declared.and_then(|table| table.table(name));
    if found.is_none() {
        let hint = unknown_name_hint(name, section, declared.into_iter().flat_map(Table::keys));
        context.error(Code::UNKNOWN_REFERENCE, span, format!("a patch is for the unknown {kind} `{name}`"), hint);
    } else if found.is_some_and(|table| matches!(table.get("external"), Some(Node { value: Value::Boolean(true), .. })))
    {
        let message = format!("a patch is for the {kind} `{name}`, which is external: it exists on the target");
        context.error(Code::INVALID_VALUE, span, message, None);
    }
    Some(())
}

/// Gives networks or volumes their patches, by platform.
pub(super) fn patch_objects(
    additions: &BTreeMap<Platform, Additions>,
    kind: &str,
    objects: &mut BTreeMap<DeclaredName, Object>,
    context: &mut Context,
) {
    for (platform, additions) in additions {
        for patch in additions.patches.iter().filter(|patch| patch.kind == kind) {
            let found = DeclaredName::parse(&patch.name).and_then(|name| objects.get_mut(&name));
            let Some(object) = found else { continue };
            patched::check_object(*platform, kind, &patch.name, &object.definition, &patch.patch, context);
            object.patches.insert(*platform, patch.patch.clone());
        }
    }
}
