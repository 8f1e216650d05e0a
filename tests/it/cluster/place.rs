//! Where the scenarios run: a stand-in of their own, or the cluster of `BOOTSMITH_E2E_KUBECONFIG`, one after the other.
//!
//! A real cluster is asked with kubectl what is there. It tells nobody which requests it had; but of every field it knows who wrote it and when.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::stand_in::{Settings, StandIn};

use super::NAMESPACE;
use super::product::Images;

/// Names a kubeconfig whose cluster the scenarios may use.
pub(super) const CLUSTER_VARIABLE: &str = "BOOTSMITH_E2E_KUBECONFIG";

/// Names an image with a shell that the nodes of that cluster can pull.
const IMAGE_VARIABLE: &str = "BOOTSMITH_E2E_IMAGE";
const IMAGE: &str = "docker.io/library/busybox:1.37.0";

/// The kinds that a release of these scenarios consists of.
const KINDS: &str = "deployments,statefulsets,daemonsets,jobs,services,configmaps,secrets,persistentvolumeclaims,\
networkpolicies,poddisruptionbudgets,serviceaccounts,leases";

/// How long a cluster may take for what it does behind our back.
const PATIENCE: Duration = Duration::from_secs(120);

/// Object → who wrote what into it, and when: our field managers alone.
pub(super) type Footprint = BTreeMap<String, String>;

pub(super) enum Place {
    StandIn(StandIn),
    Named(Named),
}

/// A cluster that is there before us and after us.
pub(super) struct Named {
    kubeconfig: PathBuf,
    kubectl: PathBuf,
    /// All scenarios call the product the same: they take turns.
    _turn: File,
    /// Whether the namespace of the product is ours to remove.
    is_entered: bool,
}

impl Place {
    pub(super) fn is_named() -> bool {
        env::var_os(CLUSTER_VARIABLE).is_some()
    }

    pub(super) fn stand_in() -> Self {
        Self::StandIn(StandIn::start(&Settings::default()))
    }

    pub(super) fn find(kubectl: &Path) -> Self {
        match env::var_os(CLUSTER_VARIABLE) {
            Some(kubeconfig) => Self::Named(Named::enter(kubeconfig.into(), kubectl)),
            None => Self::stand_in(),
        }
    }

    /// A program that talks to this cluster and to no other.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        match self {
            Self::StandIn(stand_in) => stand_in.command(program),
            Self::Named(named) => named.command(program.as_ref()),
        }
    }

    pub(super) fn images(&self) -> Images {
        match self {
            Self::StandIn(_) => Images::Imagined,
            Self::Named(_) => Images::One(env::var(IMAGE_VARIABLE).unwrap_or_else(|_| IMAGE.to_owned())),
        }
    }

    /// Waits on a real cluster until something holds, or for long enough. What is asked of a stand-in holds at once or never.
    pub(super) fn when(&self, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while matches!(self, Self::Named(_)) && !holds() && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Named {
    /// Waits for its turn. What has the product's name and is not ours is left alone.
    fn enter(kubeconfig: PathBuf, kubectl: &Path) -> Self {
        let turn = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("named-cluster.lock")).expect("a file");
        turn.lock().expect("a lock");
        let mut named = Self { kubeconfig, kubectl: kubectl.to_owned(), _turn: turn, is_entered: false };
        let found = named.object("Namespace", "", NAMESPACE);
        assert!(
            found.is_none(),
            "the cluster of {CLUSTER_VARIABLE} has a namespace `{NAMESPACE}`: the scenarios need it for themselves"
        );
        named.is_entered = true;
        named
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", &self.kubeconfig);
        command
    }

    /// What kubectl prints, which is nothing where nothing is found.
    fn ask(&self, words: &[&str]) -> Option<Value> {
        let output = self.command(&self.kubectl).args(words).args(["-o", "json"]).output().expect("kubectl starts");
        assert!(output.status.success(), "kubectl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        (!output.stdout.is_empty()).then(|| serde_json::from_slice(&output.stdout).expect("kubectl prints JSON"))
    }

    pub(super) fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.ask(&["--namespace", namespace, "get", kind, name, "--ignore-not-found"])
    }

    pub(super) fn objects(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let list = self.ask(&["--namespace", namespace, "get", kind, "--show-managed-fields"]);
        list.and_then(|list| list["items"].as_array().cloned()).unwrap_or_default()
    }

    pub(super) fn footprint(&self) -> Footprint {
        let objects = self.objects(KINDS, NAMESPACE);
        let of_ours = objects.iter().map(|object| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let fields = object["metadata"]["managedFields"].as_array().into_iter().flatten();
            let ours = fields.filter(|entry| text(&entry["manager"]).starts_with("bootsmith"));
            let name = format!("{} {}", text(&object["kind"]), text(&object["metadata"]["name"]));
            (name, format!("{} {:?}", object["metadata"]["uid"], ours.collect::<Vec<_>>()))
        });
        of_ours.collect()
    }
}

/// What was made, changed or removed between two looks.
pub(super) fn differences(before: &Footprint, after: &Footprint) -> Vec<String> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

/// The next finds the cluster as this one did.
impl Drop for Named {
    fn drop(&mut self) {
        if !self.is_entered {
            return;
        }
        let mut delete = self.command(&self.kubectl);
        delete.args(["delete", "namespace", NAMESPACE, "--wait", "--ignore-not-found"]);
        if !delete.status().is_ok_and(|status| status.success()) {
            println!("the namespace {NAMESPACE} is left over in the cluster of {CLUSTER_VARIABLE}");
        }
    }
}
