//! What a definition must be: names, labels, sizes, what belongs together, and what must not change.
//!
//! Only what a renderer or a driver could get wrong; messages are the real ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::Value;

use super::kinds::Kind;
use super::pod_rules;
use super::selector::Selector;
use super::status::{Fault, Status};

/// What all values of a `ConfigMap` or a Secret may hold together.
const MAX_DATA_BYTES: usize = 1 << 20;

const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

const SUBDOMAIN_SAYS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com'";
const LABEL_SAYS: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc'";
const LABEL_VALUE_SAYS: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345'";
const QUALIFIED_SAYS: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc'";

/// Refuses a definition with faults; all of them at once. `before` is the object that it changes.
pub(super) fn check(kind: &Kind, object: &Value, before: Option<&Value>) -> Result<(), Status> {
    let mut faults = Vec::new();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    check_name(kind, name, &mut faults);
    check_labels(&object["metadata"]["labels"], "metadata.labels", &mut faults);
    if let Some((path, template)) = template_of(kind, object) {
        check_template(kind, object, path, template, &mut faults);
    }
    match kind.kind {
        "Pod" => pod_rules::check("spec", &object["spec"], &[], &mut faults),
        "Service" => pod_rules::check_service(object, &mut faults),
        _ => {}
    }
    check_data(kind, object, &mut faults);
    if let Some(before) = before {
        check_immutable(kind, before, object, &mut faults);
    }
    if faults.is_empty() { Ok(()) } else { Err(Status::invalid(kind, name, &faults)) }
}

fn check_name(kind: &Kind, name: &str, faults: &mut Vec<Fault>) {
    let (pattern, says, max) = match kind.kind {
        "Namespace" | "Service" => (LABEL, LABEL_SAYS, 63),
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => return,
        _ => (SUBDOMAIN, SUBDOMAIN_SAYS, 253),
    };
    let value = Value::from(name);
    if name.is_empty() {
        faults.push(Fault::required("metadata.name", "name or generateName is required"));
    } else if name.len() > max {
        faults.push(Fault::invalid("metadata.name", &value, &format!("must be no more than {max} bytes")));
    } else {
        check_form("metadata.name", name, pattern, says, faults);
    }
}

fn check_form(field: &str, text: &str, pattern: &str, says: &str, faults: &mut Vec<Fault>) {
    let regex = Regex::new(&format!("^(?:{pattern})$")).expect("a pattern of the table");
    if !regex.is_match(text) {
        faults.push(Fault::invalid(field, &text.into(), &format!("{says}, regex used for validation is '{pattern}')")));
    }
}

fn check_labels(labels: &Value, field: &str, faults: &mut Vec<Fault>) {
    for (name, value) in labels.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let part = name.rsplit_once('/').map_or(name.as_str(), |(_, part)| part);
        if part.len() > 63 {
            faults.push(Fault::invalid(field, &name.as_str().into(), "name part must be no more than 63 bytes"));
        }
        check_form(field, part, QUALIFIED, QUALIFIED_SAYS, faults);
        if value.len() > 63 {
            faults.push(Fault::invalid(field, &value.into(), "must be no more than 63 bytes"));
        }
        check_form(field, value, LABEL_VALUE, LABEL_VALUE_SAYS, faults);
    }
}

/// The pod template of a workload, and where it is.
pub(super) fn template_of<'a>(kind: &Kind, object: &'a Value) -> Option<(&'static str, &'a Value)> {
    match kind.kind {
        "DaemonSet" | "Deployment" | "Job" | "ReplicaSet" | "StatefulSet" => {
            Some(("spec.template", &object["spec"]["template"]))
        }
        "CronJob" => Some(("spec.jobTemplate.spec.template", &object["spec"]["jobTemplate"]["spec"]["template"])),
        _ => None,
    }
}

