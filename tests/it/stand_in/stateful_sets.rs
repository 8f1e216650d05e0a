//! `StatefulSets`: pods with a number and claims of their own, one after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::controllers::{children, create, delete, key_of, make, number, pod_of};
use super::kinds::kind;
use super::pods::{is_available, is_ready};
use super::store::{Key, Store, letters};

const REVISION: &str = "controller-revision-hash";
const NUMBER: &str = "apps.kubernetes.io/pod-index";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// One step of one `StatefulSet`.
pub(super) fn step(store: &mut Store, set: &Value) {
    let name = set["metadata"]["name"].as_str().unwrap_or_default();
    let revision = format!("{name}-{}", letters(&set["spec"]["template"].to_string(), 10));
    let pods = children(store, set, kind("Pod"));
    let wanted = number(&set["spec"]["replicas"]);
    let is_free = set["spec"]["podManagementPolicy"] == "Parallel";
    let mut is_settled = true;
    for index in 0..wanted {
        let pod = pods.iter().find(|pod| index_of(pod) == Some(index));
        is_settled &= pod.is_some_and(|pod| is_ready(pod) && is_staying(pod));
        if pod.is_none() {
            make_pod(store, set, name, index, &revision);
        }
        if !is_settled && !is_free {
            break;
        }
    }
    let surplus = pods.iter().filter(|pod| index_of(pod).is_some_and(|index| index >= wanted));
    if let Some(last) = surplus.max_by_key(|pod| index_of(pod)) {
        delete(store, last);
    } else if is_settled || is_free {
        replace_one(store, set, &pods, &revision);
    }
    report(store, set, &pods, &revision);
}

fn is_staying(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_null()
}

fn index_of(pod: &Value) -> Option<u64> {
    pod["metadata"]["labels"][NUMBER].as_str().and_then(|text| text.parse().ok())
}

fn make_pod(store: &mut Store, set: &Value, name: &str, index: u64, revision: &str) {
    let pod_name = format!("{name}-{index}");
    let labels = [(REVISION, revision), (POD_NAME, &pod_name), (NUMBER, &index.to_string())];
    let mut pod = pod_of(&set["spec"]["template"], &labels);
    pod["spec"]["hostname"] = pod_name.as_str().into();
    let mut volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    let place = set["metadata"]["namespace"].as_str().unwrap_or_default();
    for template in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let volume = &template["metadata"]["name"];
        let claim = format!("{}-{pod_name}", volume.as_str().unwrap_or_default());
        volumes.push(json!({ "name": volume, "persistentVolumeClaim": { "claimName": claim } }));
        if store.get(&Key::new(kind("PersistentVolumeClaim"), place, &claim)).is_none() {
            let mut object = json!({ "metadata": template["metadata"], "spec": template["spec"] });
            object["metadata"]["name"] = claim.as_str().into();
            create(store, kind("PersistentVolumeClaim"), place, object);
        }
    }
    if !volumes.is_empty() {
        pod["spec"]["volumes"] = volumes.into();
    }
    make(store, set, kind("Pod"), &pod_name, pod);
}

/// From the highest number down, one at a time. A pod that is not ready stops it, as in the real one.
fn replace_one(store: &mut Store, set: &Value, pods: &[Arc<Value>], revision: &str) {
    if set["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return;
    }
    let first = number(&set["spec"]["updateStrategy"]["rollingUpdate"]["partition"]);
    let mut pods: Vec<_> = pods.iter().filter(|pod| index_of(pod).is_some_and(|index| index >= first)).collect();
    pods.sort_by_key(|pod| std::cmp::Reverse(index_of(pod)));
    for pod in pods {
        if pod["metadata"]["labels"][REVISION] != *revision {
            if is_staying(pod) {
                delete(store, pod);
            }
            return;
        }
        if !is_ready(pod) {
            return;
        }
    }
}

fn report(store: &mut Store, set: &Value, pods: &[Arc<Value>], revision: &str) {
    let count = |fits: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| fits(pod)).count();
    let wait = number(&set["spec"]["minReadySeconds"]);
    let updated = count(&|pod| pod["metadata"]["labels"][REVISION] == *revision);
    let known = &set["status"]["currentRevision"];
    let is_done = updated == pods.len() && pods.iter().all(|pod| is_ready(pod));
    let current = if is_done || known.is_null() { revision.into() } else { known.clone() };
    let status = json!({
        "observedGeneration": set["metadata"]["generation"], "replicas": pods.len(), "readyReplicas": count(&is_ready),
        "availableReplicas": count(&|pod| is_available(pod, wait)), "updatedReplicas": updated,
        "currentReplicas": count(&|pod| pod["metadata"]["labels"][REVISION] == current),
        "currentRevision": current, "updateRevision": revision, "collisionCount": 0,
    });
    store.change(&key_of(set), |set| set["status"] = status);
}
