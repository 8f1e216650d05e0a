//! Deployments: a `ReplicaSet` for each template, and the way from the old ones to the new.

use std::sync::Arc;

use serde_json::{Value, json};

use super::controllers::{children, condition, delete, key_of, make, number};
use super::kinds::kind;
use super::pods::share;
use super::store::{Store, letters, now, seconds_since};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

/// One step of one Deployment.
pub(super) fn step(store: &mut Store, deployment: &Value) {
    let hash = letters(&deployment["spec"]["template"].to_string(), 10);
    let sets = children(store, deployment, kind("ReplicaSet"));
    let (new, old): (Vec<_>, Vec<_>) = sets.into_iter().partition(|set| set["metadata"]["labels"][HASH] == *hash);
    let Some(new) = new.into_iter().next().or_else(|| make_set(store, deployment, &hash)) else { return };
    if deployment["spec"]["paused"] != true {
        number_revision(store, deployment, &new, &old);
        move_replicas(store, deployment, &new, &old);
    }
    trim(store, deployment, &old);
    report(store, deployment, &new, &old);
}

fn make_set(store: &mut Store, deployment: &Value, hash: &str) -> Option<Arc<Value>> {
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"][HASH] = hash.into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = hash.into();
    let set = json!({
        "metadata": { "labels": template["metadata"]["labels"] },
        "spec": { "replicas": 0, "selector": selector, "template": template },
    });
    let name = format!("{}-{hash}", deployment["metadata"]["name"].as_str().unwrap_or_default());
    make(store, deployment, kind("ReplicaSet"), &name, set)
}