fn check_template(kind: &Kind, object: &Value, path: &str, template: &Value, faults: &mut Vec<Fault>) {
    let labels = &template["metadata"]["labels"];
    check_labels(labels, &format!("{path}.metadata.labels"), faults);
    let claims = object["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    let claims: Vec<_> = claims.map(|claim| &claim["metadata"]["name"]).collect();
    pod_rules::check(&format!("{path}.spec"), &template["spec"], &claims, faults);
    let policy = &template["spec"]["restartPolicy"];
    if matches!(kind.kind, "Job" | "CronJob") {
        if *policy == "Always" {
            let why = "valid values: \"OnFailure\", \"Never\"";
            faults.push(Fault::required(format!("{path}.spec.restartPolicy"), why));
        }
        return;
    }
    let selector = &object["spec"]["selector"];
    if selector.is_null() {
        faults.push(Fault::required("spec.selector", ""));
    } else if !Selector::of_workload(selector).matches(template) {
        let field = format!("{path}.metadata.labels");
        faults.push(Fault::invalid(field, labels, "`selector` does not match template `labels`"));
    }
}

/// A name of a part of a pod.
pub(super) fn check_label(field: &str, name: &Value, faults: &mut Vec<Fault>) {
    check_form(field, name.as_str().unwrap_or_default(), LABEL, LABEL_SAYS, faults);
}

fn check_data(kind: &Kind, object: &Value, faults: &mut Vec<Fault>) {
    if !matches!(kind.kind, "ConfigMap" | "Secret") {
        return;
    }
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    let decoded =
        |value: &Value| value.as_str().and_then(|text| STANDARD.decode(text).ok()).map_or(0, |bytes| bytes.len());
    let sum = |field: &str, size: &dyn Fn(&Value) -> usize| -> usize {
        object[field].as_object().into_iter().flatten().map(|(_, value)| size(value)).sum()
    };
    let bytes =
        if kind.kind == "Secret" { sum("data", &decoded) } else { sum("data", &length) + sum("binaryData", &decoded) };
    if bytes > MAX_DATA_BYTES {
        faults.push(Fault::too_long(if kind.kind == "Secret" { "data" } else { "" }, MAX_DATA_BYTES));
    }
}

fn check_immutable(kind: &Kind, before: &Value, after: &Value, faults: &mut Vec<Fault>) {
    const IMMUTABLE: &str = "field is immutable";
    let mut fixed = |path: &[&str]| {
        let at = |object: &Value| path.iter().fold(object.clone(), |value, part| value[*part].clone());
        if at(before) != at(after) {
            faults.push(Fault::invalid(path.join("."), &at(after), IMMUTABLE));
        }
    };
    match kind.kind {
        "Deployment" | "DaemonSet" | "ReplicaSet" => fixed(&["spec", "selector"]),
        "Job" => {
            fixed(&["spec", "completions"]);
            fixed(&["spec", "selector"]);
            fixed(&["spec", "template", "metadata"]);
            fixed(&["spec", "template", "spec"]);
        }
        "RoleBinding" | "ClusterRoleBinding" => fixed(&["roleRef"]),
        "Secret" => {
            fixed(&["type"]);
            check_frozen(before, after, faults);
        }
        "ConfigMap" => check_frozen(before, after, faults),
        "StatefulSet" => check_stateful_set(before, after, faults),
        "PersistentVolumeClaim" => check_claim(before, after, faults),
        _ => {}
    }
}

/// Objects that say of themselves that they never change.
fn check_frozen(before: &Value, after: &Value, faults: &mut Vec<Fault>) {
    const FROZEN: &str = "field is immutable when `immutable` is set";
    if before["immutable"] != true {
        return;
    }
    for field in ["immutable", "data", "binaryData"] {
        if before[field] != after[field] {
            faults.push(Fault::forbidden(field, FROZEN));
        }
    }
}

fn check_stateful_set(before: &Value, after: &Value, faults: &mut Vec<Fault>) {
    const MAY_CHANGE: &[&str] = &[
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    if without(&before["spec"], MAY_CHANGE) != without(&after["spec"], MAY_CHANGE) {
        let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        faults.push(Fault::forbidden("spec", why));
    }
}

fn check_claim(before: &Value, after: &Value, faults: &mut Vec<Fault>) {
    const MAY_CHANGE: &[&str] = &["resources", "volumeName"];
    if without(&before["spec"], MAY_CHANGE) != without(&after["spec"], MAY_CHANGE) {
        let why =
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        faults.push(Fault::forbidden("spec", why));
    }
}

fn without(spec: &Value, names: &[&str]) -> Value {
    let mut rest = spec.clone();
    if let Some(members) = rest.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
    rest
}
