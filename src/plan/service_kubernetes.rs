//! `[services.NAME.kubernetes]`: what only Kubernetes knows of a service.
//!
//! Takes in the table; gives out [`KubernetesService`], checked against the rules of the Kubernetes API so that a fault is found when the
//! release is built and not when it is deployed.

use std::collections::BTreeMap;

use crate::compose::{self, Mode, Resources};
use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::{Fields, Spanned, expect_text, wrong_type};
use crate::document::node::{Node, Span, Table, Value};

use super::kubernetes_name::{is_label_key, is_label_value, is_subdomain};
use crate::document::text::unescaped;

/// What only Kubernetes knows of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubernetesService {
    /// How published ports are reached from outside.
    pub service_type: ServiceType,
    /// How HTTP reaches the service by name.
    pub ingress: Option<Ingress>,
    /// Who decides how many replicas there are, when not the operator.
    pub autoscale: Option<Autoscale>,
    /// How many replicas may be taken away at a time.
    pub disruption_budget: Option<DisruptionBudget>,
    /// A `ServiceAccount` of the namespace, over the one that may nothing.
    pub service_account: Option<String>,
    /// Whether a replica whose health check fails is restarted.
    pub liveness: bool,
    /// Labels that a node must have.
    pub node_selector: BTreeMap<String, String>,
}

/// How published ports are reached from outside of the cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceType {
    /// Not at all, or by an ingress.
    #[default]
    ClusterIp,
    /// On a port of every node.
    NodePort,
    /// Through the load balancer of the cloud.
    LoadBalancer,
}

impl ServiceType {
    /// As the Kubernetes API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIp => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}

/// How HTTP reaches a service by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// The DNS name.
    pub host: String,
    /// The start of the paths.
    pub path: String,
    /// The ingress class; none: the cluster's default.
    pub class: Option<String>,
    /// The Secret with the certificate; none: no TLS.
    pub tls_secret: Option<String>,
    /// The container's port; none: the only one that the service has.
    pub port: Option<u16>,
    /// What the ingress controller gets.
    pub annotations: BTreeMap<String, String>,
    /// Where the host is written, for faults that are found later.
    pub span: Span,
}

/// Bounds of a `HorizontalPodAutoscaler`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autoscale {
    /// The fewest replicas.
    pub min: u32,
    /// The most replicas.
    pub max: u32,
    /// The wanted use of the requested CPU, in per cent.
    pub cpu_percent: u32,
}

/// How many replicas may be taken away at a time: a number or a percentage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisruptionBudget {
    /// So many stay.
    MinAvailable(String),
    /// So many go.
    MaxUnavailable(String),
}

/// More replicas than this are a slip, as in `deploy.replicas`.
const MAX_REPLICAS: i64 = 1000;

/// Reads the table; gives out the JSON merge patch on the workload as well.
pub(super) fn read(
    table: &Table,
    service: &compose::Service,
    context: &mut Context,
) -> (KubernetesService, Option<Table>) {
    let Some(node) = table.get("kubernetes") else { return Default::default() };
    let Some(table) = node.as_table() else {
        return wrong_type(node, "kubernetes", "a table", context).unwrap_or_default();
    };
    let mut fields = Fields::new(table, node.span, "`kubernetes`");
    let patch = fields.table("patch", context).map(|(patch, _)| patch.clone());
    let settings = KubernetesService {
        service_type: read_service_type(fields.text("service-type", context).as_ref(), context),
        ingress: fields.table("ingress", context).and_then(|(table, span)| read_ingress(table, span, context)),
        autoscale: read_autoscale(&mut fields, patch.is_some(), service, context),
        disruption_budget: fields
            .table("disruption-budget", context)
            .and_then(|(table, span)| read_disruption_budget(table, span, service, context)),
        service_account: read_name("service-account", &mut fields, context),
        liveness: read_liveness(&mut fields, service, context),
        node_selector: read_node_selector(&mut fields, context),
    };
    fields.finish(context);
    (settings, patch)
}

/// A probe asks what the health check asks: there must be one, in a service that stays.
fn read_liveness(fields: &mut Fields<'_>, service: &compose::Service, context: &mut Context) -> bool {
    let Some(node) = fields.node("liveness") else { return false };
    let Value::Boolean(is_wanted) = node.value else {
        return wrong_type(node, "liveness", "true or false", context).unwrap_or_default();
    };
    if is_wanted && !service.has_health_check() {
        let message = "`liveness` needs a health check, and the service has none";
        let hint = "add one, as in `healthcheck = { test = [\"CMD\", \"probe\"] }`, or leave `liveness` out";
        context.error(Code::KUBERNETES, node.span, message, hint);
    }
    if let Some(mode) = service.deploy.mode.filter(|mode| is_wanted && mode.is_job()) {
        let message = format!("`liveness` needs a service that stays, but its mode is `{}`", mode.name());
        context.error(Code::KUBERNETES, node.span, message, "leave one of them out");
    }
    is_wanted
}

