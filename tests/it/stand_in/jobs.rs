//! Jobs: pods until enough have succeeded, or too many have failed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::controllers::{active, children, condition, delete, key_of, make, number, pod_of};
use super::kinds::kind;
use super::store::{Store, now, seconds_since};

/// Why a Job has failed.
const TOO_OFTEN: (&str, &str) = ("BackoffLimitExceeded", "Job has reached the specified backoff limit");
const TOO_LONG: (&str, &str) = ("DeadlineExceeded", "Job was active longer than specified deadline");

/// One step of one Job.
pub(super) fn step(store: &mut Store, job: &Value) {
    if is_over(job) {
        return expire(store, job);
    }
    let pods = children(store, job, kind("Pod"));
    let spec = &job["spec"];
    let running = active(&pods);
    if spec["suspend"] == true {
        stop(store, &running);
        return report(
            store,
            job,
            &pods,
            &[],
            Some(condition(&job["status"], "Suspended", true, "JobSuspended", "Job suspended")),
        );
    }
    if let Some((reason, message)) = failure(job, &pods) {
        stop(store, &running);
        return report(store, job, &pods, &["FailureTarget", "Failed"], Some(json!([reason, message])));
    }
    let succeeded = count(&pods, "Succeeded");
    if succeeded >= number(&spec["completions"]) {
        return report(
            store,
            job,
            &pods,
            &["SuccessCriteriaMet", "Complete"],
            Some(json!(["CompletionsReached", "Reached expected number of succeeded pods"])),
        );
    }
    let wanted = number(&spec["parallelism"]).min(number(&spec["completions"]) - succeeded);
    let name = format!("{}-", job["metadata"]["name"].as_str().unwrap_or_default());
    for _ in running.len() as u64..wanted {
        make(store, job, kind("Pod"), &name, pod_of(&spec["template"], &[]));
    }
    report(store, job, &children(store, job, kind("Pod")), &[], None);
}

fn stop(store: &mut Store, running: &[Arc<Value>]) {
    for pod in running {
        delete(store, pod);
    }
}

fn is_over(job: &Value) -> bool {
    let mut conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| matches!(condition["type"].as_str(), Some("Complete" | "Failed")))
}

fn expire(store: &mut Store, job: &Value) {
    let Some(seconds) = job["spec"]["ttlSecondsAfterFinished"].as_u64() else { return };
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    let last = conditions.into_iter().last().map_or(&Value::Null, |condition| &condition["lastTransitionTime"]);
    if seconds_since(last) >= seconds {
        delete(store, job);
    }
}

fn count(pods: &[Arc<Value>], phase: &str) -> u64 {
    pods.iter().filter(|pod| pod["status"]["phase"] == phase).count() as u64
}

/// Failed pods count, and restarts of containers in pods that restart them.
fn failure(job: &Value, pods: &[Arc<Value>]) -> Option<(&'static str, &'static str)> {
    let restarts = |pod: &Value| {
        let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
        statuses.map(|status| number(&status["restartCount"])).sum::<u64>()
    };
    let failures = count(pods, "Failed") + active(pods).iter().map(|pod| restarts(pod)).sum::<u64>();
    if failures > number(&job["spec"]["backoffLimit"]) {
        return Some(TOO_OFTEN);
    }
    let limit = job["spec"]["activeDeadlineSeconds"].as_u64()?;
    let started = &job["status"]["startTime"];
    (started.is_string() && seconds_since(started) >= limit).then_some(TOO_LONG)
}

/// `end` names the conditions that now hold, `why` their reason and message, or a condition as a whole.
fn report(store: &mut Store, job: &Value, pods: &[Arc<Value>], end: &[&str], why: Option<Value>) {
    let before = &job["status"];
    let running = if end.is_empty() { active(pods) } else { Vec::new() };
    let started = if before["startTime"].is_string() { before["startTime"].clone() } else { now().into() };
    let mut status =
        json!({ "startTime": started, "ready": running.iter().filter(|pod| super::pods::is_ready(pod)).count() });
    status["uncountedTerminatedPods"] = json!({});
    let mut conditions = Vec::new();
    if let Some(why) = why {
        let text = |index: usize| why[index].as_str().unwrap_or_default().to_owned();
        conditions.extend(end.iter().map(|name| condition(before, name, true, &text(0), &text(1))));
        if end.is_empty() {
            conditions.push(why);
        }
    }
    if end.contains(&"Complete") {
        status["completionTime"] = now().into();
    }
    for (name, count) in
        [("active", running.len() as u64), ("succeeded", count(pods, "Succeeded")), ("failed", count(pods, "Failed"))]
    {
        if count > 0 {
            status[name] = count.into();
        }
    }
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    store.change(&key_of(job), |job| job["status"] = status);
}
