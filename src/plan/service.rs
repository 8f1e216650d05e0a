//! One service: from what is written to what is decided.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose::shape::service::SERVICE;
use crate::compose::shape::{self, Extent};
use crate::compose::{self, Duration, Mode, Namespace};
use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, Spanned, expect_text, wrong_type};
use crate::document::node::{Node, Span, Table, Value};
use crate::name::{DeclaredName, EnvironmentKey};
use crate::reference::ReferenceParts;

use super::pins::Pins;
use super::{Dependency, Gate, Platform, PullPolicy, Service, ServiceKind};
use super::{lint, own_labels, patched, port, service_files, service_keys, service_kubernetes};
use crate::document::text::{Piece, pieces, unescaped};

/// What a service may refer to.
pub(super) struct Surroundings<'a> {
    /// The services of this environment.
    pub(super) services: &'a Table,
    /// Declared volumes.
    pub(super) volumes: &'a Table,
    /// Declared networks.
    pub(super) networks: &'a Table,
    /// Declared configs.
    pub(super) configs: &'a Table,
    /// Declared secrets.
    pub(super) secrets: &'a Table,
    /// Whether floating tags are refused.
    pub(super) production: bool,
    /// Which content images are.
    pub(super) pins: &'a Pins<'a>,
    /// Whether the release is built for Compose.
    pub(super) is_for_compose: bool,
    /// The spec as it was read: how a number is written can matter.
    pub(super) spec_text: &'a str,
}

/// How long a service must stay up when the spec does not say (`deploy.update_config.monitor`).
const DEFAULT_WINDOW_SECONDS: u64 = 5;

/// Reads a service; `None` when nothing sensible can be made of it. Wave and gate are set by the caller, who sees all services.
pub(super) fn read(
    name: &DeclaredName,
    table: &Table,
    span: Span,
    around: &Surroundings<'_>,
    context: &mut Context,
) -> Option<Service> {
    service_keys::check(name.as_str(), table, context);
    let mut fields = Fields::new(table, span, format!("service `{name}`"));
    let image = fields.required_text("image", context);
    let image_text = image.as_ref().map(|image| unescaped(&image.value).unwrap_or_default());
    if let (Some(image), Some(text)) = (&image, &image_text) {
        check_image(text, image.span, around, context);
    }
    let compose = compose::Service::read(table, context);
    let deploy = &compose.deploy;
    let replicas = replicas(name, deploy, context);
    check_namespaces(name, &compose, around.services, context);
    let environment = read_environment(table, context);
    lint::check_environment(name, table.table("environment"), context);
    lint::check_volumes(name, &compose.mounts, around.volumes, context);
    let published = port::read(name, &compose.ports, around.is_for_compose.then_some(replicas), context);
    check_networks(name, table.get("networks"), around.networks, context);
    let files = service_files::read(table, around, context);
    service_files::check_targets(name, &files, span, context);
    let definition = service_keys::rendered_as_written(table, compose.health_check.as_ref());
    shape::check(&format!("service `{name}`"), &SERVICE, &definition, Extent::Whole, context);
    own_labels::refuse_of_service(table, context);
    let parameters = used_parameters(&definition, &environment);
    let (kubernetes, kubernetes_patch) = service_kubernetes::read(table, &compose, context);
    let mut patches = read_patches(table, context);
    patches.extend(kubernetes_patch.map(|patch| (Platform::Kubernetes, patch)));
    for (platform, patch) in &patches {
        refuse_image(patch, context);
        patched::check_service(*platform, name, &definition, patch, context);
    }
    let pull = read_pull_policy(fields.text("pull_policy", context).as_ref(), context);
    let pinned = image.map(|image| match (image_text.unwrap_or_default(), pull) {
        // It is on the target, where it came without a digest.
        (text, PullPolicy::Never) => text,
        (text, _) => around.pins.pin(&text, Some(image.span), context),
    });
    Some(Service {
        name: name.clone(),
        image: pinned?,
        environment,
        depends_on: read_dependencies(name, table.get("depends_on"), around.services, context),
        files,
        kind: if compose.is_job() { ServiceKind::Job } else { ServiceKind::Service },
        is_global: deploy.mode.is_some_and(Mode::is_global),
        replicas,
        // A patch may publish others.
        max_replicas: port::max_replicas(&published).filter(|_| !patches_ports(&patches, Platform::Compose)),
        published,
        wave: 1,
        gate: Gate::None,
        window_seconds: deploy
            .update
            .and_then(|update| update.monitor)
            .map_or(DEFAULT_WINDOW_SECONDS, Duration::seconds),
        has_healthcheck: compose.has_health_check(),
        pull,
        patches,
        kubernetes,
        parameters,
        definition,
        compose,
    })
}

