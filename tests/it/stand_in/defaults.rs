//! What the server adds to a definition that leaves it out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::store::hash;

/// Completes a definition. The object has its name and its identifier already.
pub(super) fn complete(kind: &Kind, object: &mut Value) {
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.into();
    match kind.kind {
        "Deployment" => deployment(&mut object["spec"]),
        "StatefulSet" => stateful_set(&mut object["spec"]),
        "DaemonSet" => daemon_set(&mut object["spec"]),
        "ReplicaSet" => fill(&mut object["spec"], &json!({ "replicas": 1 })),
        "Job" => job(object),
        "CronJob" => cron_job(&mut object["spec"]),
        "Pod" => pod(&mut object["spec"]),
        "Service" => service(object),
        "Secret" => secret(object),
        "Namespace" => namespace(object),
        "PersistentVolumeClaim" => {
            fill(&mut object["spec"], &json!({ "volumeMode": "Filesystem", "storageClassName": "standard" }));
        }
        "HorizontalPodAutoscaler" => fill(&mut object["spec"], &json!({ "minReplicas": 1 })),
        _ => {}
    }
    if matches!(kind.kind, "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet") {
        pod(&mut object["spec"]["template"]["spec"]);
    }
}

/// Sets what is not set; maps are filled member by member.
fn fill(value: &mut Value, defaults: &Value) {
    if value.is_null() {
        *value = defaults.clone();
        return;
    }
    let (Some(members), Some(defaults)) = (value.as_object_mut(), defaults.as_object()) else { return };
    for (name, default) in defaults {
        fill(members.entry(name.as_str()).or_insert(Value::Null), default);
    }
}

fn deployment(spec: &mut Value) {
    fill(spec, &json!({ "replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600 }));
    fill(&mut spec["strategy"], &json!({ "type": "RollingUpdate" }));
    if spec["strategy"]["type"] == "RollingUpdate" {
        fill(&mut spec["strategy"]["rollingUpdate"], &json!({ "maxSurge": "25%", "maxUnavailable": "25%" }));
    }
}

fn stateful_set(spec: &mut Value) {
    fill(spec, &json!({ "replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady" }));
    fill(&mut spec["updateStrategy"], &json!({ "type": "RollingUpdate" }));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        fill(&mut spec["updateStrategy"]["rollingUpdate"], &json!({ "partition": 0 }));
    }
    for claim in items(&mut spec["volumeClaimTemplates"]) {
        fill(claim, &json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": { "phase": "Pending" } }));
        fill(&mut claim["spec"], &json!({ "volumeMode": "Filesystem" }));
    }
}

fn daemon_set(spec: &mut Value) {
    fill(spec, &json!({ "revisionHistoryLimit": 10 }));
    fill(&mut spec["updateStrategy"], &json!({ "type": "RollingUpdate" }));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        fill(&mut spec["updateStrategy"]["rollingUpdate"], &json!({ "maxSurge": 0, "maxUnavailable": 1 }));
    }
}

/// A Job finds its pods by its own identifier.
fn job(object: &mut Value) {
    let (name, uid) = (object["metadata"]["name"].clone(), object["metadata"]["uid"].clone());
    let spec = &mut object["spec"];
    let plain = json!({
        "backoffLimit": 6, "completionMode": "NonIndexed", "completions": 1, "manualSelector": false,
        "parallelism": 1, "podReplacementPolicy": "TerminatingOrFailed", "suspend": false,
    });
    fill(spec, &plain);
    fill(&mut spec["selector"], &json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } }));
    let labels = json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name,
        "controller-uid": uid, "job-name": name,
    });
    fill(&mut spec["template"]["metadata"]["labels"], &labels);
    pod(&mut spec["template"]["spec"]);
}

fn cron_job(spec: &mut Value) {
    let plain = json!({
        "concurrencyPolicy": "Allow", "failedJobsHistoryLimit": 1, "successfulJobsHistoryLimit": 3, "suspend": false,
    });
    fill(spec, &plain);
    pod(&mut spec["jobTemplate"]["spec"]["template"]["spec"]);
}

fn pod(spec: &mut Value) {
    let plain = json!({
        "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
        "securityContext": {}, "terminationGracePeriodSeconds": 30,
    });
    fill(spec, &plain);
    if spec["serviceAccountName"].is_string() {
        let name = spec["serviceAccountName"].clone();
        fill(&mut spec["serviceAccount"], &name);
    }
    for list in ["containers", "initContainers"] {
        items(&mut spec[list]).for_each(container);
    }
    for volume in items(&mut spec["volumes"]) {
        for source in ["configMap", "secret", "projected"] {
            if volume[source].is_object() {
                fill(&mut volume[source], &json!({ "defaultMode": 0o644 }));
            }
        }
    }
    for list in ["containers", "initContainers", "volumes"] {
        drop_null(spec, list);
    }
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let is_latest = image.ends_with(":latest") || !image.rsplit('/').next().unwrap_or_default().contains([':', '@']);
    let plain = json!({
        "imagePullPolicy": if is_latest { "Always" } else { "IfNotPresent" }, "resources": {},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    fill(container, &plain);
    items(&mut container["ports"]).for_each(|port| fill(port, &json!({ "protocol": "TCP" })));
    drop_null(container, "ports");
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if container[probe].is_object() {
            let plain =
                json!({ "failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1 });
            fill(&mut container[probe], &plain);
        } else {
            drop_null(container, probe);
        }
    }
}

fn service(object: &mut Value) {
    let address = &hash(&object["metadata"]["uid"].to_string())[..4];
    let number = u16::from_str_radix(address, 16).unwrap_or_default();
    let address = format!("10.96.{}.{}", number >> 8, number & 0xff);
    let spec = &mut object["spec"];
    let plain = json!({
        "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None", "type": "ClusterIP",
    });
    fill(spec, &plain);
    if spec["type"] != "ExternalName" {
        fill(&mut spec["clusterIP"], &address.into());
        let address = spec["clusterIP"].clone();
        fill(&mut spec["clusterIPs"], &json!([address]));
    }
    for port in items(&mut spec["ports"]) {
        let number = port["port"].clone();
        fill(port, &json!({ "protocol": "TCP", "targetPort": number }));
    }
    drop_null(spec, "ports");
}

/// What is given as text is kept encoded.
fn secret(object: &mut Value) {
    fill(object, &json!({ "type": "Opaque" }));
    let Some(texts) = object.as_object_mut().and_then(|members| members.remove("stringData")) else { return };
    for (name, text) in texts.as_object().into_iter().flatten() {
        object["data"][name.as_str()] = STANDARD.encode(text.as_str().unwrap_or_default()).into();
    }
}

fn namespace(object: &mut Value) {
    let name = object["metadata"]["name"].clone();
    fill(&mut object["metadata"]["labels"], &json!({ "kubernetes.io/metadata.name": name }));
    fill(&mut object["spec"], &json!({ "finalizers": ["kubernetes"] }));
    fill(&mut object["status"], &json!({ "phase": "Active" }));
}

fn items(list: &mut Value) -> impl Iterator<Item = &mut Value> {
    list.as_array_mut().into_iter().flatten()
}

/// Looking into a member that is not there leaves a null behind.
fn drop_null(value: &mut Value, name: &str) {
    if let Some(members) = value.as_object_mut().filter(|members| members.get(name).is_some_and(Value::is_null)) {
        members.remove(name);
    }
}