fn read_service_type(written: Option<&Spanned<String>>, context: &mut Context) -> ServiceType {
    const KNOWN: &[ServiceType] = &[ServiceType::ClusterIp, ServiceType::LoadBalancer, ServiceType::NodePort];
    let Some(written) = written else { return ServiceType::default() };
    let found = KNOWN.iter().find(|known| known.name() == written.value);
    if found.is_none() {
        let hint = unknown_name_hint(&written.value, "types", KNOWN.iter().map(|known| known.name()));
        context.error(
            Code::INVALID_VALUE,
            written.span,
            format!("invalid type `{}` of a Service", written.value),
            hint,
        );
    }
    found.copied().unwrap_or_default()
}

fn read_ingress(table: &Table, span: Span, context: &mut Context) -> Option<Ingress> {
    let mut fields = Fields::new(table, span, "`ingress`");
    let host = fields.required_text("host", context);
    let path = fields.text("path", context);
    let class = read_name("class", &mut fields, context);
    let tls_secret = read_name("tls-secret", &mut fields, context);
    let port = fields.integer("port", context);
    let annotations = fields.table("annotations", context).map(|(table, _)| read_annotations(table, context));
    fields.finish(context);
    let host = host?;
    let name = unescaped(&host.value)?;
    if !is_subdomain(name.strip_prefix("*.").unwrap_or(&name)) {
        let message = format!("invalid host `{name}` of an ingress");
        context.error(Code::KUBERNETES, host.span, message, "write a DNS name in lower case, as in `shop.example.com`");
    }
    let path = path.map_or_else(|| Some("/".to_owned()), |path| read_path(&path, context))?;
    let annotations = annotations.unwrap_or_default();
    let port = match &port {
        Some(port) => Some(read_port(port, context)?),
        None => None,
    };
    Some(Ingress { host: name, path, class, tls_secret, port, annotations, span: host.span })
}

fn read_path(path: &Spanned<String>, context: &mut Context) -> Option<String> {
    let text = unescaped(&path.value)?;
    if !text.starts_with('/') || text.contains("//") || text.contains("/..") {
        context.error(
            Code::KUBERNETES,
            path.span,
            format!("invalid path `{text}` of an ingress"),
            "a path begins with `/`",
        );
    }
    Some(text)
}

fn read_port(port: &Spanned<i64>, context: &mut Context) -> Option<u16> {
    let number = u16::try_from(port.value).ok().filter(|number| *number > 0);
    if number.is_none() {
        context.error(Code::INVALID_VALUE, port.span, "a port is a number from 1 to 65535", None);
    }
    number
}

fn read_annotations(table: &Table, context: &mut Context) -> BTreeMap<String, String> {
    read_texts(table, "annotation", |_| true, context)
}

fn read_node_selector(fields: &mut Fields<'_>, context: &mut Context) -> BTreeMap<String, String> {
    let Some((table, _)) = fields.table("node-selector", context) else { return BTreeMap::new() };
    read_texts(table, "label", is_label_value, context)
}

/// Texts by a key that Kubernetes takes.
fn read_texts(
    table: &Table,
    what: &str,
    is_value: impl Fn(&str) -> bool,
    context: &mut Context,
) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (key, entry) in table.iter() {
        let Some(value) = expect_text(&entry.node, key, context).and_then(unescaped) else { continue };
        if !is_label_key(key) {
            let hint = "a key is `[prefix/]name`, the prefix a DNS name, the name at most 63 of `A-Za-z0-9._-`";
            context.error(
                Code::KUBERNETES,
                entry.key_span,
                format!("invalid key `{key}` of a Kubernetes {what}"),
                hint,
            );
        } else if !is_value(&value) {
            let hint = "a value has at most 63 of `A-Za-z0-9._-`, a letter or digit first and last";
            context.error(Code::KUBERNETES, entry.node.span, format!("invalid value `{value}` of a {what}"), hint);
        }
        texts.insert(key.to_owned(), value);
    }
    texts
}

