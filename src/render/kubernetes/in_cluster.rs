//! The bootstrap image inside of the cluster: an account, what it may do in the one namespace, and a Job.
//!
//! Nobody applies it but the operator. What the account may touch is in `role.rs`.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use crate::plan::{GivenObject, IN_CLUSTER as NAME, Platform};
use crate::render::release_data;

use super::object::{Object, Scene};
use super::role;

/// The Secret with the parameters that the operator gives, key by name.
const PARAMETERS: &str = "bootstrap-parameters";

/// Nobody: the entrypoint needs no rights on its own file system but a place for temporary files.
const USER: u32 = 65_532;

/// The objects, those that the Job needs first.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Object> {
    let additions = scene.environment.additions.get(&Platform::Kubernetes);
    let brought: BTreeSet<_> =
        additions.iter().flat_map(|additions| &additions.objects).map(GivenObject::resource).collect();
    let role = json!({ "rules": role::rules(&brought) });
    let binding = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME },
        "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": scene.environment.target }],
    });
    let objects = [
        Object::new(scene, "ServiceAccount", NAME, json!({ "automountServiceAccountToken": false })),
        Object::new(scene, "Role", NAME, role),
        Object::new(scene, "RoleBinding", NAME, binding),
        Object::new(scene, "NetworkPolicy", NAME, json!({ "spec": network_policy() })),
        Object::new(scene, "Job", NAME, json!({ "spec": job(scene) })),
    ];
    objects.into_iter().map(|object| object.labelled([kind()])).collect()
}

/// The label by which the entrypoint leaves these alone.
fn kind() -> (String, Json) {
    ("io.bootsmith.kind".to_owned(), json!("in-cluster"))
}

/// The pods of the environment may not talk to the API server; this one must.
fn network_policy() -> Json {
    json!({
        "podSelector": { "matchLabels": Map::from_iter([kind()]) },
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{}],
    })
}

fn job(scene: &Scene<'_>) -> Json {
    let mut labels = super::labels::constant(scene);
    labels.extend([kind()]);
    json!({
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": 86_400,
        "template": { "metadata": { "labels": labels }, "spec": pod(scene) },
    })
}

fn pod(scene: &Scene<'_>) -> Map<String, Json> {
    let container = json!({
        "name": NAME,
        "image": release_data::reference(scene.plan, Platform::Kubernetes),
        "imagePullPolicy": "IfNotPresent",
        "args": ["up", scene.environment.name],
        "envFrom": [{ "secretRef": { "name": PARAMETERS, "optional": true } }],
        "resources": {
            "requests": { "cpu": "50m", "memory": "64Mi" },
            "limits": { "cpu": "1", "memory": "256Mi" },
        },
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": { "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        },
        "volumeMounts": [{ "name": "temporary", "mountPath": "/tmp" }],
    });
    super::object::map(json!({
        "automountServiceAccountToken": true,
        "containers": [container],
        "enableServiceLinks": false,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsGroup": USER,
            "runAsNonRoot": true,
            "runAsUser": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "serviceAccountName": NAME,
        "volumes": [{ "name": "temporary", "emptyDir": {} }],
    }))
}
