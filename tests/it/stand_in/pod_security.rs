//! Pod Security admission: what a namespace with the label of an enforced level says of pods, and of workloads that would make them.
//!
//! Only the level `restricted`, and of it what a renderer could get wrong; messages are the real ones.

use serde_json::Value;

use super::kinds::{Kind, kind};
use super::status::Status;
use super::store::{Key, Store};
use super::validate;

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// The warning about an object whose pods would be refused.
pub(super) fn warning(store: &Store, of: &Kind, object: &Value) -> Option<String> {
    let (_, template) = validate::template_of(of, object)?;
    let faults = faults(store, object, &template["spec"])?;
    Some(format!("would violate PodSecurity \"restricted:latest\": {faults}"))
}

/// Refuses a pod.
pub(super) fn check(store: &Store, of: &Kind, pod: &Value) -> Result<(), Status> {
    if of.kind != "Pod" {
        return Ok(());
    }
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    match faults(store, pod, &pod["spec"]) {
        Some(faults) => {
            Err(Status::forbidden(of, name, &format!("violates PodSecurity \"restricted:latest\": {faults}")))
        }
        None => Ok(()),
    }
}

/// What the level of the namespace does not allow.
fn faults(store: &Store, object: &Value, pod: &Value) -> Option<String> {
    let place = object["metadata"]["namespace"].as_str()?;
    let namespace = store.get(&Key::new(kind("Namespace"), "", place))?;
    if namespace["metadata"]["labels"][ENFORCE] != "restricted" {
        return None;
    }
    let mut faults = Vec::new();
    for container in pod["containers"].as_array().into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        let own = &container["securityContext"];
        if own["allowPrivilegeEscalation"] != false {
            faults.push(format!("allowPrivilegeEscalation != false (container \"{name}\" must set securityContext.allowPrivilegeEscalation=false)"));
        }
        if own["runAsNonRoot"] != true && pod["securityContext"]["runAsNonRoot"] != true {
            faults.push(format!(
                "runAsNonRoot != true (pod or container \"{name}\" must set securityContext.runAsNonRoot=true)"
            ));
        }
    }
    (!faults.is_empty()).then(|| faults.join(", "))
}