/// Whether a patch of a platform says which ports are published there.
pub(super) fn patches_ports(patches: &BTreeMap<Platform, Table>, platform: Platform) -> bool {
    patches.get(&platform).is_some_and(|patch| patch.get("ports").is_some())
}

fn check_image(text: &str, span: Span, around: &Surroundings<'_>, context: &mut Context) {
    /// The quotes around a text.
    const QUOTES: usize = 2;
    // A text that was emptied by a fault was reported there.
    if text.is_empty() && span.end - span.start > QUOTES {
        return;
    }
    match ReferenceParts::parse(text) {
        None => context.error(
            Code::IMAGE,
            span,
            format!("invalid image reference `{text}`"),
            "write `[registry/]name:tag`, in lower case",
        ),
        Some(reference) if around.production && around.pins.are_written() && reference.floats() => {
            let message =
                format!("the image `{text}` has no fixed tag: the release could be neither repeated nor taken back");
            context.error(
                Code::FLOATING_TAG,
                span,
                message,
                format!("name the version, as in `{}:1.2.3`, or lock it with `bootsmith lock`", reference.name),
            );
        }
        Some(_) => {}
    }
}

/// `compose = { patch = { … } }`, and the same for Swarm; Kubernetes has a page of its own.
fn read_patches(service: &Table, context: &mut Context) -> BTreeMap<Platform, Table> {
    let of_platform = |platform: &Platform| Some((*platform, read_patch(*platform, service, context)?));
    [Platform::Compose, Platform::Swarm].iter().filter_map(of_platform).collect()
}

fn read_patch(platform: Platform, service: &Table, context: &mut Context) -> Option<Table> {
    let name = platform.name();
    let node = service.get(name)?;
    let Some(table) = node.as_table() else { return wrong_type(node, name, "a table", context) };
    let mut fields = Fields::new(table, node.span, format!("`{name}`"));
    let patch = fields.table("patch", context).map(|(patch, _)| patch.clone());
    fields.finish(context);
    patch
}

/// The image of a patch would be in no list of images, and a change of it in no digest.
pub(super) fn refuse_image(patch: &Table, context: &mut Context) {
    for (key, entry) in patch.iter() {
        if key == "image" && entry.node.as_text().is_some() {
            let message = "a patch holds an `image`, which would neither be pulled nor compared";
            let hint = "write `image` of the service, in `[environments.NAME.services.NAME]` for one environment";
            context.error(Code::REFUSED_KEY, entry.key_span, message, hint);
        }
        for table in tables_of(&entry.node) {
            refuse_image(table, context);
        }
    }
}

fn tables_of(node: &Node) -> Vec<&Table> {
    match &node.value {
        Value::Table(table) => vec![table],
        Value::List(list) => list.iter().flat_map(tables_of).collect(),
        _ => Vec::new(),
    }
}

/// How many replicas are asked for.
fn replicas(name: &DeclaredName, deploy: &compose::Deploy, context: &mut Context) -> u32 {
    let is_global = deploy.mode.is_some_and(Mode::is_global);
    if let Some(written) = deploy.replicas.filter(|_| is_global) {
        let message = format!("service `{name}` runs once a node: it has no `replicas`");
        context.error(Code::INVALID_VALUE, written.span, message, "leave `replicas` out");
    }
    deploy.replicas.filter(|_| !is_global).map_or(1, |replicas| replicas.value)
}

/// A namespace of another service needs the service.
fn check_namespaces(name: &DeclaredName, service: &compose::Service, services: &Table, context: &mut Context) {
    for (key, namespace) in &service.namespaces {
        let Namespace::Service(other) = &namespace.value else { continue };
        if services.get(other).is_none() {
            let message = format!("`{key}` of service `{name}` is that of the unknown service `{other}`");
            let hint = unknown_name_hint(other, "services", services.keys());
            context.error(Code::UNKNOWN_REFERENCE, namespace.span, message, hint);
        }
    }
}

/// The environment, which [`super::service_environment`] made a table.
fn read_environment(table: &Table, context: &mut Context) -> BTreeMap<String, String> {
    let entries = table.table("environment").into_iter().flat_map(Table::iter);
    entries.filter_map(|(key, entry)| Some((key.to_owned(), environment_value(key, &entry.node, context)?))).collect()
}

fn environment_value(key: &str, node: &Node, context: &mut Context) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(boolean) => Some(boolean.to_string()),
        _ => wrong_type(node, key, "a text", context),
    }
}

/// A text, or a list of texts.
pub(super) fn texts(node: Option<&Node>, key: &str, context: &mut Context) -> Vec<(String, Span)> {
    match node.map(|node| (&node.value, node)) {
        None => Vec::new(),
        Some((Value::List(list), _)) => {
            list.iter().filter_map(|item| Some((expect_text(item, key, context)?.to_owned(), item.span))).collect()
        }
        Some((_, node)) => {
            expect_text(node, key, context).map(|text| (text.to_owned(), node.span)).into_iter().collect()
        }
    }
}

