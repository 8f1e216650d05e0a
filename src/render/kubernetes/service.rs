//! Services: how pods are reached by name inside, and by published ports outside.

use serde_json::{Map, Value as Json, json};

use crate::diagnostic::Code;
use crate::document::Context;
use crate::name::MAX_LABEL_CHARACTERS;
use crate::plan::{Service, ServiceKind, ServiceType};

use super::definition::Definition;
use super::labels;
use super::object::{Object, Scene, map, set};
use super::ports::{self, Port};

/// The Services of a service: under its own name, under its aliases, and for those outside.
pub(super) fn of(scene: &Scene<'_>, service: &Service, definition: &Definition, context: &mut Context) -> Vec<Object> {
    let mut ports = ports::known(definition);
    let by_ingress = service.kubernetes.ingress.as_ref().and_then(|ingress| ingress.port);
    let is_new = |target: &u16| !ports.iter().any(|port| port.target == *target && port.protocol == "TCP");
    ports.extend(by_ingress.filter(is_new).map(Port::tcp));
    let mut services = Vec::new();
    // A job that listens on nothing is nobody's partner.
    let is_reached = service.kind == ServiceKind::Service || !ports.is_empty();
    if is_reached && definition.text(&["network_mode"]).as_deref() != Some("none") {
        let names = std::iter::once(service.name.to_string()).chain(scene.shared.own_aliases(service, definition));
        services.extend(names.map(|name| inside(scene, service, definition, &name, &ports)));
    }
    services.extend(outside(scene, service, definition, context));
    services
}

/// A name that resolves. Where no port is known, or where the spec says so, it resolves to the pods themselves, so that every port is reached.
fn inside(scene: &Scene<'_>, service: &Service, definition: &Definition, name: &str, ports: &[Port]) -> Object {
    let mut spec = map(json!({ "selector": labels::selector(scene, service) }));
    let is_headless = ports.is_empty() || definition.text(&["deploy", "endpoint_mode"]).as_deref() == Some("dnsrr");
    if is_headless {
        spec.insert("clusterIP".to_owned(), json!("None"));
    }
    spec.insert("type".to_owned(), json!("ClusterIP"));
    set(&mut spec, "ports", ports.iter().map(|port| Json::from(port.of_service(port.target))).collect::<Json>());
    Object::of_service(scene, service, "v1", "Service", name, json!({ "spec": spec }))
}

/// Published ports, as `service-type` says.
fn outside(scene: &Scene<'_>, service: &Service, definition: &Definition, context: &mut Context) -> Option<Object> {
    let service_type = service.kubernetes.service_type;
    if service_type == ServiceType::ClusterIp {
        return None;
    }
    let ports = ports::published(definition);
    if ports.is_empty() {
        let steps = ["services", service.name.as_str(), "kubernetes", "service-type"];
        let span = scene.environment.written.deepest(steps).span;
        let message = format!("service `{}` publishes no port that a {} could open", service.name, service_type.name());
        context.error(Code::KUBERNETES, span, message, "add `ports`, as in `ports = [\"8080:80\"]`");
    }
    let entries: Vec<Json> = ports.iter().map(|port| Json::from(entry(port, service_type))).collect();
    let spec = json!({ "type": service_type.name(), "selector": labels::selector(scene, service), "ports": entries });
    let name = published_name(scene, service);
    Some(Object::of_service(scene, service, "v1", "Service", &name, json!({ "spec": spec })))
}

fn entry(port: &Port, service_type: ServiceType) -> Map<String, Json> {
    /// What the API server gives to node ports unless it is told otherwise.
    const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
    let mut entry = port.of_service(port.published.unwrap_or(port.target));
    let node_port = port.published.filter(|port| service_type == ServiceType::NodePort && NODE_PORTS.contains(port));
    set(&mut entry, "nodePort", node_port.map_or(Json::Null, Json::from));
    entry
}

/// `web-published`, or what is free.
fn published_name(scene: &Scene<'_>, service: &Service) -> String {
    /// With room for a number.
    const SUFFIX: &str = "-published";
    let name = service.name.as_str();
    let short = name[..name.len().min(MAX_LABEL_CHARACTERS - SUFFIX.len() - 2)].trim_end_matches('-');
    let first = format!("{short}{SUFFIX}");
    let numbered = (2..).map(|number| format!("{short}{SUFFIX}{number}"));
    let free = std::iter::once(first).chain(numbered).find(|name| !scene.shared.is_taken(name));
    free.expect("numbers do not end")
}
