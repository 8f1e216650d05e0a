//! The bootstrap image inside of the cluster: an account, what it may do in the one namespace, and a Job.
//!
//! Nobody applies it but the operator. What the account may touch is computed from the objects of the environment.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use crate::plan::Platform;
use crate::render::release_data;

use super::object::{Object, Scene};

/// The name of everything here.
const NAME: &str = "bootstrap";

/// The Secret with the parameters that the operator gives, key by name.
const PARAMETERS: &str = "bootstrap-parameters";

/// Nobody: the entrypoint needs no rights on its own file system but a place for temporary files.
const USER: u32 = 65_532;

/// What the entrypoint keeps and reads, whatever the environment has. Group, resource, verbs.
const ALWAYS: &[(&str, &str, &[&str])] = &[
    ("", "configmaps", MANAGE),
    ("", "events", LOOK),
    ("", "pods", LOOK),
    ("", "pods/exec", &["create"]),
    ("", "pods/log", &["get"]),
    ("", "secrets", MANAGE),
    ("batch", "jobs", MANAGE),
    ("coordination.k8s.io", "leases", MANAGE),
];

const LOOK: &[&str] = &["get", "list", "watch"];
const MANAGE: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];

/// The objects, those that the Job needs first.
pub(super) fn of(scene: &Scene<'_>, objects: &[&Object]) -> Vec<Object> {
    let role = json!({ "rules": rules(objects) });
    let binding = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME },
        "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": scene.environment.target }],
    });
    let rbac = "rbac.authorization.k8s.io/v1";
    vec![
        Object::new(scene, "v1", "ServiceAccount", NAME, json!({ "automountServiceAccountToken": false })),
        Object::new(scene, rbac, "Role", NAME, role),
        Object::new(scene, rbac, "RoleBinding", NAME, binding),
        Object::new(scene, "networking.k8s.io/v1", "NetworkPolicy", NAME, json!({ "spec": network_policy() })),
        Object::new(scene, "batch/v1", "Job", NAME, json!({ "spec": job(scene) })),
    ]
}

/// One rule for each group and set of verbs.
fn rules(objects: &[&Object]) -> Vec<Json> {
    let mut verbs: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    let mut allow = |group: &str, resource: &str, allowed: &[&'static str]| {
        verbs.entry((group.to_owned(), resource.to_owned())).or_default().extend(allowed);
    };
    for (group, resource, allowed) in ALWAYS {
        allow(group, resource, allowed);
    }
    for object in objects {
        let group = object.api_version.split_once('/').map_or("", |(group, _)| group);
        allow(group, &resource(object.kind), MANAGE);
        if matches!(object.kind, "Deployment" | "StatefulSet") {
            allow(group, &format!("{}/scale", resource(object.kind)), &["get", "patch", "update"]);
        }
    }
    let mut rules: BTreeMap<(String, BTreeSet<&str>), Vec<String>> = BTreeMap::new();
    for ((group, resource), verbs) in verbs {
        rules.entry((group, verbs)).or_default().push(resource);
    }
    let rule = |((group, verbs), resources)| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    rules.into_iter().map(rule).collect()
}

/// `NetworkPolicy` is `networkpolicies`.
fn resource(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match (lower.strip_suffix('y'), lower.ends_with('s')) {
        (Some(stem), _) => format!("{stem}ies"),
        (None, true) => format!("{lower}es"),
        (None, false) => format!("{lower}s"),
    }
}

/// The pods of the environment may not talk to the API server; this one must.
fn network_policy() -> Json {
    json!({
        "podSelector": { "matchLabels": { "io.bootsmith.kind": NAME } },
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{}],
    })
}

fn job(scene: &Scene<'_>) -> Json {
    let mut labels = super::labels::constant(scene);
    labels.insert("io.bootsmith.kind".to_owned(), json!(NAME));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_as_the_api_names_them() {
        for (kind, name) in
            [("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses"), ("Deployment", "deployments")]
        {
            assert_eq!(resource(kind), name);
        }
    }
}
