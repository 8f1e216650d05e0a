//! An engine for one test alone, that may be restarted and lose its power: dockerd in namespaces of its own, with its data in a temporary
//! folder.
//!
//! It is the first process of its namespaces. With it all its containers end, what it mounted is gone, and every network that it made.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bootsmith::plan::Platform;

use super::engine::{self, docker};

/// Runs until it is dropped. Commands of this thread go to it.
pub(crate) struct OwnEngine {
    folder: tempfile::TempDir,
    platform: Platform,
    /// The process that made the namespaces; it takes dockerd with it.
    daemon: Child,
}

/// How an engine ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// It stops its containers, as `systemctl restart docker` makes it do.
    Asked,
    /// Nothing of it or in it has time for anything.
    PowerLost,
}

impl OwnEngine {
    /// Starts one, with images of the engine of the surroundings; why not, where that is not possible.
    pub(crate) fn start(platform: Platform, images: &[&str]) -> Result<Self, String> {
        let saved = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        docker(&[["save", "--output", text(saved.path())].as_slice(), images].concat());
        let own = Self::start_empty(platform)?;
        docker(&["load", "--quiet", "--input", text(saved.path())]);
        Ok(own)
    }

    /// Starts one without any image.
    pub(crate) fn start_empty(platform: Platform) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        fs::write(folder.path().join("daemon.json"), "{}").map_err(|error| error.to_string())?;
        let daemon = daemon(folder.path()).map_err(|error| format!("unshare: {error}"))?;
        let mut own = Self { folder, platform, daemon };
        engine::use_socket(Some(own.socket()));
        own.await_daemon();
        if platform == Platform::Swarm {
            docker(&["swarm", "init", "--advertise-addr", "127.0.0.1"]);
        }
        Ok(own)
    }

    /// Starts two, with images of the engine of the surroundings, as a swarm: the manager `node-1`, to which commands go, and the worker
    /// `node-2` at [`WORKER`].
    pub(crate) fn start_swarm_of_two(images: &[&str]) -> Result<[Self; 2], String> {
        // Each is no member of a swarm before they can reach each other.
        let manager = Self::start(Platform::Compose, images)?;
        engine::use_socket(None);
        let worker = Self::start(Platform::Compose, images)?;
        link(&manager, &worker);
        engine::use_socket(Some(manager.socket()));
        docker(&["swarm", "init", "--advertise-addr", MANAGER]);
        let token = docker(&["swarm", "join-token", "--quiet", "worker"]);
        worker.docker(&["swarm", "join", "--token", &token, &format!("{MANAGER}:2377")]);
        Ok([manager, worker])
    }

    /// Runs a docker command here, wherever others go.
    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        let before = engine::own_socket();
        engine::use_socket(Some(self.socket()));
        let said = docker(arguments);
        engine::use_socket(before);
        said
    }

    /// Takes the cable to the other engine of its swarm out, or puts it in again.
    pub(crate) fn plug(&self, is_in: bool) {
        let state = if is_in { "up" } else { "down" };
        self.inside(&["ip", "link", "set", "eth0", state]);
    }

    /// Runs a program of this machine in its network, and under its name.
    fn inside(&self, words: &[&str]) {
        run("nsenter", &[&["--target", &self.inner(), "--net", "--uts"], words].concat());
    }

    /// Ends it, starts it again, and waits until it answers.
    pub(crate) fn restart(&mut self, end: End) {
        self.end(end);
        self.daemon = daemon(self.folder.path()).expect("dockerd starts");
        self.await_daemon();
    }

    fn socket(&self) -> String {
        text(&self.path("docker.sock")).to_owned()
    }

    /// The first process of its namespaces, as it is called outside of them.
    fn inner(&self) -> String {
        let unshare = self.daemon.id();
        let children = fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).unwrap_or_default();
        children.trim().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn await_daemon(&mut self) {
        let wanted =
            if self.platform == Platform::Swarm && self.path("data/swarm/state.json").exists() { "true" } else { "" };
        let start = Instant::now();
        loop {
            let info = engine::run(&["info", "--format", "{{.Swarm.ControlAvailable}}"]);
            if info.status.success() && String::from_utf8_lossy(&info.stdout).contains(wanted) {
                return;
            }
            let ended = self.daemon.try_wait().expect("a process of ours");
            assert!(ended.is_none() && start.elapsed() < Duration::from_secs(60), "the engine answers: {}", self.log());
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The last lines of what it logged.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn end(&mut self, end: End) {
        match end {
            End::Asked => {
                let asked = Command::new("kill").arg(self.inner()).status();
                assert!(asked.is_ok_and(|status| status.success()), "the engine is asked to end");
            }
            End::PowerLost => self.daemon.kill().expect("the engine is killed"),
        }
        self.daemon.wait().expect("the engine ends");
        // Numbers of processes that are no more; the next ones may have them.
        for left in ["pid", "exec/containerd/containerd.pid"] {
            let _ = fs::remove_file(self.path(left));
        }
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        engine::use_socket(None);
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

const MANAGER: &str = "10.77.0.1";
/// Where the second engine of a swarm is.
pub(crate) const WORKER: &str = "10.77.0.2";

/// A cable between the networks of two engines, and a name for each: what runs in them sees the other at its address.
fn link(manager: &OwnEngine, worker: &OwnEngine) {
    let [left, right] = [manager.inner(), worker.inner()];
    run("ip", &["link", "add", "eth0", "netns", &left, "type", "veth", "peer", "name", "eth0", "netns", &right]);
    for (engine, address, name) in [(manager, MANAGER, "node-1"), (worker, WORKER, "node-2")] {
        engine.inside(&["ip", "address", "add", &format!("{address}/24"), "dev", "eth0"]);
        engine.plug(true);
        engine.inside(&["hostname", name]);
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?}");
}

/// dockerd with all its files in a folder.
fn daemon(folder: &Path) -> std::io::Result<Child> {
    let log = File::options().create(true).append(true).open(folder.join("log"))?;
    let mut daemon = Command::new("unshare");
    daemon.args(["--net", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"]);
    daemon.args(["sh", "-c", "ip link set lo up && exec dockerd \"$@\"", "dockerd"]);
    daemon.args(["--bridge=none", "--iptables=false", "--ip6tables=false"]);
    for (option, name) in
        [("--config-file", "daemon.json"), ("--data-root", "data"), ("--exec-root", "exec"), ("--pidfile", "pid")]
    {
        daemon.arg(option).arg(folder.join(name));
    }
    daemon.arg("--host").arg(format!("unix://{}", text(&folder.join("docker.sock"))));
    daemon.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}
