//! Ingress: how HTTP reaches a service by name.

use serde_json::{Value as Json, json};

use crate::plan::{Ingress, Service};

use super::object::{Object, Scene, map, name, set};
use super::ports;

/// The Ingress of a service, when the spec has one.
pub(super) fn of(scene: &Scene<'_>, service: &Service) -> Option<Object> {
    let ingress = service.kubernetes.ingress.as_ref()?;
    let port = port(service, ingress)?;
    let backend = json!({ "service": { "name": name(service), "port": { "number": port } } });
    let path = json!({ "path": ingress.path, "pathType": "Prefix", "backend": backend });
    let mut spec = map(json!({ "rules": [{ "host": ingress.host, "http": { "paths": [path] } }] }));
    set(&mut spec, "ingressClassName", ingress.class.as_deref().map_or(Json::Null, Json::from));
    if let Some(secret) = &ingress.tls_secret {
        spec.insert("tls".to_owned(), json!([{ "hosts": [ingress.host], "secretName": secret }]));
    }
    let annotations = ingress.annotations.iter().map(|(key, value)| (key.clone(), json!(value)));
    let body = json!({ "spec": spec });
    let object = Object::of_service(scene, service, "Ingress", &name(service), body);
    Some(object.annotated(annotations))
}

/// The port of the container that speaks HTTP: the one that is written, or the only one there is.
fn port(service: &Service, ingress: &Ingress) -> Option<u16> {
    let known = || ports::known(service).into_iter().find(|port| port.protocol == "TCP");
    ingress.port.or_else(|| known().map(|port| port.target))
}
