//! What a spec says and Kubernetes alone cannot hold: it would be left out of the objects without a message, or refused by the API server.
//!
//! Takes in an environment; gives out errors at the value. Names that would resolve to nothing are a warning: elsewhere they do no harm.

use std::collections::{BTreeMap, BTreeSet};

use crate::compose::{Constraint, NodeFact, Protocol, pairs};
use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::Span;
use crate::name::{DeclaredName, Label};
use crate::plan::kubernetes_name::{is_label_key, is_label_value, is_subdomain};
use crate::plan::{Environment, Platform, SecretSource, Service, ServiceType};

/// Checks every service of an environment.
pub(in crate::plan) fn check(environment: &Environment, context: &mut Context) {
    for service in &environment.services {
        check_labels(service, context);
        check_host_name(service, context);
        check_constraints(service, context);
        check_security(service, context);
        check_published(environment, service, context);
        check_ingress(service, context);
    }
    check_aliases(environment, context);
    check_external_names(environment, context);
}

/// What the target has already is called as it is there.
fn check_external_names(environment: &Environment, context: &mut Context) {
    const HINT: &str =
        "write what the cluster calls it, as in `name = \"shop-data\"`: small letters, digits, `-` and `.`";
    let volumes = environment.volumes.iter().filter(|(_, volume)| volume.external);
    let volumes = volumes.map(|(key, volume)| ("volumes", key, &volume.name));
    let secrets = environment.secrets.iter().filter_map(|(key, secret)| match secret {
        SecretSource::External { name, .. } => Some(("secrets", key, name)),
        SecretSource::Parameter(_) | SecretSource::HostFile(_) => None,
    });
    for (section, key, name) in volumes.chain(secrets).filter(|(_, _, name)| !is_subdomain(name)) {
        let span = environment.written.deepest([section, key.as_str(), "name"]).span;
        refuse(span, name, "name of an external object", HINT, context);
    }
}

fn refuse(span: Span, text: &str, what: &str, hint: &str, context: &mut Context) {
    context.error(Code::KUBERNETES, span, format!("invalid {what} on Kubernetes: `{text}`"), hint);
}

/// A key is that of a label or of an annotation; values are annotations where they are too much for labels.
fn check_labels(service: &Service, context: &mut Context) {
    const HINT: &str = "a key is `[prefix/]name`, the prefix a DNS name, the name at most 63 of `A-Za-z0-9._-`";
    let written = &service.definition;
    let of_deploy = written.table("deploy").and_then(|deploy| deploy.get("labels"));
    for node in [written.get("labels"), written.get("annotations"), of_deploy] {
        for (key, value) in pairs(node).iter().filter(|(key, _)| !is_label_key(key)) {
            refuse(value.span, key, "key of a label or annotation", HINT, context);
        }
    }
}

fn check_host_name(service: &Service, context: &mut Context) {
    const HINT: &str = "write one word of small letters, digits and dashes: the domain is that of the namespace";
    if let Some(name) = service.compose.hostname.as_ref().filter(|name| Label::parse(&name.value).is_none()) {
        refuse(name.span, &name.value, "host name of a pod", HINT, context);
    }
}

/// Those that only a swarm knows are judged by the table.
fn check_constraints(service: &Service, context: &mut Context) {
    const HINT: &str = "a label is `node.labels.[prefix/]name`, and its value has at most 63 of `A-Za-z0-9._-`";
    for constraint in &service.compose.deploy.constraints {
        if !fits_labels(&constraint.value) {
            refuse(constraint.span, &constraint.value.to_string(), "rule on labels of nodes", HINT, context);
        }
    }
}

/// Whether a constraint can be a rule on labels of nodes, or is about nothing that has one.
fn fits_labels(Constraint { fact: NodeFact(name), value, .. }: &Constraint) -> bool {
    match name.strip_prefix("node.labels.") {
        Some(key) => is_label_key(key) && is_label_value(value),
        None => !name.starts_with("node.hostname") && !name.starts_with("node.platform.") || is_label_value(value),
    }
}

