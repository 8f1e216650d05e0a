//! An operator of a cluster who is interrupted, or killed, in the middle of a deployment: with a real kubectl, against the stand-in.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::product::{entrypoint, render};
use crate::seen::Seen;
use crate::stand_in::{Behaviour, Settings, StandIn, kubectl};

const NAMESPACE: &str = "shop-production";

const SPEC: &str = r#"
[project]
name = "shop"
version = "1.0.0"
[bootstrap]
platforms = ["kubernetes"]
[service-defaults.deploy.update_config]
monitor = "1s"
[services.web]
image = "registry.example.com/web:1.0.0"
[services.worker]
image = "registry.example.com/worker:1.0.0"
depends_on = { web = { condition = "service_healthy" } }
"#;

/// An `up` that waits for a service which never gets ready.
struct Waiting {
    kubectl: PathBuf,
    stand_in: StandIn,
    payload: tempfile::TempDir,
    up: Child,
}

impl Waiting {
    fn start() -> Option<Self> {
        let kubectl = kubectl()?;
        let stand_in = StandIn::start(&Settings::default());
        stand_in.set_behaviour("web:1.0.0", Behaviour::NeverReady);
        let payload = render(SPEC);
        let mut up = entrypoint(stand_in.command("sh"), &kubectl, payload.path());
        let up = up.arg("up").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
        let waiting = Self { kubectl, stand_in, payload, up };
        let began = Instant::now();
        while waiting.stand_in.object("Deployment", NAMESPACE, "web").is_none() {
            assert!(began.elapsed() < Duration::from_secs(600), "`up` reaches the first wave");
            thread::sleep(Duration::from_millis(100));
        }
        Some(waiting)
    }

    /// Sends a signal; gives out what `up` came to, and how long that took.
    fn end_by(&mut self, signal: &str) -> (Seen, Duration) {
        let began = Instant::now();
        let sent = Command::new("kill").args([signal, &self.up.id().to_string()]).status();
        assert!(sent.expect("kill starts").success());
        let ended = self.up.wait().expect("a child");
        let took = began.elapsed();
        let mut err = String::new();
        let pipe = self.up.stderr.as_mut().expect("a pipe");
        // What a killed shell has started may hold the pipe open for longer than it lives.
        if ended.code().is_some() {
            std::io::Read::read_to_string(pipe, &mut err).expect("UTF-8");
        }
        (Seen { code: ended.code(), out: String::new(), err }, took)
    }

    fn operate(&self, words: &[&str]) -> Seen {
        let mut command = entrypoint(self.stand_in.command("sh"), &self.kubectl, self.payload.path());
        command.args(words).output().expect("a shell").into()
    }

    /// The cause is gone: the next `up` gets there.
    fn converges(&self) {
        self.stand_in.set_behaviour("web:1.0.0", Behaviour::Healthy);
        self.operate(&["up"]).expect(0);
        for service in ["web", "worker"] {
            let workload = self.stand_in.object("Deployment", NAMESPACE, service).expect("a workload");
            assert_eq!(workload["status"]["readyReplicas"], 1, "{service}");
        }
    }

    fn is_locked(&self) -> bool {
        self.stand_in.object("Lease", NAMESPACE, "bootsmith-lock").is_some()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It has ended already, unless the test failed before.
        let _ = self.up.kill();
        let _ = self.up.wait();
    }
}

#[test]
fn an_up_that_is_asked_to_end_ends_at_once_and_the_next_converges() {
    interrupt("-TERM", 143);
}

#[test]
fn an_up_that_is_interrupted_by_hand_ends_at_once_and_the_next_converges() {
    interrupt("-INT", 130);
}

fn interrupt(signal: &str, code: i32) {
    let Some(mut waiting) = Waiting::start() else { return };
    assert!(waiting.is_locked());
    let (seen, took) = waiting.end_by(signal);
    let seen = seen.expect(code);
    assert!(took < Duration::from_secs(120), "long before the time limit of five minutes: {took:?}: {}", seen.err);
    assert!(!waiting.is_locked(), "the lock is freed: {}", seen.err);
    assert!(waiting.stand_in.object("Deployment", NAMESPACE, "worker").is_none(), "the second wave never began");
    waiting.converges();
}

#[test]
fn a_killed_operator_leaves_what_the_next_up_repairs() {
    let Some(mut waiting) = Waiting::start() else { return };
    let (seen, _) = waiting.end_by("-KILL");
    assert_eq!(seen.code, None, "a signal is no code");
    assert!(waiting.is_locked(), "nobody was left to free it");
    let seen = waiting.operate(&["up"]).expect(75);
    assert!(seen.err.contains("unlock"), "{}", seen.err);
    waiting.operate(&["unlock", "--force"]).expect(0);
    waiting.converges();
}
