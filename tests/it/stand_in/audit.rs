//! The audit log: what each request needs to be allowed, as an authorizer sees it, and what access reviews asked about.

use std::fmt;

use serde_json::Value;

use super::address::Address;
use super::http::Request;
use super::kinds;
use super::store::{Key, Store};

/// What a Role has to allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Access {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// In the plural, with the subresource behind a slash.
    pub(crate) resource: String,
    /// Empty: objects of the cluster, or of all namespaces.
    pub(crate) namespace: String,
}

/// `VERB RESOURCE.GROUP/SUBRESOURCE`, as the entrypoint writes it.
impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (resource, part) = self.resource.split_once('/').unwrap_or((&self.resource, ""));
        write!(formatter, "{} {resource}", self.verb)?;
        if !self.group.is_empty() {
            write!(formatter, ".{}", self.group)?;
        }
        if part.is_empty() { Ok(()) } else { write!(formatter, "/{part}") }
    }
}

/// What a request needs: nothing for what the server says about itself, and for questions, which everybody may ask.
pub(super) fn of(store: &Store, request: &Request) -> Vec<Access> {
    let Some(address) = Address::parse(&request.path).filter(|address| !kinds::is_review(address.kind)) else {
        return Vec::new();
    };
    let resource = match &address.subresource {
        Some(part) => format!("{}/{part}", address.kind.plural),
        None => address.kind.plural.to_owned(),
    };
    // A namespace itself is in the namespace of its name.
    let is_namespace = address.kind.kind == "Namespace";
    let namespace = if is_namespace { address.name.clone().unwrap_or_default() } else { address.place().to_owned() };
    let access = |verb: &str| Access {
        verb: verb.to_owned(),
        group: address.kind.group.to_owned(),
        resource: resource.clone(),
        namespace: namespace.clone(),
    };
    let is_there = || {
        let name = address.name.as_deref().unwrap_or_default();
        store.get(&Key::new(address.kind, address.place(), name)).is_some()
    };
    verbs(request, &address, is_there).iter().map(|verb| access(verb)).collect()
}

fn verbs(request: &Request, address: &Address, is_there: impl Fn() -> bool) -> &'static [&'static str] {
    let is_apply = request.header("content-type") == Some("application/apply-patch+yaml");
    match (request.method.as_str(), &address.name) {
        // Since Kubernetes 1.35 who opens a WebSocket must be allowed to create, too.
        ("GET", Some(_)) if address.subresource.as_deref() == Some("exec") => &["get", "create"],
        ("GET", _) if request.is_set("watch") => &["watch"],
        ("GET", Some(_)) => &["get"],
        ("GET", None) => &["list"],
        ("POST", _) => &["create"],
        ("PUT", _) => &["update"],
        // An apply creates what is not there, and has to be allowed to.
        ("PATCH", _) if is_apply && !is_there() => &["patch", "create"],
        ("PATCH", _) => &["patch"],
        ("DELETE", Some(_)) => &["delete"],
        ("DELETE", None) => &["deletecollection"],
        _ => &[],
    }
}

/// What a review asks about.
pub(super) fn asked(review: &Value) -> Access {
    let wanted = &review["spec"]["resourceAttributes"];
    let text = |name: &str| wanted[name].as_str().unwrap_or_default().to_owned();
    let resource = match text("subresource") {
        part if part.is_empty() => text("resource"),
        part => format!("{}/{part}", text("resource")),
    };
    Access { verb: text("verb"), group: text("group"), resource, namespace: text("namespace") }
}
