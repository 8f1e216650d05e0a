//! The bootstrap image inside of the cluster: an account, what it may do in the one namespace, and a Job.
//!
//! Nobody applies it but the operator. What the account may touch is what the entrypoint asks for before it begins, `needed_permissions`
//! of `templates/entrypoint/driver/kubernetes/driver.sh`: it also removes what an older release had.

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

/// What the entrypoint handles: group, resources, verbs.
const RULES: &[(&str, &[&str], &[&str])] = &[
    ("", &["configmaps", "persistentvolumeclaims", "secrets", "serviceaccounts", "services"], MANAGE),
    ("", &["events", "pods"], LOOK),
    ("", &["pods/exec"], &["create"]),
    ("", &["namespaces", "pods/log"], &["get"]),
    ("apps", &["daemonsets", "deployments", "statefulsets"], MANAGE),
    ("autoscaling", &["horizontalpodautoscalers"], MANAGE),
    ("batch", &["cronjobs", "jobs"], MANAGE),
    ("coordination.k8s.io", &["leases"], MANAGE),
    ("networking.k8s.io", &["ingresses", "networkpolicies"], MANAGE),
    ("policy", &["poddisruptionbudgets"], MANAGE),
];

const LOOK: &[&str] = &["get", "list", "watch"];
const MANAGE: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];

/// The objects, those that the Job needs first.
pub(super) fn of(scene: &Scene<'_>) -> Vec<Object> {
    let rule = |(group, resources, verbs): &(&str, &[&str], &[&str])| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
    let role = json!({ "rules": RULES.iter().map(rule).collect::<Vec<_>>() });
    let binding = json!({
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME },
        "subjects": [{ "kind": "ServiceAccount", "name": NAME, "namespace": scene.environment.target }],
    });
    let rbac = "rbac.authorization.k8s.io/v1";
    let objects = [
        Object::new(scene, "v1", "ServiceAccount", NAME, json!({ "automountServiceAccountToken": false })),
        Object::new(scene, rbac, "Role", NAME, role),
        Object::new(scene, rbac, "RoleBinding", NAME, binding),
        Object::new(scene, "networking.k8s.io/v1", "NetworkPolicy", NAME, json!({ "spec": network_policy() })),
        Object::new(scene, "batch/v1", "Job", NAME, json!({ "spec": job(scene) })),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_holds_every_kind_that_the_entrypoint_asks_for() {
        let driver = include_str!("../../../templates/entrypoint/driver/kubernetes/driver.sh");
        let kinds: Vec<_> = ["WORKLOAD_KINDS", "OTHER_KINDS", "RECORD_KINDS"]
            .iter()
            .map(|name| {
                let line = driver.lines().find_map(|line| line.strip_prefix(&format!("readonly {name}='")));
                line.and_then(|line| line.strip_suffix('\'')).expect("the driver has the list")
            })
            .flat_map(str::split_whitespace)
            .chain(["leases.coordination.k8s.io"])
            .collect();
        assert!(kinds.len() > 10, "the lists could be read");
        for kind in kinds {
            let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
            let holds = |(of, resources, verbs): &&(&str, &[&str], &[&str])| {
                *of == group && resources.contains(&resource) && *verbs == MANAGE
            };
            assert!(RULES.iter().any(|rule| holds(&rule)), "{kind}");
        }
    }
}
