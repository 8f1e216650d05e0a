//! A small product for a cluster, and what operates it: the entrypoint as it is in the image, started by the shell of this machine.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bootsmith::host;
use bootsmith::pipeline::tools;
use bootsmith::plan::{Platform, Selection};

use crate::seen::Seen;
use crate::stand_in::{Settings, StandIn, kubectl};

/// A release in the making.
pub(super) struct Release {
    tag: String,
    colour: String,
    more: String,
}

impl Release {
    /// The first.
    pub(super) fn new() -> Self {
        Self { tag: "1.0.0".to_owned(), colour: "red".to_owned(), more: String::new() }
    }

    /// With another image of `web`, and so another version.
    pub(super) fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// With another text in the config of `web`.
    pub(super) fn colour(mut self, colour: &str) -> Self {
        colour.clone_into(&mut self.colour);
        self
    }

    /// With more tables.
    pub(super) fn with(mut self, more: &str) -> Self {
        self.more.push_str(more);
        self
    }

    /// The payload, in a folder.
    pub(super) fn render(&self) -> tempfile::TempDir {
        render(&self.spec())
    }

    fn spec(&self) -> String {
        let Self { tag, colour, more } = self;
        format!(
            r#"[project]
name = "shop"
version = "{tag}"
[bootstrap]
platforms = ["kubernetes"]
[service-defaults.deploy.update_config]
monitor = "1s"
[parameters.API_KEY]
secret = true
required = true
[secrets.api-key]
parameter = "API_KEY"
[configs.settings]
content = "colour = {colour}"
[services.web]
image = "registry.example.com/web:{tag}"
secrets = ["api-key"]
configs = [{{ source = "settings", target = "/etc/settings" }}]
expose = ["80"]
[services.web.deploy]
replicas = 2
[services.cache]
image = "registry.example.com/cache:1.0.0"
{more}"#
        )
    }
}

/// The payload of a spec for Kubernetes, in a folder.
pub(crate) fn render(spec: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("bootstrap.toml");
    fs::write(&file, spec).expect("a writable folder");
    let selection = Selection { platforms: vec![Platform::Kubernetes.name().to_owned()], ..Selection::default() };
    let (_, prepared) = host::prepare(&file, &selection).unwrap_or_else(|failure| panic!("{failure:?}"));
    let payload = &prepared.payloads[&Platform::Kubernetes];
    for tree in [&payload.entrypoint, &payload.scripts, &payload.environments] {
        host::write_tree(tree, folder.path()).expect("a writable folder");
    }
    folder
}

/// The entrypoint of a payload: a shell that knows its cluster, with this kubectl and no program that a base need not have.
pub(crate) fn entrypoint(mut shell: Command, kubectl: &Path, payload: &Path) -> Command {
    let root = payload.join("bootstrap");
    shell.env_remove("API_KEY").env_remove("KUBERNETES_SERVICE_HOST");
    shell.env("BOOTSTRAP_ROOT", &root).env("BOOTSTRAP_SECRETS", payload.join("secrets"));
    shell.env("PATH", tools_of_a_base(kubectl, &payload.join("tools")));
    shell.arg(root.join("bin/bootstrap")).stdin(Stdio::null());
    shell
}

/// A cluster with a kubectl for it.
pub(super) struct Cluster {
    kubectl: PathBuf,
    stand_in: StandIn,
}

impl Cluster {
    /// A new cluster, where there is a kubectl.
    pub(super) fn start() -> Option<Self> {
        Some(Self { kubectl: kubectl()?, stand_in: StandIn::start(&Settings::default()) })
    }

    /// Calls the entrypoint with the parameter that the product needs.
    pub(super) fn operate(&self, release: &tempfile::TempDir, words: &[&str]) -> Seen {
        self.operate_given(release, words, &[("API_KEY", "hunter2hunter2")])
    }

    /// Calls the entrypoint with these parameters.
    pub(super) fn operate_given(&self, release: &tempfile::TempDir, words: &[&str], given: &[(&str, &str)]) -> Seen {
        let mut command = entrypoint(self.stand_in.command("sh"), &self.kubectl, release.path());
        command.args(words).envs(given.iter().copied()).output().expect("a shell").into()
    }

    /// Somebody else's kubectl, which must succeed.
    pub(super) fn kubectl(&self, words: &[&str]) {
        let output = self.stand_in.command(&self.kubectl).args(words).output().expect("kubectl starts");
        assert!(output.status.success(), "kubectl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Somebody else's object.
    pub(super) fn create(&self, namespace: &str, object: &str) {
        let mut command: Command = self.stand_in.command(&self.kubectl);
        command.args(["-n", namespace, "create", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("kubectl starts");
        child.stdin.take().expect("a pipe").write_all(object.as_bytes()).expect("kubectl reads");
        assert!(child.wait().expect("kubectl ends").success(), "{object}");
    }
}

impl Deref for Cluster {
    type Target = StandIn;

    fn deref(&self) -> &StandIn {
        &self.stand_in
    }
}

/// A folder with what a base is checked for, and nothing else.
fn tools_of_a_base(kubectl: &Path, folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).expect("a writable folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    for name in tools(Platform::Kubernetes).into_iter().map(|tool| tool.name) {
        let found = std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|program| program.is_file());
        let program = if name == "kubectl" { Some(kubectl.to_owned()) } else { found };
        let program = program.unwrap_or_else(|| panic!("this machine has no `{name}`"));
        match symlink(program, folder.join(&name)) {
            // Another call of the same release was here.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            linked => linked.expect("a writable folder"),
        }
    }
    folder.to_owned()
}
