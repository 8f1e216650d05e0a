//! Services: how pods are reached by name inside, and by published ports outside.

use serde_json::{Map, Value as Json, json};

use crate::compose::EndpointMode;
use crate::plan::{Service, ServiceType};

use super::labels;
use super::object::{Object, Scene, map, set};
use super::ports::{self, Port};

/// The Services of a service: under its own name, under its aliases, and for those outside.
pub(super) fn of(scene: &Scene<'_>, service: &Service) -> Vec<Object> {
    let mut ports = ports::known(service);
    let by_ingress = service.kubernetes.ingress.as_ref().and_then(|ingress| ingress.port);
    let is_new = |target: &u16| !ports.iter().any(|port| port.target == *target && port.protocol == "TCP");
    ports.extend(by_ingress.filter(is_new).map(Port::tcp));
    let mut services = Vec::new();
    let names = scene.shared.names_inside(service);
    services.extend(names.iter().map(|name| inside(scene, service, name, &ports)));
    services.extend(outside(scene, service));
    services
}

/// A name that resolves. Where no port is known, or where the spec says so, it resolves to the pods themselves, so that every port is reached.
fn inside(scene: &Scene<'_>, service: &Service, name: &str, ports: &[Port]) -> Object {
    let mut spec = map(json!({ "selector": labels::selector(scene, service) }));
    let is_headless = ports.is_empty() || service.compose.deploy.endpoint_mode == Some(EndpointMode::DnsRr);
    if is_headless {
        spec.insert("clusterIP".to_owned(), json!("None"));
    }
    spec.insert("type".to_owned(), json!("ClusterIP"));
    set(&mut spec, "ports", ports.iter().map(|port| Json::from(port.of_service())).collect::<Json>());
    Object::of_service(scene, service, "Service", name, json!({ "spec": spec }))
}

/// Published ports, as `service-type` says.
fn outside(scene: &Scene<'_>, service: &Service) -> Option<Object> {
    let name = scene.shared.published_name(service)?;
    let service_type = service.kubernetes.service_type;
    let ports = ports::published(service);
    let entries: Vec<Json> = (0..ports.len()).map(|index| Json::from(entry(&ports, index, service_type))).collect();
    let spec = json!({ "type": service_type.name(), "selector": labels::selector(scene, service), "ports": entries });
    Some(Object::of_service(scene, service, "Service", &name, json!({ "spec": spec })))
}

fn entry(ports: &[Port], index: usize, service_type: ServiceType) -> Map<String, Json> {
    /// What the API server gives to node ports unless it is configured otherwise.
    const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
    let (earlier, port) = (&ports[..index], &ports[index]);
    let mut entry = port.of_published(!earlier.iter().any(|other| other.has_target_of(port)));
    let node_port = port.published.filter(|port| service_type == ServiceType::NodePort && NODE_PORTS.contains(port));
    set(&mut entry, "nodePort", node_port.map_or(Json::Null, Json::from));
    entry
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every way to write two numbers outside, two inside and two protocols, three at a time.
    #[test]
    fn every_published_port_exists_once_and_has_a_name_of_its_own() {
        let written: Vec<String> = ["", "80:", "90:"]
            .iter()
            .flat_map(|outside| ["80", "90", "80/udp"].iter().map(move |inside| format!("{outside}{inside}")))
            .collect();
        let mut seen = 0;
        for (first, second, third) in triples(&written) {
            let ports = ports::published_by(&[first, second, third]);
            let collide = |index: usize| ports[..index].iter().any(|port| port.collides_with(&ports[index]));
            if (0..ports.len()).any(collide) {
                continue;
            }
            let entries: Vec<_> =
                (0..ports.len()).map(|index| entry(&ports, index, ServiceType::LoadBalancer)).collect();
            let names: BTreeSet<_> = entries.iter().map(|entry| entry["name"].as_str()).collect();
            let led: BTreeSet<_> =
                entries.iter().map(|entry| led(&entry["port"], &entry["targetPort"], &entry["protocol"])).collect();
            let wanted: BTreeSet<_> = [first, second, third].into_iter().map(wanted).collect();
            assert_eq!((names.len(), &led), (entries.len(), &wanted), "{first} {second} {third}");
            seen += 1;
        }
        assert!(seen > 100, "{seen}");
    }

    fn triples(all: &[String]) -> impl Iterator<Item = (&str, &str, &str)> {
        all.iter().flat_map(move |first| {
            all.iter()
                .flat_map(move |second| all.iter().map(move |third| (first.as_str(), second.as_str(), third.as_str())))
        })
    }

    fn led(port: &Json, target: &Json, protocol: &Json) -> String {
        format!("{port} {target} {}", protocol.as_str().unwrap_or_default())
    }

    fn wanted(text: &str) -> String {
        let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (outside, inside) = numbers.split_once(':').unwrap_or((numbers, numbers));
        format!("{outside} {inside} {}", protocol.to_ascii_uppercase())
    }
}
