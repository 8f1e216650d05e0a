//! `ReplicaSets`: so many pods of a template, and no more.

use std::sync::Arc;

use serde_json::{Value, json};

use super::controllers::{active, children, delete, key_of, make, number, pod_of};
use super::kinds::kind;
use super::pods;
use super::store::Store;

/// One step of one `ReplicaSet`.
pub(super) fn step(store: &mut Store, set: &Value) {
    let mut running = active(&children(store, set, kind("Pod")));
    let wanted = usize::try_from(number(&set["spec"]["replicas"])).unwrap_or(usize::MAX);
    // Who is not ready goes first.
    running.sort_by_key(|pod| !pods::is_ready(pod));
    for pod in running.iter().skip(wanted) {
        delete(store, pod);
    }
    running.truncate(wanted);
    let prefix = format!("{}-", set["metadata"]["name"].as_str().unwrap_or_default());
    for _ in running.len()..wanted {
        let pod = pod_of(&set["spec"]["template"], &[]);
        running.extend(make(store, set, kind("Pod"), &prefix, pod));
    }
    let status = status(set, &running);
    store.change(&key_of(set), |set| set["status"] = status);
}

fn status(set: &Value, running: &[Arc<Value>]) -> Value {
    let count = |fits: &dyn Fn(&Value) -> bool| running.iter().filter(|pod| fits(pod)).count();
    let wait = number(&set["spec"]["minReadySeconds"]);
    json!({
        "replicas": running.len(), "fullyLabeledReplicas": running.len(), "readyReplicas": count(&pods::is_ready),
        "availableReplicas": count(&|pod| pods::is_available(pod, wait)),
        "observedGeneration": set["metadata"]["generation"],
    })
}
