//! A stand-in of a Kubernetes API server, for real clients in tests.
//!
//! It speaks HTTP on the loopback as the real server does: discovery, `OpenAPI`, objects with versions, server-side apply with owners and
//! conflicts, patches, watches, subresources, and the real messages. Controllers move Deployments, `StatefulSets`, `DaemonSets`, Jobs and
//! pods along in short ticks; how containers behave, and which requests fail, is a test's choice. Nothing runs.
//!
//! What it is not: it has no schemas (unknown fields pass), no RBAC (an access review answers what the test says; an audit log tells what each request had to be allowed), no quotas, no
//! scheduler but labels, no network.

mod address;
mod apply;
mod audit;
mod behaviour;
mod cluster;
mod containers;
mod controllers;
mod daemon_sets;
mod defaults;
mod deployments;
mod discovery;
mod exec;
mod faults;
mod fields;
mod garbage;
mod http;
mod jobs;
mod kinds;
mod managers;
mod patch;
mod pod_rules;
mod pod_security;
mod pods;
mod protobuf;
mod replica_sets;
mod schema;
mod selector;
mod server;
mod stateful_sets;
mod status;
mod store;
mod subresources;
mod validate;
mod verbs;
mod watch;
mod world;

use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::skip;
use serde_json::{Value, json};

pub(crate) use audit::Access;
pub(crate) use behaviour::Behaviour;
pub(crate) use exec::Ran;
pub(crate) use faults::{Effect, Rule};
pub(crate) use status::Status;

/// How a stand-in begins.
pub(crate) struct Settings {
    /// Names of the nodes.
    pub(crate) nodes: Vec<String>,
    /// The time between two steps of the controllers.
    pub(crate) tick: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { nodes: vec!["node-1".to_owned(), "node-2".to_owned()], tick: Duration::from_millis(20) }
    }
}

/// A server that ends with the test.
pub(crate) struct StandIn {
    world: Arc<world::World>,
    address: SocketAddr,
    folder: tempfile::TempDir,
    threads: Vec<JoinHandle<()>>,
}

impl StandIn {
    /// A new cluster.
    pub(crate) fn start(settings: &Settings) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port of the loopback");
        let address = listener.local_addr().expect("an address");
        let world = Arc::new(world::World::default());
        cluster::found(&mut world.lock().store, &settings.nodes, &format!("http://{address}"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("kubeconfig"), kubeconfig(address)).expect("a folder that can be written");
        let serving = Arc::clone(&world);
        let ticking = Arc::clone(&world);
        let tick = settings.tick;
        let threads = vec![
            thread::spawn(move || server::serve(&listener, &serving)),
            thread::spawn(move || {
                while !ticking.is_stopped() {
                    thread::sleep(tick);
                    ticking.with(controllers::tick);
                }
            }),
        ];
        Self { world, address, folder, threads }
    }

    /// The kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A program with the kubeconfig, and no other, in its environment; kubectl keeps what it has discovered with the test.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env("KUBECONFIG", self.kubeconfig()).env("HOME", self.folder.path());
        command.env("KUBECACHEDIR", self.folder.path().join("cache"));
        command
    }

    /// Containers whose image has this part behave so from now on.
    pub(crate) fn set_behaviour(&self, image: &str, behaviour: Behaviour) {
        self.world.with(|state| state.behaviours.by_image.push((image.to_owned(), behaviour)));
    }

    /// Lets a function choose by pod and container, before the images.
    pub(crate) fn decide(&self, decide: impl Fn(&Value, &Value) -> Option<Behaviour> + Send + Sync + 'static) {
        self.world.with(|state| state.behaviours.decide = Some(Arc::new(decide)));
    }

    /// Containers whose image has this part log this text.
    pub(crate) fn set_log(&self, image: &str, text: &str) {
        self.world.with(|state| state.behaviours.logs.push((image.to_owned(), text.to_owned())));
    }

    /// Lets a function answer `kubectl exec`, from pod, arguments and standard input.
    pub(crate) fn set_exec(&self, exec: impl Fn(&str, &[String], &[u8]) -> Ran + Send + Sync + 'static) {
        self.world.with(|state| state.exec = Some(Arc::new(exec)));
    }

    /// Access reviews about this verb and resource (`*`: any) say no. Nothing else is refused.
    pub(crate) fn deny(&self, verb: &str, resource: &str) {
        let denial = world::Denial { verb: verb.to_owned(), resource: resource.to_owned() };
        self.world.with(|state| state.denials.push(denial));
    }

    /// Strikes requests.
    pub(crate) fn fail(&self, rule: Rule) {
        self.world.with(|state| state.rules.push(rule));
    }

    /// Takes all rules of [`Self::fail`] back.
    pub(crate) fn heal(&self) {
        self.world.with(|state| state.rules.clear());
    }

    /// Method and target of every request so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.world.lock().requests.clone()
    }

    /// Requests that could have changed something: neither reads, nor dry runs, nor questions.
    pub(crate) fn writes(&self) -> Vec<String> {
        let is_write = |request: &String| {
            !request.starts_with("GET ") && !request.contains("dryRun=All") && !request.contains("/selfsubject")
        };
        self.requests().into_iter().filter(is_write).collect()
    }

    /// What every request so far had to be allowed.
    pub(crate) fn audit(&self) -> Vec<Access> {
        self.world.lock().audit.clone()
    }

    /// What access reviews have asked about so far.
    pub(crate) fn asked(&self) -> Vec<Access> {
        self.world.lock().asked.clone()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget_requests(&self) {
        self.world.with(|state| state.requests.clear());
    }

    /// An object as it is now.
    pub(crate) fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = store::Key::new(kinds::kind(kind), namespace, name);
        self.world.lock().store.get(&key).map(|object| (**object).clone())
    }

    /// All objects of a kind in a namespace.
    pub(crate) fn objects(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let objects = self.world.lock().store.list(kinds::kind(kind), Some(namespace));
        objects.iter().map(|object| (**object).clone()).collect()
    }

    /// The version of the whole: as long as it is the same, nothing has changed.
    pub(crate) fn version(&self) -> u64 {
        self.world.lock().store.version()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.world.stop();
        // A last connection, so that the listener looks up.
        let _ = TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            // A thread that has failed has said so.
            let _ = thread.join();
        }
    }
}

fn kubeconfig(address: SocketAddr) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "stand-in", "preferences": {},
        "clusters": [{ "name": "stand-in", "cluster": { "server": format!("http://{address}") } }],
        "contexts": [{ "name": "stand-in", "context": { "cluster": "stand-in", "user": "tester" } }],
        "users": [{ "name": "tester", "user": {} }],
    });
    config.to_string()
}

/// The real kubectl, where `cargo xtask test` has put it. Without it a test is skipped and says why; in a complete run it fails.
pub(crate) fn kubectl() -> Option<PathBuf> {
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools").join("kubectl");
    let kubectl = env::var_os("BOOTSMITH_KUBECTL").map_or(made, PathBuf::from);
    if kubectl.is_file() {
        return Some(kubectl);
    }
    skip::missing(format!("no kubectl at {}: `cargo xtask test` puts it there", kubectl.display()));
    None
}
