//! Network policies that say what Compose networks say.
//!
//! Nobody talks to anybody, but: pods of a common network to each other, pods of a network that is not internal to the world, everybody to
//! the name server, and the world to published ports. Policies add up, so each says one of these.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::plan::{DEFAULT_DENY, NAME_SERVER, Service, policy_of_network, policy_of_service};

use super::definition;
use super::labels;
use super::object::{self, Object, Scene};
use super::ports::{self, Port};

/// Where node-local name servers listen (`k8s.io/dns`, node-local-dns).
const LINK_LOCAL: &str = "169.254.0.0/16";

/// The policies that belong to no single service.
pub(super) fn of_environment(scene: &Scene<'_>) -> Vec<Object> {
    let everything = json!({ "matchLabels": labels::constant(scene) });
    let deny = json!({ "podSelector": everything, "policyTypes": ["Ingress", "Egress"] });
    let mut policies = vec![policy(scene, DEFAULT_DENY, &deny)];
    let members = scene.shared.members();
    let connected: BTreeSet<_> = members.values().flatten().map(|service| object::name(service)).collect();
    if !connected.is_empty() {
        policies.push(policy(scene, NAME_SERVER, &name_server(scene, &connected)));
    }
    for (network, services) in &members {
        let names = services.iter().map(|service| object::name(service)).collect();
        policies.push(policy(scene, &policy_of_network(network), &of_network(scene, network, &names)));
    }
    policies
}

/// The policy of a service's published ports, and of the one that its ingress leads to: open to all.
pub(super) fn of_service(scene: &Scene<'_>, service: &Service) -> Option<Object> {
    let mut open = ports::by_target(ports::published(service));
    let ingress = service.kubernetes.ingress.as_ref();
    let by_ingress =
        ingress.and_then(|ingress| ingress.port).filter(|target| !open.iter().any(|port| port.target == *target));
    open.extend(by_ingress.map(Port::tcp));
    if ingress.is_some() && open.is_empty() {
        open = ports::known(service);
    }
    if open.is_empty() {
        return None;
    }
    let ports: Vec<_> = open.iter().map(|port| json!({ "port": port.target, "protocol": port.protocol })).collect();
    let spec = json!({
        "podSelector": { "matchLabels": labels::selector(scene, service) },
        "policyTypes": ["Ingress"],
        "ingress": [{ "ports": ports }],
    });
    let name = policy_of_service(service);
    Some(Object::of_service(scene, service, "NetworkPolicy", &name, json!({ "spec": spec })))
}

fn policy(scene: &Scene<'_>, name: &str, spec: &Json) -> Object {
    Object::new(scene, "NetworkPolicy", name, json!({ "spec": spec }))
}

/// The pods of some services.
fn pods(scene: &Scene<'_>, services: &BTreeSet<String>) -> Json {
    json!({
        "matchLabels": labels::constant(scene),
        "matchExpressions": [{ "key": "io.bootsmith.service", "operator": "In", "values": services }],
    })
}

fn name_server(scene: &Scene<'_>, services: &BTreeSet<String>) -> Json {
    json!({
        "podSelector": pods(scene, services),
        "policyTypes": ["Egress"],
        "egress": [{
            "to": [{ "namespaceSelector": {} }, { "ipBlock": { "cidr": LINK_LOCAL } }],
            "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }],
        }],
    })
}

fn of_network(scene: &Scene<'_>, network: &str, services: &BTreeSet<String>) -> Json {
    let known = scene.environment.networks.iter().find(|(name, _)| name.as_str() == network).map(|(_, known)| known);
    let is_internal =
        known.is_some_and(|known| known.definition.to_json().get("internal").is_some_and(definition::is_true));
    let mut from = vec![json!({ "podSelector": pods(scene, services) })];
    // Others are on an external network too: nobody here knows who.
    if known.is_some_and(|known| known.external) {
        from.push(json!({ "namespaceSelector": {} }));
    }
    let mut egress = vec![json!({ "to": from })];
    if !is_internal {
        egress.push(json!({ "to": [{ "ipBlock": { "cidr": "0.0.0.0/0" } }, { "ipBlock": { "cidr": "::/0" } }] }));
    }
    let spec: Map<String, Json> = Map::from_iter([
        ("podSelector".to_owned(), pods(scene, services)),
        ("policyTypes".to_owned(), json!(["Ingress", "Egress"])),
        ("ingress".to_owned(), json!([{ "from": from }])),
        ("egress".to_owned(), Json::from(egress)),
    ]);
    Json::from(spec)
}
