//! How many replicas there are, and how many stay when nodes are emptied.

use serde_json::{Map, Value as Json, json};

use crate::plan::{DisruptionBudget, Service, Workload, has_disruption_budget};

use super::labels;
use super::object::{Object, Scene, map, name};

/// The autoscaler of a service, when the spec has one: it owns the number of replicas.
pub(super) fn autoscaler(scene: &Scene<'_>, service: &Service, workload: Workload) -> Option<Object> {
    let autoscale = service.kubernetes.autoscale?;
    let cpu = json!({ "type": "Utilization", "averageUtilization": autoscale.cpu_percent });
    let spec = json!({
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": workload.kind(), "name": name(service) },
        "minReplicas": autoscale.min,
        "maxReplicas": autoscale.max,
        "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": cpu } }],
    });
    Some(Object::of_service(scene, service, "HorizontalPodAutoscaler", &name(service), json!({ "spec": spec })))
}

/// What stays when nodes are emptied: without a word from the spec all replicas but one.
pub(super) fn disruption_budget(scene: &Scene<'_>, service: &Service, workload: Workload) -> Option<Object> {
    if !has_disruption_budget(service, workload) {
        return None;
    }
    let (key, amount) = match &service.kubernetes.disruption_budget {
        Some(DisruptionBudget::MinAvailable(amount)) => ("minAvailable", amount_of(amount)),
        Some(DisruptionBudget::MaxUnavailable(amount)) => ("maxUnavailable", amount_of(amount)),
        None => ("maxUnavailable", json!(1)),
    };
    let mut spec: Map<String, Json> = map(json!({ "selector": { "matchLabels": labels::selector(scene, service) } }));
    spec.insert(key.to_owned(), amount);
    let body = json!({ "spec": spec });
    Some(Object::of_service(scene, service, "PodDisruptionBudget", &name(service), body))
}

/// A number, or a percentage.
fn amount_of(text: &str) -> Json {
    text.parse::<u32>().map_or_else(|_| Json::from(text), Json::from)
}
