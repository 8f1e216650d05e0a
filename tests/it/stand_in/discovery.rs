//! What the server says about itself: version, groups, resources, and the part of `OpenAPI` that kubectl reads before it applies.

use serde_json::{Map, Value, json};

use super::http::Request;
use super::kinds::{self, Kind, Subresource, VERBS};

/// The version that the stand-in claims.
const GIT_VERSION: &str = "v1.36.0";

/// Media type of discovery in one answer for all groups.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The answer to a request that is about the server itself, with its media type.
pub(super) fn answer(request: &Request, address: &str) -> Option<(&'static str, Value)> {
    let is_aggregated = request.header("accept").is_some_and(|accept| accept.contains(AGGREGATED));
    let media_type = if is_aggregated { AGGREGATED } else { "application/json" };
    let parts: Vec<_> = request.path.split('/').filter(|part| !part.is_empty()).collect();
    let value = match parts[..] {
        ["version"] => return Some(("application/json", version())),
        ["healthz" | "livez" | "readyz"] => return Some(("application/json", json!("ok"))),
        ["api"] if is_aggregated => return Some((media_type, aggregated(&[""]))),
        ["apis"] if is_aggregated => return Some((media_type, aggregated(&named_groups()))),
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
        }),
        ["apis"] => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups() }),
        ["api", "v1"] => resources("", "v1"),
        ["apis", group] => {
            let mut found = groups().into_iter().find(|known| known["name"] == group)?;
            found["kind"] = "APIGroup".into();
            found["apiVersion"] = "v1".into();
            found
        }
        ["apis", group, version] if is_known(group, version) => resources(group, version),
        ["openapi", "v3"] => open_api_index(),
        ["openapi", "v3", "api", "v1"] => open_api("", "v1"),
        ["openapi", "v3", "apis", group, version] if is_known(group, version) => open_api(group, version),
        _ => return None,
    };
    Some(("application/json", value))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": GIT_VERSION, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-04-22T00:00:00Z", "goVersion": "go1.26.2", "compiler": "gc", "platform": "linux/amd64",
    })
}

fn is_known(group: &str, version: &str) -> bool {
    kinds::groups().contains(&(group, version))
}

fn named_groups() -> Vec<&'static str> {
    kinds::groups().into_iter().map(|(group, _)| group).filter(|group| !group.is_empty()).collect()
}

fn groups() -> Vec<Value> {
    let named = kinds::groups().into_iter().filter(|(group, _)| !group.is_empty());
    let describe = |(group, version)| {
        let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
        json!({ "name": group, "versions": [version], "preferredVersion": version })
    };
    named.map(describe).collect()
}

fn resources(group: &str, version: &str) -> Value {
    let mut listed = Vec::new();
    for kind in kinds::of_group(group) {
        listed.push(json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.is_namespaced,
            "kind": kind.kind, "verbs": verbs(kind), "shortNames": kind.short,
        }));
        listed.extend(kind.subresources.iter().map(|part| {
            let name = format!("{}/{}", kind.plural, part.name);
            let (group, version, name_of_kind) = kind_of(kind, part);
            json!({
                "name": name, "singularName": "", "namespaced": kind.is_namespaced, "kind": name_of_kind,
                "group": group, "version": version, "verbs": part.verbs,
            })
        }));
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed })
}

fn verbs(kind: &Kind) -> &'static [&'static str] {
    if kinds::is_review(kind) { &["create"] } else { VERBS }
}

/// A subresource without a kind of its own has that of its parent.
fn kind_of(kind: &Kind, part: &Subresource) -> (&'static str, &'static str, &'static str) {
    if part.kind.is_empty() { (kind.group, kind.version, kind.kind) } else { (part.group, part.version, part.kind) }
}

fn aggregated(groups: &[&str]) -> Value {
    let known = kinds::groups();
    let group = |name: &&str| {
        let (_, version) = known.iter().find(|(group, _)| group == name).expect("the group is of the list");
        let resources: Vec<_> = kinds::of_group(name).map(aggregated_resource).collect();
        let versions = json!([{ "version": version, "resources": resources, "freshness": "Current" }]);
        let metadata = if name.is_empty() { json!({ "creationTimestamp": null }) } else { json!({ "name": name }) };
        json!({ "metadata": metadata, "versions": versions })
    };
    let items: Vec<_> = groups.iter().map(group).collect();
    json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items })
}

fn aggregated_resource(kind: &'static Kind) -> Value {
    let part = |part: &Subresource| {
        let (group, version, name) = kind_of(kind, part);
        let response = json!({ "group": group, "version": version, "kind": name });
        json!({ "subresource": part.name, "responseKind": response, "verbs": part.verbs })
    };
    let scope = if kind.is_namespaced { "Namespaced" } else { "Cluster" };
    json!({
        "resource": kind.plural, "singularResource": kind.singular, "scope": scope, "verbs": verbs(kind),
        "responseKind": { "group": kind.group, "version": kind.version, "kind": kind.kind },
        "shortNames": kind.short, "subresources": kind.subresources.iter().map(part).collect::<Vec<_>>(),
    })
}

fn open_api_index() -> Value {
    let path = |(group, version): (&str, &str)| {
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let address = json!({ "serverRelativeURL": format!("/openapi/v3/{path}") });
        (path, address)
    };
    let paths: Map<_, _> = kinds::groups().into_iter().map(path).collect();
    json!({ "paths": paths })
}

/// Kubectl looks for one thing: whether a patch of the kind takes `fieldValidation`, so that the server validates.
fn open_api(group: &str, version: &str) -> Value {
    let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
    let parameters: Vec<_> = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter).to_vec();
    let path = |kind: &'static Kind| {
        let base = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let scope = if kind.is_namespaced { "/namespaces/{namespace}" } else { "" };
        let of_kind = json!({ "group": kind.group, "version": kind.version, "kind": kind.kind });
        let patch = json!({
            "operationId": format!("patch{}", kind.kind), "parameters": parameters,
            "responses": { "200": { "description": "OK" } }, "x-kubernetes-group-version-kind": of_kind,
        });
        (format!("{base}{scope}/{}/{{name}}", kind.plural), json!({ "patch": patch }))
    };
    let paths: Map<_, _> = kinds::of_group(group).map(path).collect();
    json!({ "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": GIT_VERSION }, "paths": paths })
}