/// The name of an object of the cluster.
fn read_name(key: &'static str, fields: &mut Fields<'_>, context: &mut Context) -> Option<String> {
    let written = fields.text(key, context)?;
    let name = unescaped(&written.value)?;
    if !is_subdomain(&name) {
        let hint = "names of objects are DNS names in lower case";
        context.error(Code::KUBERNETES, written.span, format!("`{name}` cannot name an object of Kubernetes"), hint);
    }
    Some(name)
}

fn read_autoscale(
    fields: &mut Fields<'_>,
    has_patch: bool,
    service: &compose::Service,
    context: &mut Context,
) -> Option<Autoscale> {
    let (table, span) = fields.table("autoscale", context)?;
    let mut fields = Fields::new(table, span, "`autoscale`");
    let min = fields.integer("min", context);
    let max = fields.integer("max", context);
    let cpu = fields.integer("cpu", context);
    fields.finish(context);
    check_scalable("autoscale", span, service, context);
    let min = min.map_or(Some(1), |min| bounded("min", &min, MAX_REPLICAS, context));
    let Some(written) = max else {
        context.error(
            Code::MISSING_KEY,
            span,
            "`autoscale` needs `max`",
            "write `autoscale = { min = 2, max = 6, cpu = 80 }`",
        );
        return None;
    };
    let (min, max) = (min?, bounded("max", &written, MAX_REPLICAS, context)?);
    if min > max {
        context.error(Code::INVALID_VALUE, written.span, "`max` is smaller than `min`", None);
    }
    let Resources { limits, reservations } = &service.resources;
    if !has_patch && limits.cpus.or(reservations.cpus).is_none() {
        let hint = "add `deploy.resources.reservations.cpus` (or `limits.cpus`)";
        context.error(
            Code::KUBERNETES,
            span,
            "`autoscale` compares the CPU in use with the CPU reserved, and none is",
            hint,
        );
    }
    // The default of the `HorizontalPodAutoscaler` that `kubectl autoscale` makes.
    let cpu_percent = cpu.map_or(Some(80), |cpu| bounded("cpu", &cpu, MAX_REPLICAS, context))?;
    Some(Autoscale { min, max, cpu_percent })
}

fn bounded(key: &str, number: &Spanned<i64>, most: i64, context: &mut Context) -> Option<u32> {
    let found = u32::try_from(number.value).ok().filter(|_| (1..=most).contains(&number.value));
    if found.is_none() {
        context.error(Code::INVALID_VALUE, number.span, format!("`{key}` is a number from 1 to {most}"), None);
    }
    found
}

/// Jobs end, and a global service has as many replicas as there are nodes.
fn check_scalable(key: &str, span: Span, service: &compose::Service, context: &mut Context) {
    if let Some(mode) = service.deploy.mode.filter(|mode| *mode != Mode::Replicated) {
        let message = format!("`{key}` needs a service with replicas, but its mode is `{}`", mode.name());
        context.error(Code::KUBERNETES, span, message, "leave one of them out");
    }
}

fn read_disruption_budget(
    table: &Table,
    span: Span,
    service: &compose::Service,
    context: &mut Context,
) -> Option<DisruptionBudget> {
    let mut fields = Fields::new(table, span, "`disruption-budget`");
    let min = fields.node("min-available").and_then(|node| read_amount(node, "min-available", context));
    let max = fields.node("max-unavailable").and_then(|node| read_amount(node, "max-unavailable", context));
    fields.finish(context);
    check_scalable("disruption-budget", span, service, context);
    match (min, max) {
        (Some(min), None) => Some(DisruptionBudget::MinAvailable(min)),
        (None, Some(max)) => Some(DisruptionBudget::MaxUnavailable(max)),
        _ => {
            let message = "`disruption-budget` takes one of `min-available` and `max-unavailable`";
            context.error(Code::KUBERNETES, span, message, None);
            None
        }
    }
}

/// A number, or a percentage as a text.
fn read_amount(node: &Node, key: &str, context: &mut Context) -> Option<String> {
    let amount = match &node.value {
        Value::Integer(number @ 0..=MAX_REPLICAS) => Some(number.to_string()),
        Value::Text(text) => {
            let percent = text.strip_suffix('%').and_then(|digits| digits.parse::<u8>().ok());
            percent.filter(|percent| *percent <= 100).map(|_| text.clone())
        }
        _ => None,
    };
    if amount.is_none() {
        let message = format!("`{key}` is a number of replicas, or a percentage such as `\"50%\"`");
        context.error(Code::INVALID_VALUE, node.span, message, None);
    }
    amount
}