fn read_dependencies(
    name: &DeclaredName,
    node: Option<&Node>,
    services: &Table,
    context: &mut Context,
) -> BTreeMap<DeclaredName, Dependency> {
    let mut dependencies = BTreeMap::new();
    let Some(node) = node else { return dependencies };
    let started = Dependency { condition: Gate::Started, restart: false };
    let found: Vec<(String, Span, Dependency, bool)> = match &node.value {
        Value::Table(table) => table
            .iter()
            .filter_map(|(key, entry)| {
                let (dependency, required) = read_dependency(key, &entry.node, context)?;
                Some((key.to_owned(), entry.key_span, dependency, required))
            })
            .collect(),
        _ => texts(Some(node), "depends_on", context)
            .into_iter()
            .map(|(text, span)| (text, span, started, true))
            .collect(),
    };
    for (dependency, span, how, required) in found {
        if services.get(&dependency).is_some() {
            dependencies.extend(DeclaredName::parse(&dependency).map(|label| (label, how)));
        } else if required {
            let hint = unknown_name_hint(&dependency, "services", services.keys());
            context.error(
                Code::UNKNOWN_REFERENCE,
                span,
                format!("service `{name}` waits for unknown service `{dependency}`"),
                hint,
            );
        }
    }
    dependencies
}

fn read_dependency(name: &str, node: &Node, context: &mut Context) -> Option<(Dependency, bool)> {
    let Some(table) = node.as_table() else {
        return wrong_type(node, name, "a table such as { condition = \"service_healthy\" }", context);
    };
    let mut fields = Fields::new(table, node.span, format!("dependency `{name}`"));
    let condition = fields.text("condition", context);
    let restart = fields.boolean("restart", context).unwrap_or(false);
    let required = fields.boolean("required", context).unwrap_or(true);
    fields.finish(context);
    let gate = match condition.as_ref().map(|condition| condition.value.as_str()) {
        None | Some("service_started") => Gate::Started,
        Some("service_healthy") => Gate::Healthy,
        Some("service_completed_successfully") => Gate::Completed,
        Some(other) => {
            let known = ["service_completed_successfully", "service_healthy", "service_started"];
            let span = condition.as_ref().map_or(node.span, |condition| condition.span);
            context.error(
                Code::INVALID_VALUE,
                span,
                format!("invalid condition `{other}`"),
                unknown_name_hint(other, "conditions", known),
            );
            return None;
        }
    };
    Some((Dependency { condition: gate, restart }, required))
}

/// Networks are named in a list, or are the keys of a table.
fn check_networks(name: &DeclaredName, node: Option<&Node>, networks: &Table, context: &mut Context) {
    let named = match node.map(|node| &node.value) {
        Some(Value::Table(table)) => table.iter().map(|(key, entry)| (key.to_owned(), entry.key_span)).collect(),
        _ => texts(node, "networks", context),
    };
    for (network, span) in named {
        // Compose makes the network `default` by itself.
        if network != "default" && networks.get(&network).is_none() {
            let hint = unknown_name_hint(&network, "networks", networks.keys());
            context.error(
                Code::UNKNOWN_REFERENCE,
                span,
                format!("service `{name}` uses unknown network `{network}`"),
                hint,
            );
        }
    }
}

fn read_pull_policy(policy: Option<&Spanned<String>>, context: &mut Context) -> PullPolicy {
    match policy.map(|policy| policy.value.as_str()) {
        None | Some("missing" | "if_not_present") => PullPolicy::Missing,
        Some("always") => PullPolicy::Always,
        Some("never") => PullPolicy::Never,
        Some(other) => {
            let hint = unknown_name_hint(other, "policies", ["always", "missing", "never"]);
            let span = policy.map(|policy| policy.span).unwrap_or_default();
            context.error(Code::INVALID_VALUE, span, format!("invalid pull policy of a release `{other}`"), hint);
            PullPolicy::Missing
        }
    }
}

fn used_parameters(definition: &Table, environment: &BTreeMap<String, String>) -> BTreeSet<EnvironmentKey> {
    let mut used = BTreeSet::new();
    for key in ["command", "entrypoint"] {
        definition.get(key).into_iter().for_each(|node| collect_parameters(node, &mut used));
    }
    used.extend(environment.values().flat_map(|value| parameters_of(value)));
    used
}

fn collect_parameters(node: &Node, used: &mut BTreeSet<EnvironmentKey>) {
    match &node.value {
        Value::Text(text) => used.extend(parameters_of(text)),
        Value::List(list) => list.iter().for_each(|item| collect_parameters(item, used)),
        _ => {}
    }
}

fn parameters_of(normal: &str) -> Vec<EnvironmentKey> {
    pieces(normal)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Reference(name) => EnvironmentKey::parse(&name),
            Piece::Literal(_) => None,
        })
        .collect()
}