/// A template that comes back gets a new number.
fn number_revision(store: &mut Store, deployment: &Value, new: &Value, old: &[Arc<Value>]) {
    let revision = |set: &Value| {
        let text = set["metadata"]["annotations"][REVISION].as_str();
        text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    let wanted = old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let wanted = wanted.max(revision(new)).to_string();
    for object in [new, deployment] {
        store.change(&key_of(object), |object| object["metadata"]["annotations"][REVISION] = wanted.as_str().into());
    }
}

fn replicas(set: &Value) -> u64 {
    number(&set["spec"]["replicas"])
}

fn available(set: &Value) -> u64 {
    number(&set["status"]["availableReplicas"])
}

fn scale(store: &mut Store, set: &Value, wanted: u64) {
    if replicas(set) != wanted {
        store.change(&key_of(set), |set| {
            set["spec"]["replicas"] = wanted.into();
            set["metadata"]["generation"] = (number(&set["metadata"]["generation"]) + 1).into();
        });
    }
}

fn move_replicas(store: &mut Store, deployment: &Value, new: &Value, old: &[Arc<Value>]) {
    let wanted = number(&deployment["spec"]["replicas"]);
    let strategy = &deployment["spec"]["strategy"];
    if strategy["type"] == "Recreate" {
        for set in old {
            scale(store, set, 0);
        }
        let is_clear = old.iter().all(|set| number(&set["status"]["replicas"]) == 0);
        scale(store, new, if is_clear { wanted } else { replicas(new) });
        return;
    }
    let surge = share(&strategy["rollingUpdate"]["maxSurge"], wanted, true);
    let most = share(&strategy["rollingUpdate"]["maxUnavailable"], wanted, false);
    let unavailable = if surge == 0 && most == 0 { 1 } else { most };
    let total = replicas(new) + old.iter().map(|set| replicas(set)).sum::<u64>();
    let room = (wanted + surge).saturating_sub(total);
    let new_wanted = if old.iter().all(|set| replicas(set) == 0) { wanted } else { wanted.min(replicas(new) + room) };
    scale(store, new, new_wanted);
    shrink(store, wanted.saturating_sub(unavailable), new, old);
}

/// Old pods go as far as enough others are available; those that are not available themselves go first.
fn shrink(store: &mut Store, needed: u64, new: &Value, old: &[Arc<Value>]) {
    let new_unavailable = replicas(new).saturating_sub(available(new));
    let total = replicas(new) + old.iter().map(|set| replicas(set)).sum::<u64>();
    let mut may_go = total.saturating_sub(needed + new_unavailable);
    let mut surplus = (available(new) + old.iter().map(|set| available(set)).sum::<u64>()).saturating_sub(needed);
    for set in old {
        let sick = replicas(set).saturating_sub(available(set)).min(may_go);
        may_go -= sick;
        let healthy = (replicas(set) - sick).min(surplus).min(may_go);
        may_go -= healthy;
        surplus -= healthy;
        scale(store, set, replicas(set) - sick - healthy);
    }
}

fn trim(store: &mut Store, deployment: &Value, old: &[Arc<Value>]) {
    let mut empty: Vec<_> =
        old.iter().filter(|set| replicas(set) == 0 && number(&set["status"]["replicas"]) == 0).collect();
    empty.sort_by_key(|set| std::cmp::Reverse(set["metadata"]["creationTimestamp"].to_string()));
    let limit = usize::try_from(number(&deployment["spec"]["revisionHistoryLimit"])).unwrap_or(usize::MAX);
    for set in empty.into_iter().skip(limit) {
        delete(store, set);
    }
}

fn report(store: &mut Store, deployment: &Value, new: &Value, old: &[Arc<Value>]) {
    let sum = |field: &str| {
        let of = |set: &Value| number(&set["status"][field]);
        of(new) + old.iter().map(|set| of(set)).sum::<u64>()
    };
    let (total, ready, available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let updated = number(&new["status"]["replicas"]);
    let before = deployment["status"].clone();
    let mut status = json!({
        "observedGeneration": deployment["metadata"]["generation"], "replicas": total, "updatedReplicas": updated,
        "readyReplicas": ready, "availableReplicas": available,
    });
    let wanted = number(&deployment["spec"]["replicas"]);
    if total.max(wanted) > available {
        status["unavailableReplicas"] = (total.max(wanted) - available).into();
    }
    let is_done = updated == wanted && total == wanted && available == wanted;
    let least = share(&deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], wanted, false);
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    status["conditions"] = json!([
        availability(&before, available >= wanted.saturating_sub(least)),
        progress(&before, &status, deployment, is_done, name),
    ]);
    store.change(&key_of(deployment), |deployment| deployment["status"] = status);
}

fn availability(before: &Value, is_available: bool) -> Value {
    let (reason, message) = if is_available {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    condition(before, "Available", is_available, reason, message)
}

/// Progress is any change of the numbers; without one for the deadline it has failed.
fn progress(before: &Value, status: &Value, deployment: &Value, is_done: bool, set: &str) -> Value {
    let numbers = |status: &Value| {
        ["observedGeneration", "updatedReplicas", "readyReplicas", "availableReplicas"].map(|name| status[name].clone())
    };
    let known =
        before["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == "Progressing");
    let last = known.map_or(Value::Null, |condition| condition["lastUpdateTime"].clone());
    let moved = numbers(before) != numbers(status) || last.is_null();
    let deadline = number(&deployment["spec"]["progressDeadlineSeconds"]);
    let since = if moved { now().into() } else { last };
    let mut condition = if is_done {
        let message = format!("ReplicaSet \"{set}\" has successfully progressed.");
        condition(before, "Progressing", true, "NewReplicaSetAvailable", &message)
    } else if seconds_since(&since) > deadline {
        let message = format!("ReplicaSet \"{set}\" has timed out progressing.");
        condition(before, "Progressing", false, "ProgressDeadlineExceeded", &message)
    } else {
        let message = format!("ReplicaSet \"{set}\" is progressing.");
        condition(before, "Progressing", true, "ReplicaSetUpdated", &message)
    };
    condition["lastUpdateTime"] = since;
    condition
}
