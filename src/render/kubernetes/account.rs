//! The account of the pods: one that may nothing, unless the spec names another.

use serde_json::{Map, Value as Json, json};

use crate::plan::Service;

use super::object::{Object, Scene, map};

/// The account of an environment's pods.
pub(super) fn of_environment(scene: &Scene<'_>) -> Object {
    let body = json!({ "automountServiceAccountToken": false });
    Object::new(scene, "ServiceAccount", scene.plan.project.as_str(), body)
}

/// What a pod says of its account. Who names one wants to use it; whether a token is mounted is then the account's own matter.
pub(super) fn of_pod(scene: &Scene<'_>, service: &Service) -> Map<String, Json> {
    match &service.kubernetes.service_account {
        Some(account) => map(json!({ "serviceAccountName": account })),
        None => map(json!({ "serviceAccountName": scene.plan.project, "automountServiceAccountToken": false })),
    }
}
