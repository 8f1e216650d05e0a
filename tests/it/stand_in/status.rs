//! Refusals, in the words of the real API server.
//!
//! A [`Status`] is what a request comes to when it fails: code, reason, message, causes. Messages are the real ones, because kubectl
//! prints them and a driver reads them.

use serde_json::{Value, json};

use super::kinds::Kind;

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(super) code: u16,
    reason: String,
    message: String,
    details: Value,
    pub(super) retry_after_seconds: Option<u32>,
}

/// What is wrong with one field.
pub(super) struct Fault {
    reason: &'static str,
    field: String,
    message: String,
}

impl Fault {
    pub(super) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self::new("FieldValueInvalid", field, format!("Invalid value: {value}: {why}"))
    }

    pub(super) fn required(field: impl Into<String>, why: &str) -> Self {
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        Self::new("FieldValueRequired", field, format!("Required value{why}"))
    }

    pub(super) fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {why}"))
    }

    pub(super) fn too_long(field: impl Into<String>, max_bytes: usize) -> Self {
        Self::new("FieldValueTooLong", field, format!("Too long: may not be more than {max_bytes} bytes"))
    }

    pub(super) fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueNotFound", field, format!("Not found: {value}"))
    }

    pub(super) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {value}"))
    }

    fn new(reason: &'static str, field: impl Into<String>, message: String) -> Self {
        Self { reason, field: field.into(), message }
    }
}

impl Status {
    fn new(code: u16, reason: &str, message: impl Into<String>, details: Value) -> Self {
        Self { code, reason: reason.to_owned(), message: message.into(), details, retry_after_seconds: None }
    }

    /// What a test asks for: the usual reason and message of a code.
    pub(crate) fn of_code(code: u16) -> Self {
        let (reason, message) = match code {
            400 => ("BadRequest", "the server rejected our request for an unknown reason"),
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden: access is denied by the test"),
            404 => ("NotFound", "the server could not find the requested resource"),
            409 => ("Conflict", "the server reported a conflict"),
            429 => ("TooManyRequests", "the server has received too many requests and has asked us to try again later"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "the server was unable to return a response in the time allotted"),
            _ => ("InternalError", "an error on the server has prevented the request from succeeding"),
        };
        Self::new(code, reason, message, json!({}))
    }

    /// A number of seconds after which to ask again; clients honour it.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message, json!({}))
    }

    pub(super) fn no_such_address() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource", json!({}))
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", json!({}))
    }

    pub(super) fn unsupported_media_type(message: &str) -> Self {
        Self::new(415, "UnsupportedMediaType", message, json!({}))
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.qualified_plural());
        Self::new(404, "NotFound", message, details(name, kind.group, kind.plural))
    }

    pub(super) fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.qualified_plural());
        Self::new(409, "AlreadyExists", message, details(name, kind.group, kind.plural))
    }

    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified_plural());
        Self::new(409, "Conflict", message, details(name, kind.group, kind.plural))
    }

    /// A deletion under a condition that does not hold; the real server names the kind here, and not the resource.
    pub(super) fn precondition(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified_kind());
        Self::new(409, "Conflict", message, details(name, kind.group, kind.kind))
    }

    pub(super) fn modified(kind: &Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    pub(super) fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", kind.qualified_plural());
        Self::new(403, "Forbidden", message, details(name, kind.group, kind.plural))
    }

    pub(super) fn too_many_requests(message: &str, cause: &str) -> Self {
        let causes = json!([{ "reason": "DisruptionBudget", "message": cause }]);
        Self::new(429, "TooManyRequests", message, json!({ "causes": causes }))
    }

    pub(super) fn expired(message: &str) -> Self {
        Self::new(410, "Expired", message, json!({}))
    }

    /// The answer to a JSON patch whose test does not hold.
    pub(super) fn unprocessable() -> Self {
        Self::new(422, "Invalid", "the server rejected our request due to an error in our request", json!({}))
    }

    /// A definition with faults.
    pub(super) fn invalid(kind: &Kind, name: &str, faults: &[Fault]) -> Self {
        let told: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        let told = if told.len() == 1 { told[0].clone() } else { format!("[{}]", told.join(", ")) };
        let message = format!("{} \"{name}\" is invalid: {told}", kind.qualified_kind());
        let cause = |fault: &Fault| json!({ "reason": fault.reason, "message": fault.message, "field": fault.field });
        let mut details = details(name, kind.group, kind.kind);
        details["causes"] = faults.iter().map(cause).collect();
        Self::new(422, "Invalid", message, details)
    }

    /// Fields that other managers own, each as a manager's description and a path.
    pub(super) fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let cause = |(manager, path): &(String, String)| {
            let message = format!("conflict with {manager}");
            json!({ "reason": "FieldManagerConflict", "message": message, "field": path })
        };
        let causes: Vec<Value> = conflicts.iter().map(cause).collect();
        Self::new(409, "Conflict", conflict_message(conflicts), json!({ "causes": causes }))
    }

    pub(super) fn to_value(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "details": self.details, "code": self.code,
        })
    }
}

fn conflict_message(conflicts: &[(String, String)]) -> String {
    if let [(manager, path)] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {manager}: {path}");
    }
    let mut managers: Vec<&str> = conflicts.iter().map(|(manager, _)| manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    let of = |wanted: &str| {
        let paths = conflicts.iter().filter(|(manager, _)| manager == wanted).map(|(_, path)| format!("- {path}"));
        format!("conflicts with {wanted}:\n{}", paths.collect::<Vec<_>>().join("\n"))
    };
    let told: Vec<_> = managers.into_iter().map(of).collect();
    format!("Apply failed with {} conflicts: {}", conflicts.len(), told.join("\n"))
}

fn details(name: &str, group: &str, kind: &str) -> Value {
    let mut details = json!({ "name": name, "kind": kind });
    if !group.is_empty() {
        details["group"] = group.into();
    }
    details
}

/// The answer to a request that did something and has no object to show.
pub(super) fn success(kind: &Kind, name: &str, uid: &Value) -> Value {
    let mut details = details(name, kind.group, kind.plural);
    details["uid"] = uid.clone();
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}
