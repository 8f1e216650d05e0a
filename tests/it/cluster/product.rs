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
use serde_json::Value;

use crate::seen::Seen;
use crate::skip;
use crate::stand_in::{StandIn, kubectl};

use super::permissions;
use super::place::{self, CLUSTER_VARIABLE, Footprint, Place};

/// What the scenarios call the product.
pub(super) const PRODUCT: &str = "shop";

/// A release in the making.
pub(super) struct Release {
    images: Images,
    tag: String,
    colour: String,
    web: String,
    more: String,
    files: Vec<(String, String)>,
}

/// Where a release has its images from.
pub(super) enum Images {
    /// The stand-in pulls nothing: they may be called as a reader likes.
    Imagined,
    /// A cluster that runs them has one image, with a shell, for all.
    One(String),
}

impl Images {
    fn of(&self, service: &str, tag: &str) -> String {
        match self {
            Self::Imagined => format!("registry.example.com/{service}:{tag}"),
            Self::One(image) => image.clone(),
        }
    }
}

const FIRST_TAG: &str = "1.0.0";

/// A program that stays.
const STAYS: &str = r#"["sleep", "1000000"]"#;

impl Release {
    /// The first, for the stand-in.
    pub(super) fn new() -> Self {
        Self::with_images(Images::Imagined)
    }

    /// The first, for a cluster that may run it.
    pub(super) fn on(cluster: &Cluster) -> Self {
        Self::with_images(cluster.place.images())
    }

    fn with_images(images: Images) -> Self {
        let (tag, colour, web) = (FIRST_TAG.to_owned(), "red".to_owned(), STAYS.to_owned());
        Self { images, tag, colour, web, more: String::new(), files: Vec::new() }
    }

    /// With another image of `web` where there are several, another environment in any case, and so another version.
    pub(super) fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.tag);
        self
    }

    /// With another text in the config of `web`.
    pub(super) fn colour(mut self, colour: &str) -> Self {
        colour.clone_into(&mut self.colour);
        self
    }

    /// With another command of `web`, as TOML.
    pub(super) fn web(mut self, command: &str) -> Self {
        command.clone_into(&mut self.web);
        self
    }

    /// With more tables.
    pub(super) fn with(mut self, more: &str) -> Self {
        self.more.push_str(more);
        self
    }

    /// With a file of objects that it brings as they are.
    pub(super) fn objects(mut self, text: &str) -> Self {
        self.files.push(("objects.yaml".to_owned(), text.to_owned()));
        self.with("[platforms.kubernetes]\nfiles = [\"*.yaml\"]\n")
    }

    /// With one more service.
    pub(super) fn service(mut self, name: &str, keys: &str) -> Self {
        let image = self.images.of(name, FIRST_TAG);
        self.more.push_str(&format!("[services.{name}]\nimage = \"{image}\"\n{keys}\n"));
        self
    }

    /// With a migration of `web`, which a shell runs both ways.
    pub(super) fn migration(self, name: &str, release: &str) -> Self {
        self.migration_of("web", name, release)
    }

    /// With one of `web` whose way up ends with 7 where it is run.
    pub(super) fn failing_migration(mut self, name: &str, release: &str) -> Self {
        self = self.migration(name, release);
        self.files.push((format!("{name}.up.sh"), "exit 7\n".to_owned()));
        self
    }

    /// The same of any service.
    pub(super) fn migration_of(mut self, service: &str, name: &str, release: &str) -> Self {
        for direction in ["up", "down"] {
            self.files.push((format!("{name}.{direction}.sh"), format!("echo {direction} of {name}\n")));
        }
        self.with(&format!(
            "[[migrations]]\nname = \"{name}\"\nrelease = \"{release}\"\nservice = \"{service}\"\n\
             up = \"{name}.up.sh\"\ndown = \"{name}.down.sh\"\n"
        ))
    }

    /// The payload, in a folder.
    pub(super) fn render(&self) -> tempfile::TempDir {
        render_with(&self.spec(), &self.files)
    }

    fn spec(&self) -> String {
        let Self { images, tag, colour, web, more, files: _ } = self;
        let (web_image, cache_image) = (images.of("web", tag), images.of("cache", FIRST_TAG));
        format!(
            r#"[project]
name = "{PRODUCT}"
version = "{tag}"
[bootstrap]
platforms = ["kubernetes"]
[service-defaults]
stop_grace_period = "1s"
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
image = "{web_image}"
command = {web}
environment = {{ RELEASE = "{tag}" }}
secrets = ["api-key"]
configs = [{{ source = "settings", target = "/etc/settings" }}]
expose = ["80"]
[services.web.deploy]
replicas = 2
[services.cache]
image = "{cache_image}"
command = {STAYS}
{more}"#
        )
    }
}

/// The payload of a spec for Kubernetes, in a folder.
pub(crate) fn render(spec: &str) -> tempfile::TempDir {
    render_with(spec, &[])
}

