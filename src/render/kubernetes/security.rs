//! Security contexts: as narrow as the spec allows.
//!
//! A service whose `user` is a number other than 0 passes the Pod Security profile `restricted`. One that says no user may start as root,
//! as most public images do before they give it up; it keeps what Docker gives every container, but for raw sockets, and passes `baseline`.

use serde_json::{Map, Value as Json, json};

use crate::compose::{Capability, Identity, User};
use crate::plan::Service;

use super::definition::Definition;
use super::object::{map, set};

/// What Docker gives to every container (moby, `oci/caps/defaults.go`), without `NET_RAW`, which `baseline` does not allow.
const DEFAULT_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The context of the pod.
pub(super) fn of_pod(service: &Service, definition: &Definition, has_volumes: bool) -> Map<String, Json> {
    let mut security = map(json!({ "seccompProfile": { "type": seccomp(service, definition) } }));
    let (user, group) = user(service);
    set(&mut security, "runAsUser", user.map_or(Json::Null, Json::from));
    set(&mut security, "runAsGroup", group.map_or(Json::Null, Json::from));
    if runs_as_other_than_root(service) {
        security.insert("runAsNonRoot".to_owned(), json!(true));
    }
    if let Some(group) = file_group(service, group, has_volumes) {
        security.insert("fsGroup".to_owned(), json!(group));
        security.insert("fsGroupChangePolicy".to_owned(), json!("OnRootMismatch"));
    }
    let groups: Vec<u32> = definition.texts(&["group_add"]).iter().filter_map(|group| group.parse().ok()).collect();
    set(&mut security, "supplementalGroups", groups);
    let sysctls = definition.pairs(&["sysctls"]);
    set(
        &mut security,
        "sysctls",
        sysctls.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Json>(),
    );
    security
}

/// The context of the container.
pub(super) fn of_container(service: &Service, definition: &Definition) -> Map<String, Json> {
    let mut security = Map::new();
    if definition.is_true(&["read_only"]) {
        security.insert("readOnlyRootFilesystem".to_owned(), json!(true));
    }
    if definition.is_true(&["privileged"]) {
        security.insert("privileged".to_owned(), json!(true));
        return security;
    }
    let added = names(&service.compose.added_capabilities);
    // The kernel takes these for a way to gain privileges, and so does the API server.
    if !added.iter().any(|capability| capability == "ALL" || capability == "SYS_ADMIN") {
        let allowed = option(service, "no-new-privileges") == Some("false");
        security.insert("allowPrivilegeEscalation".to_owned(), json!(allowed));
    }
    security.insert("capabilities".to_owned(), capability_rule(service, added));
    set(&mut security, "appArmorProfile", app_armor(service));
    set(&mut security, "seLinuxOptions", se_linux(service));
    security
}

/// All is dropped, and what is needed is named.
fn capability_rule(service: &Service, added: Vec<String>) -> Json {
    let dropped = names(&service.compose.dropped_capabilities);
    if added.iter().any(|capability| capability == "ALL") {
        let mut rule = map(json!({ "add": ["ALL"] }));
        set(&mut rule, "drop", dropped);
        return Json::from(rule);
    }
    let drops_all = dropped.iter().any(|capability| capability == "ALL") || runs_as_other_than_root(service);
    let kept = DEFAULT_CAPABILITIES.iter().map(|capability| (*capability).to_owned());
    let kept = kept.filter(|capability| !drops_all && !dropped.contains(capability));
    let mut add: Vec<_> = kept.chain(added).collect();
    add.sort();
    add.dedup();
    let mut rule = map(json!({ "drop": ["ALL"] }));
    set(&mut rule, "add", add);
    Json::from(rule)
}

fn names(capabilities: &[Capability]) -> Vec<String> {
    capabilities.iter().map(|Capability(name)| name.clone()).collect()
}

/// `user` as numbers: names differ between images, and Kubernetes takes none.
fn user(service: &Service) -> (Option<u32>, Option<u32>) {
    let Some(User { user, group }) = &service.compose.user else { return (None, None) };
    (user.number(), group.as_ref().and_then(Identity::number))
}

fn runs_as_other_than_root(service: &Service) -> bool {
    user(service).0.is_some_and(|user| user > 0)
}

/// The group that volumes and mounted files belong to: the user's own, or the one that the files are for.
fn file_group(service: &Service, group: Option<u32>, has_volumes: bool) -> Option<u32> {
    let needs_group = has_volumes || !service.files.is_empty();
    let of_files = service.files.iter().map(|file| file.owner.gid).find(|group| *group > 0);
    group.filter(|group| *group > 0 && needs_group).or(of_files)
}

/// The value of an option; a name alone is `true`.
fn option<'a>(service: &'a Service, name: &str) -> Option<&'a str> {
    let option = service.compose.security_options.iter().find(|option| option.value.name == name)?;
    Some(option.value.value.as_deref().unwrap_or("true"))
}

fn seccomp(service: &Service, definition: &Definition) -> &'static str {
    let is_off = option(service, "seccomp") == Some("unconfined") || definition.is_true(&["privileged"]);
    if is_off { "Unconfined" } else { "RuntimeDefault" }
}

fn app_armor(service: &Service) -> Json {
    match option(service, "apparmor") {
        None => Json::Null,
        Some("unconfined") => json!({ "type": "Unconfined" }),
        Some(profile) => json!({ "type": "Localhost", "localhostProfile": profile }),
    }
}

/// `label=user:…`, `label=role:…`, `label=type:…`, `label=level:…`
fn se_linux(service: &Service) -> Map<String, Json> {
    let options = service.compose.security_options.iter().filter_map(|option| option.value.se_linux());
    options.map(|(name, value)| (name.to_owned(), json!(value))).collect()
}
