//! What the scenarios are allowed: the Role of `in-cluster.yaml`, and what the entrypoint asks for before it begins, against the audit log of
//! the stand-in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::stand_in::{Access, Behaviour, Ran, StandIn};

use super::NAMESPACE;
use super::product::{Cluster, Release};

/// What no Role of a namespace gives: who lets the image work inside of the cluster has made the namespace, and goes on having it.
const OF_THE_CLUSTER: &[&str] = &["create namespaces", "delete namespaces", "patch namespaces", "watch namespaces"];

/// What is done without having been asked for: the command does as well where it is forbidden.
const UNASKED: &[&str] = &[
    "create configmaps", // a rehearsal of one tells the time; else the clocks are taken for equal
    "get namespaces",
    "list events",
    "list ingresses.networking.k8s.io", // `ps` shows addresses where it may list them
    "list services",
    "watch daemonsets.apps", // kubectl watches what it deletes, and does not wait where it may not
    "watch deployments.apps",
    "watch persistentvolumeclaims",
    "watch statefulsets.apps",
];

/// What an earlier release brought as it is: the Role of a release without it does not have it, and whoever has no more is told so.
const OF_EARLIER_RELEASES: &[&str] = &["delete resourcequotas", "get resourcequotas", "list resourcequotas"];

/// Where the logs of a stand-in were before a call.
pub(super) struct Watch {
    audit: usize,
    asked: usize,
}

impl Watch {
    pub(super) fn start(stand_in: &StandIn) -> Self {
        Self { audit: stand_in.audit().len(), asked: stand_in.asked().len() }
    }

    /// That the call needed nothing but what the Role allows, and what it has asked for.
    pub(super) fn check(self, stand_in: &StandIn, payload: &Path, words: &[&str]) {
        // Whoever administers the cluster calls these, and other environments have another Role.
        if matches!(words[0], "nodes" | "users") || !role_file(payload).is_file() {
            return;
        }
        let (used, asked) = (stand_in.audit(), stand_in.asked());
        let texts = |accesses: &[Access]| -> BTreeSet<String> { accesses.iter().map(ToString::to_string).collect() };
        let used = texts(&used[self.audit..]);
        let asked = texts(&asked[self.asked..]);
        let role = role_of(payload);
        // `down` looks whether anything of somebody else is in the namespace, and keeps it when it may not look.
        let is_inhabitant = |access: &str| words[0] == "down" && access.starts_with("list ");
        let is_excepted = |access: &str| OF_THE_CLUSTER.contains(&access) || OF_EARLIER_RELEASES.contains(&access);
        for access in used.iter().filter(|access| !is_excepted(access) && !is_inhabitant(access)) {
            assert!(role.contains(access), "{words:?} needs `{access}`, and the Role does not have it: {role:?}");
            let is_asked = asked.contains(access) || UNASKED.contains(&access.as_str());
            assert!(is_asked, "{words:?} needs `{access}`, and has not asked for it: {asked:?}");
        }
        for access in &asked {
            assert!(role.contains(access), "{words:?} asks for `{access}`, and the Role does not have it");
        }
    }
}

fn role_file(payload: &Path) -> PathBuf {
    payload.join("bootstrap/environments/production/kubernetes/in-cluster.yaml")
}

/// What the Role of a payload allows, as `VERB RESOURCE.GROUP`.
fn role_of(payload: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(role_file(payload)).expect("the payload has the file");
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    rules_of(objects.iter().find(|object| object["kind"] == "Role").expect("a Role"))
}

/// What a Role allows.
fn rules_of(role: &Value) -> BTreeSet<String> {
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut allowed = BTreeSet::new();
    for rule in role["rules"].as_array().expect("rules") {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let (resource, part) = resource.split_once('/').unwrap_or((&resource, ""));
                let dot = if group.is_empty() { "" } else { "." };
                let slash = if part.is_empty() { "" } else { "/" };
                allowed.extend(
                    texts(&rule["verbs"]).iter().map(|verb| format!("{verb} {resource}{dot}{group}{slash}{part}")),
                );
            }
        }
    }
    allowed
}

/// What the Role allows and the tour below does not need.
const UNUSED: &[(&str, &str)] = &[
    ("watch daemonsets.apps", GONE_AT_ONCE),
    ("watch deployments.apps", GONE_AT_ONCE),
    ("watch persistentvolumeclaims", GONE_AT_ONCE),
    ("watch statefulsets.apps", GONE_AT_ONCE),
];
const GONE_AT_ONCE: &str = "kubectl waits so for what it deletes, which on the stand-in is gone at once";