fn check_security(service: &Service, context: &mut Context) {
    const HINT: &str = "write `label=user:…`, `role`, `type` or `level`; `label=disable` is `label=type:spc_t` there";
    let labels = service.compose.security_options.iter().filter(|option| option.value.name == "label");
    for option in labels.filter(|option| option.value.se_linux().is_none()) {
        refuse(option.span, &option.value.to_string(), "SELinux option", HINT, context);
    }
}

/// What `service-type` opens: at least one port, and each under a number of its own. Elsewhere a port without a published number gets a free one; a
/// Service has it under the container's number.
fn check_published(environment: &Environment, service: &Service, context: &mut Context) {
    let kind = service.kubernetes.service_type;
    if kind == ServiceType::ClusterIp {
        return;
    }
    if service.compose.ports.is_empty() {
        let steps = ["services", service.name.as_str(), "kubernetes", "service-type"];
        let span = environment.written.deepest(steps).span;
        let message = format!("service `{}` publishes no port that a {} could open", service.name, kind.name());
        context.error(Code::KUBERNETES, span, message, "add `ports`, as in `ports = [\"8080:80\"]`");
    }
    let mut opened: BTreeMap<(u16, &str), u16> = BTreeMap::new();
    for port in &service.compose.ports {
        for (target, published) in port.each() {
            let outside = published.unwrap_or(target);
            let first = *opened.entry((outside, port.protocol.name())).or_insert(target);
            if first != target {
                let message = format!(
                    "ports {first} and {target} of service `{}` would both be port {outside} of its {}",
                    service.name,
                    kind.name()
                );
                let hint = "publish each on a number of its own, as in `8081:80`";
                context.error(Code::KUBERNETES, port.span, message, hint);
            }
        }
    }
}

/// An ingress leads to the port that it names, or to the only one there is.
fn check_ingress(service: &Service, context: &mut Context) {
    let Some(ingress) = service.kubernetes.ingress.as_ref().filter(|ingress| ingress.port.is_none()) else { return };
    let published = service.compose.ports.iter().filter(|port| port.protocol == Protocol::Tcp).map(|port| port.target);
    let exposed = service.compose.exposed.iter().filter(|port| port.protocol == Protocol::Tcp).map(|port| port.target);
    let targets: BTreeSet<u16> = published.chain(exposed).flat_map(|range| range.first..=range.last).collect();
    if targets.len() != 1 {
        let message =
            format!("service `{}` has {} ports, and its ingress does not say which", service.name, targets.len());
        context.error(Code::KUBERNETES, ingress.span, message, "add the container's port, as in `port = 80`");
    }
}

/// Aliases are names of Services: the first service that has one keeps it.
fn check_aliases(environment: &Environment, context: &mut Context) {
    let services = &environment.services;
    let mut owners: BTreeMap<String, &DeclaredName> =
        services.iter().map(|service| (service.name_on(Platform::Kubernetes), &service.name)).collect();
    for service in services {
        for alias in &service.compose.aliases {
            let owner = owners.entry(alias.value.clone()).or_insert(&service.name);
            let why = match Label::parse(&alias.value) {
                None => "a Service has a name of small letters, digits and dashes",
                Some(_) if *owner != &service.name => "another service has that name",
                Some(_) => continue,
            };
            let message = format!("`{}` does not lead to service `{}` on Kubernetes: {why}", alias.value, service.name);
            context.warning(Code::KUBERNETES, alias.span, message, "use another alias, or the service's name");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::Value as _;

    #[test]
    fn constraints_are_rules_on_labels_of_nodes() {
        let fits = |text| fits_labels(&Constraint::parse(text).expect(text));
        assert!(fits("node.labels.type == frontend") && fits("node.role==worker") && fits("engine.labels.x == a b"));
        assert!(!fits("node.labels.x == a b") && !fits("node.hostname == a b") && !fits("node.labels.a b == x"));
    }
}
