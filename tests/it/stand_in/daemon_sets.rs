//! `DaemonSets`: one pod on each node that fits.

use std::sync::Arc;

use serde_json::{Value, json};

use super::controllers::{active, children, delete, key_of, make, number, pod_of};
use super::kinds::kind;
use super::pods::{fits_node, is_available, is_ready, share};
use super::store::{Store, letters};

const REVISION: &str = "controller-revision-hash";

/// One step of one `DaemonSet`.
pub(super) fn step(store: &mut Store, set: &Value) {
    let revision = letters(&set["spec"]["template"].to_string(), 10);
    let pods = active(&children(store, set, kind("Pod")));
    let nodes = store.list(kind("Node"), None);
    let template = &set["spec"]["template"];
    let wanted: Vec<_> = nodes.iter().filter(|node| fits_node(&template["spec"], node)).collect();
    let name = format!("{}-", set["metadata"]["name"].as_str().unwrap_or_default());
    for node in &wanted {
        let node_name = &node["metadata"]["name"];
        if !pods.iter().any(|pod| pod["spec"]["nodeName"] == *node_name) {
            let mut pod = pod_of(template, &[(REVISION, &revision)]);
            pod["spec"]["nodeName"] = node_name.clone();
            make(store, set, kind("Pod"), &name, pod);
        }
    }
    let is_wanted = |pod: &Value| wanted.iter().any(|node| node["metadata"]["name"] == pod["spec"]["nodeName"]);
    for pod in pods.iter().filter(|pod| !is_wanted(pod)) {
        delete(store, pod);
    }
    replace(store, set, &pods, &revision, wanted.len() as u64);
    report(store, set, &pods, &revision, wanted.len());
}

/// Old pods go as far as not too many are missing.
fn replace(store: &mut Store, set: &Value, pods: &[Arc<Value>], revision: &str, wanted: u64) {
    let strategy = &set["spec"]["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        return;
    }
    let most = share(&strategy["rollingUpdate"]["maxUnavailable"], wanted, true).max(1);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count() as u64;
    let mut may_go = most.saturating_sub(wanted.saturating_sub(ready));
    for pod in pods.iter().filter(|pod| pod["metadata"]["labels"][REVISION] != *revision) {
        if !is_ready(pod) {
            delete(store, pod);
        } else if may_go > 0 {
            may_go -= 1;
            delete(store, pod);
        }
    }
}

fn report(store: &mut Store, set: &Value, pods: &[Arc<Value>], revision: &str, wanted: usize) {
    let count = |fits: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| fits(pod)).count();
    let wait = number(&set["spec"]["minReadySeconds"]);
    let available = count(&|pod| is_available(pod, wait));
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"], "desiredNumberScheduled": wanted,
        "currentNumberScheduled": pods.len(), "numberMisscheduled": 0, "numberReady": count(&is_ready),
        "numberAvailable": available,
        "updatedNumberScheduled": count(&|pod| pod["metadata"]["labels"][REVISION] == *revision),
    });
    if wanted > available {
        status["numberUnavailable"] = (wanted - available).into();
    }
    store.change(&key_of(set), |set| set["status"] = status);
}