/// A release with an object of every kind.
fn everything(tag: &str) -> Release {
    let stays = r#"command = ["sleep", "1000000"]"#;
    let scripts = "[scripts.look]\ncommand = [\"true\"]\nservice = \"web\"\nmode = \"exec\"\n\
                   [scripts.once]\ncommand = [\"true\"]\nservice = \"own\"\nmode = \"run\"\n\
                   [scripts.nightly]\ncommand = [\"true\"]\nservice = \"web\"\nmode = \"run\"\nschedule = \"@daily\"\n";
    Release::new()
        .tag(tag)
        .service("own", &format!("{stays}\nvolumes = [\"data:/data\"]\nenvironment = {{ RELEASE = \"{tag}\" }}"))
        .service("every", &format!("{stays}\nvolumes = [\"files:/data\"]\ndeploy.mode = \"global\""))
        .service("setup", "deploy.mode = \"replicated-job\"")
        .service(
            "busy",
            &format!(
                "{stays}\nexpose = [\"80\"]\ncpus = 1\nkubernetes = {{ autoscale = {{ max = 3 }}, ingress = {{ host = \"shop.example.com\" }} }}"
            ),
        )
        .with("[volumes.data]\n[volumes.files]\n")
        .with(scripts)
}

#[test]
fn every_right_of_the_role_is_needed_by_something() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.set_exec(|_, _, _| Ran { out: Vec::new(), err: Vec::new(), code: 0 });
    let first = everything("1.0.0").render();
    cluster.operate(&first, &["up"]).expect(0);
    for words in [
        &["run", "look"][..],
        &["run", "once"],
        &["logs"],
        &["scale", "web=3"],
        &["scale", "web=default"],
        &["stop"],
        &["start"],
        &["restart", "web"],
    ] {
        cluster.operate(&first, words).expect(0);
    }
    cluster.decide(|pod, _| {
        let words = pod["spec"]["containers"][0]["env"].as_array()?;
        let is_second = words.iter().any(|word| word["name"] == "RELEASE" && word["value"] == "2.0.0");
        let is_own = pod["metadata"]["labels"]["io.bootsmith.service"] == "own";
        (is_second && is_own).then_some(Behaviour::NeverReady)
    });
    cluster.operate(&everything("2.0.0").render(), &["up", "--timeout", "5"]).expect(4);
    cluster.operate(&everything("3.0.0").render(), &["up"]).expect(0);
    cluster.operate(&Release::new().tag("4.0.0").render(), &["up"]).expect(0);
    cluster.operate(&Release::new().tag("4.0.0").render(), &["down", "--volumes", "--yes"]).expect(0);
    let used: BTreeSet<_> = cluster.audit().iter().map(ToString::to_string).collect();
    // The lock is renewed every 15 seconds: only a call that takes longer does it.
    let is_unused = |access: &String| !used.contains(access) && access != "patch leases.coordination.k8s.io";
    let unused: Vec<_> = role_of(first.path()).into_iter().filter(is_unused).collect();
    let known: Vec<_> = UNUSED.iter().map(|(access, _)| (*access).to_owned()).collect();
    assert_eq!(unused, known);
}

/// What people are given: `view` can look, `edit` can do all that the image does.
#[test]
fn users_have_what_the_commands_of_their_role_need() {
    let Some(cluster) = Cluster::start() else { return };
    let release = Release::new().render();
    cluster.operate(&release, &["up"]).expect(0);
    let role = |role: &str| {
        cluster.operate(&release, &["users", "add", role, "--role", role, "--yes"]).expect(0);
        rules_of(&cluster.object("Role", NAMESPACE, &format!("bootsmith-user-{role}")).expect("a Role"))
    };
    let (view, edit, admin) = (role("view"), role("edit"), role("admin"));
    let (before, needed_before) = (cluster.asked().len(), cluster.audit().len());
    for words in [&["ps"][..], &["logs"], &["images"]] {
        cluster.operate(&release, words).expect(0);
    }
    let looking: BTreeSet<_> = cluster.asked()[before..].iter().map(ToString::to_string).collect();
    assert_eq!(looking.difference(&view).collect::<Vec<_>>(), Vec::<&String>::new());
    // What is asked for by nobody is needed too: without it `ps` would show no addresses. Who may only look goes by their own clock.
    let needed: BTreeSet<_> = cluster.audit()[needed_before..].iter().map(ToString::to_string).collect();
    assert_eq!(needed.difference(&view).collect::<Vec<_>>(), ["create configmaps"]);
    assert_eq!(role_of(release.path()).difference(&edit).collect::<Vec<_>>(), Vec::<&String>::new());
    let may_write = |access: &&String| !["get ", "list ", "watch "].iter().any(|verb| access.starts_with(verb));
    assert_eq!(view.iter().filter(may_write).collect::<Vec<_>>(), Vec::<&String>::new());
    let touches_secrets = |access: &&String| access.contains(" secrets") || access.contains("pods/exec");
    assert_eq!(view.iter().filter(touches_secrets).collect::<Vec<_>>(), Vec::<&String>::new());
    let before = cluster.asked().len();
    for words in [
        &["users", "list"][..],
        &["users", "add", "anna", "--role", "view", "--yes"],
        &["users", "remove", "anna", "--yes"],
    ] {
        cluster.operate(&release, words).expect(0);
    }
    let managing: BTreeSet<_> = cluster.asked()[before..].iter().map(ToString::to_string).collect();
    assert_eq!(managing.difference(&admin).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(managing.difference(&edit).count() > 2, "`edit` manages no users");
}
