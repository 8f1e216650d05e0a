//! The pods of a service.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::compose::Duration;
use crate::name::Label;
use crate::plan::{Service, ServiceKind};

use super::definition::Definition;
use super::labels::{self, Written};
use super::object::{Scene, map, set};
use super::volumes::Volumes;
use super::{account, container, placement, security};

/// The template of the pods.
pub(super) fn template(scene: &Scene<'_>, service: &Service, definition: &Definition) -> Json {
    let Written { labels, annotations } = labels::written(definition, &[&["labels"], &["annotations"]]);
    let written = Written { labels, annotations: Map::new() };
    let mut metadata = map(json!({ "labels": labels::of_pods(scene, service, &written) }));
    set(&mut metadata, "annotations", annotations);
    json!({ "metadata": metadata, "spec": spec(scene, service, definition) })
}

fn spec(scene: &Scene<'_>, service: &Service, definition: &Definition) -> Map<String, Json> {
    let volumes = Volumes::of(scene, service);
    let has_volumes = volumes.of_container.iter().any(|mount| mount["readOnly"] != json!(true));
    let mut spec = map(json!({
        // Kubernetes would set variables such as `WEB_PORT`, which programs take for settings of their own.
        "enableServiceLinks": false,
        "securityContext": security::of_pod(service, definition, has_volumes),
        "containers": [container::of(service, definition, &volumes)],
    }));
    spec.extend(account::of_pod(scene, service));
    if service.kind == ServiceKind::Job {
        spec.insert("restartPolicy".to_owned(), json!("Never"));
    }
    set(&mut spec, "volumes", volumes.of_pod);
    let grace = service.compose.stop_grace_period.map(Duration::seconds);
    set(&mut spec, "terminationGracePeriodSeconds", grace.map_or(Json::Null, Json::from));
    let hostname = definition.text(&["hostname"]).filter(|name| Label::parse(name).is_some());
    set(&mut spec, "hostname", hostname.map_or(Json::Null, Json::from));
    set(&mut spec, "runtimeClassName", definition.text(&["runtime"]).map_or(Json::Null, Json::from));
    set(&mut spec, "hostAliases", host_aliases(service));
    set(&mut spec, "dnsConfig", dns(definition));
    add_host_namespaces(&mut spec, definition);
    placement::add(&mut spec, scene, service, definition);
    spec
}

/// `extra_hosts`, by address; `host-gateway` is the engine's host, which a pod does not have.
fn host_aliases(service: &Service) -> Vec<Json> {
    let mut names: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for host in &service.compose.extra_hosts {
        if let Some(address) = host.address {
            names.entry(address.to_string()).or_default().push(&host.name);
        }
    }
    names.into_iter().map(|(address, names)| json!({ "ip": address, "hostnames": names })).collect()
}

/// The cluster's own name server stays: services are found through it.
fn dns(definition: &Definition) -> Map<String, Json> {
    let mut dns = Map::new();
    set(&mut dns, "nameservers", definition.texts(&["dns"]));
    set(&mut dns, "searches", definition.texts(&["dns_search"]));
    let option = |text: String| match text.split_once(':') {
        Some((name, value)) => json!({ "name": name, "value": value }),
        None => json!({ "name": text }),
    };
    set(&mut dns, "options", definition.texts(&["dns_opt"]).into_iter().map(option).collect::<Json>());
    dns
}

fn add_host_namespaces(spec: &mut Map<String, Json>, definition: &Definition) {
    for (key, name) in [("network_mode", "hostNetwork"), ("pid", "hostPID"), ("ipc", "hostIPC")] {
        if definition.text(&[key]).as_deref() == Some("host") {
            spec.insert(name.to_owned(), json!(true));
        }
    }
    if spec.contains_key("hostNetwork") {
        spec.insert("dnsPolicy".to_owned(), json!("ClusterFirstWithHostNet"));
    }
    if definition.text(&["userns_mode"]).as_deref() == Some("host") {
        spec.insert("hostUsers".to_owned(), json!(true));
    }
}