/// The same with files beside the spec.
fn render_with(spec: &str, files: &[(String, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a writable folder");
    }
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
    place: Place,
}

impl Cluster {
    /// A new stand-in, where there is a kubectl: for scenarios that inject faults, or count requests. Where a cluster is named they are left out.
    pub(super) fn start() -> Option<Self> {
        if Place::is_named() {
            skip::not_asked_for(format!(
                "the cluster of {CLUSTER_VARIABLE} takes no faults, and does not report its requests"
            ));
            return None;
        }
        Some(Self { kubectl: kubectl()?, place: Place::stand_in() })
    }

    /// The cluster that is named, or else a new stand-in.
    pub(super) fn start_anywhere() -> Option<Self> {
        let kubectl = kubectl()?;
        let place = Place::find(&kubectl);
        Some(Self { kubectl, place })
    }

    /// The stand-in, where it is one: what a real cluster does by itself is said to it.
    pub(super) fn stand_in(&self) -> Option<&StandIn> {
        match &self.place {
            Place::StandIn(stand_in) => Some(stand_in),
            Place::Named(_) => None,
        }
    }

    /// The image of a service that may run here.
    pub(super) fn image_of(&self, service: &str) -> String {
        self.place.images().of(service, FIRST_TAG)
    }

    /// Calls the entrypoint with the parameter that the product needs.
    pub(super) fn operate(&self, release: &tempfile::TempDir, words: &[&str]) -> Seen {
        self.operate_given(release, words, &[("API_KEY", "hunter2hunter2")])
    }

    /// Calls the entrypoint with these parameters.
    pub(super) fn operate_given(&self, release: &tempfile::TempDir, words: &[&str], given: &[(&str, &str)]) -> Seen {
        let mut command = entrypoint(self.place.command("sh"), &self.kubectl, release.path());
        let watch = self.stand_in().map(|stand_in| (stand_in, permissions::Watch::start(stand_in)));
        let seen = command.args(words).envs(given.iter().copied()).output().expect("a shell").into();
        if let Some((stand_in, watch)) = watch {
            watch.check(stand_in, release.path(), words);
        }
        seen
    }

    /// Somebody else's kubectl, which must succeed.
    pub(super) fn kubectl(&self, words: &[&str]) {
        let output = self.place.command(&self.kubectl).args(words).output().expect("kubectl starts");
        assert!(output.status.success(), "kubectl {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Somebody else's object.
    pub(super) fn create(&self, namespace: &str, object: &str) {
        let mut command: Command = self.place.command(&self.kubectl);
        command.args(["-n", namespace, "create", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("kubectl starts");
        child.stdin.take().expect("a pipe").write_all(object.as_bytes()).expect("kubectl reads");
        assert!(child.wait().expect("kubectl ends").success(), "{object}");
    }

    /// An object as it is now.
    pub(super) fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        match &self.place {
            Place::StandIn(stand_in) => stand_in.object(kind, namespace, name),
            Place::Named(named) => named.object(kind, namespace, name),
        }
    }

    /// All objects of a kind in a namespace.
    pub(super) fn objects(&self, kind: &str, namespace: &str) -> Vec<Value> {
        match &self.place {
            Place::StandIn(stand_in) => stand_in.objects(kind, namespace),
            Place::Named(named) => named.objects(kind, namespace),
        }
    }

    /// What is there of a kind once the cluster has done what was begun: a stand-in is asked once.
    pub(super) fn objects_left(&self, kind: &str, namespace: &str) -> Vec<Value> {
        self.place.when(|| self.objects(kind, namespace).is_empty());
        self.objects(kind, namespace)
    }

    /// Whether an object that is in no namespace is still there then.
    pub(super) fn is_left(&self, kind: &str, name: &str) -> bool {
        self.place.when(|| self.object(kind, "", name).is_none());
        self.object(kind, "", name).is_some()
    }

    /// Where the cluster stands, for [`Self::written`].
    pub(super) fn mark(&self) -> Mark {
        match &self.place {
            Place::StandIn(stand_in) => Mark::Writes(stand_in.writes().len()),
            Place::Named(named) => Mark::Objects(named.footprint()),
        }
    }

    /// What was written since then, apart from the lock and from the namespace, which is said again each time.
    pub(super) fn written(&self, since: &Mark) -> Vec<String> {
        let is_about =
            |request: &String| !request.contains("/leases") && !request.contains("/namespaces/shop-production?");
        self.written_at_all(since).into_iter().filter(is_about).collect()
    }

    /// The same with nothing left out.
    pub(super) fn written_at_all(&self, since: &Mark) -> Vec<String> {
        match (&self.place, since) {
            (Place::StandIn(stand_in), Mark::Writes(count)) => stand_in.writes().into_iter().skip(*count).collect(),
            (Place::Named(named), Mark::Objects(before)) => place::differences(before, &named.footprint()),
            _ => unreachable!("a mark is of its cluster"),
        }
    }
}

/// Where a cluster stood.
pub(super) enum Mark {
    /// So many requests could have changed something.
    Writes(usize),
    /// Each object of the product, and what we have written into it.
    Objects(Footprint),
}

/// The stand-in, for scenarios that began with [`Cluster::start`].
impl Deref for Cluster {
    type Target = StandIn;

    fn deref(&self) -> &StandIn {
        self.stand_in().expect("the scenario began with a stand-in")
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
