//! A product made for one test: built, loaded, operated, and gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bootsmith::host::{self, BuildSettings};
use bootsmith::plan::{Platform, Selection};

use super::engine::{self, Surroundings};
pub(crate) use crate::seen::Seen;

/// A product in its own folder, with its bootstrap image in the engine.
pub(crate) struct Product {
    /// The name in `[project]`, also the repository: `<name>/bootstrap`.
    pub(crate) name: String,
    folder: tempfile::TempDir,
    base: String,
    platform: Platform,
    environments: Vec<String>,
    image: String,
    tarball: PathBuf,
    /// `NAME=value` for every run.
    pub(crate) given: Vec<String>,
}

impl Product {
    /// A product of one spec; `$NAME` in it is the product's name.
    pub(crate) fn new(surroundings: &Surroundings, name: &str, spec: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("bootstrap.toml"), spec).expect("a writable folder");
        Self::in_folder(surroundings, name, folder)
    }

    /// An example of the repository under another name, with texts of its spec replaced.
    pub(crate) fn of_example(surroundings: &Surroundings, name: &str, example: &str, replace: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy(&Path::new("examples").join(example), folder.path());
        let product = folder.path().join("bootstrap.toml");
        let mut spec = fs::read_to_string(&product).expect("an example has a spec");
        for (from, to) in replace {
            assert!(spec.contains(from), "the spec of `{example}` has {from:?}");
            spec = spec.replace(from, to);
        }
        fs::write(&product, spec).expect("a writable folder");
        Self::in_folder(surroundings, name, folder)
    }

    fn in_folder(surroundings: &Surroundings, name: &str, folder: tempfile::TempDir) -> Self {
        let base = format!("oci:{}", surroundings.base);
        let mut product = Self {
            name: name.to_owned(),
            folder,
            base,
            platform: surroundings.platform,
            environments: Vec::new(),
            image: String::new(),
            tarball: PathBuf::new(),
            given: Vec::new(),
        };
        product.build(None);
        product.clean();
        product
    }

    /// Builds and loads a version of the product: the one of the spec, or another.
    pub(crate) fn build(&mut self, version: Option<&str>) {
        let selection = Selection {
            platforms: vec![self.platform.name().to_owned()],
            base: Some(self.base.clone()),
            needs_base: true,
            version: version.map(str::to_owned),
            ..Selection::default()
        };
        let settings = BuildSettings {
            file: self.spec(),
            selection,
            output: self.folder.path().join("out"),
            ..BuildSettings::default()
        };
        let outcome =
            host::build(&settings, &|_| {}).unwrap_or_else(|failure| panic!("the product builds: {failure:?}"));
        let plan = &outcome.prepared.plan;
        assert_eq!(plan.project.as_str(), self.name);
        self.environments = plan.environments.iter().map(|environment| environment.name.to_string()).collect();
        self.image.clone_from(&outcome.built[0].receipt.reference);
        self.tarball.clone_from(&outcome.built[0].path);
        engine::docker(&["load", "--quiet", "--input", outcome.built[0].path.to_str().expect("a UTF-8 path")]);
    }

    /// Changes the spec; `build` then makes it real.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let spec = fs::read_to_string(self.spec()).expect("the spec was written");
        assert!(spec.contains(from), "the spec has {from:?}");
        fs::write(self.spec(), spec.replace(from, to)).expect("a writable folder");
    }

    fn spec(&self) -> PathBuf {
        self.folder.path().join("bootstrap.toml")
    }

    /// What the bootstrap image is called.
    pub(crate) fn image(&self) -> &str {
        &self.image
    }

    /// Operates it with another of its images from now on.
    pub(crate) fn use_image(&mut self, image: &str) {
        image.clone_into(&mut self.image);
    }

    /// Moves the release, with all images of its services, and operates it from there from now on. The cache is the test's own.
    pub(crate) fn copy_to(&mut self, destination: &str) {
        let copied = self.bootsmith("copy", destination);
        let name = self.image.strip_prefix("docker.io/").expect("a repository without a registry");
        engine::docker(&["image", "rm", "--force", &self.image]);
        self.image = format!("{destination}/{name}@{}", copied.out.trim());
        engine::docker(&["pull", "--quiet", &self.image]);
    }

    /// Writes the release and all images of its services into one file.
    pub(crate) fn bundle(&self) -> PathBuf {
        let bundle = self.path("bundle.tar");
        self.bootsmith("bundle", bundle.to_str().expect("a UTF-8 path"));
        bundle
    }

    /// A command of the program on the tarball.
    fn bootsmith(&self, command: &str, target: &str) -> Seen {
        let mut program = Command::new(env!("CARGO_BIN_EXE_bootsmith"));
        program.arg(command).arg(&self.tarball).arg(target).env("XDG_CACHE_HOME", self.path("cache"));
        Seen::from(program.output().expect("the program starts")).expect(0)
    }

    /// The containers of a service, sorted.
    pub(crate) fn replicas(&self, environment: &str, service: &str) -> Vec<String> {
        engine::replicas(self.platform, &self.name, environment, Some(service))
    }

    /// The containers of all services, sorted.
    pub(crate) fn all_replicas(&self, environment: &str) -> Vec<String> {
        engine::replicas(self.platform, &self.name, environment, None)
    }

    /// The folder for files of the test.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `shop-production`
    pub(crate) fn target(&self, environment: &str) -> String {
        format!("{}-{environment}", self.name)
    }

    /// `docker run … <image>` up to the image, with the socket and what is given.
    fn command(&self, options: &[&str]) -> Command {
        let mut command = engine::command();
        let socket = format!("{}:/var/run/docker.sock", engine::socket());
        // The docker CLI inside is called for a moment: starting it for several processors takes a third more.
        command.args(["run", "--rm", "--interactive", "--volume", &socket, "--env", "GOMAXPROCS=1"]);
        self.finish(command, options)
    }

    fn finish(&self, mut command: Command, options: &[&str]) -> Command {
        for given in &self.given {
            command.args(["--env", given]);
        }
        command.args(options).arg(&self.image);
        command
    }

    /// Runs a command of the bootstrap image.
    pub(crate) fn run(&self, arguments: &[&str]) -> Seen {
        self.run_with(&[], arguments, Stdio::null())
    }

    /// Runs it with more options of `docker run` and a standard input.
    pub(crate) fn run_with(&self, options: &[&str], arguments: &[&str], input: impl Into<Stdio>) -> Seen {
        self.command(options).args(arguments).stdin(input).output().expect("docker starts").into()
    }

    /// Runs it without the socket, as one who operates an engine over the network does.
    pub(crate) fn run_over_network(&self, host: &str, arguments: &[&str]) -> Seen {
        let mut command = engine::command();
        command.args(["run", "--rm", "--interactive", "--network", "host", "--env", &format!("DOCKER_HOST={host}")]);
        self.finish(command, &[]).args(arguments).stdin(Stdio::null()).output().expect("docker starts").into()
    }

    /// Starts a command under a container name, to interrupt it.
    pub(crate) fn start(&self, container: &str, arguments: &[&str]) -> Child {
        let mut command = self.command(&["--name", container]);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("docker starts")
    }

    /// Removes what the product left on the engine, with its data.
    fn clean(&self) {
        for environment in &self.environments {
            if engine::everything_of(&self.name, environment).is_empty() {
                continue;
            }
            let seen = self.run(&["down", environment, "--volumes", "--yes"]);
            if seen.code != Some(0) {
                println!("down {environment}: {seen:?}");
            }
        }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        self.clean();
        engine::run(&["image", "rm", "--force", &self.image]);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.expect("a readable example");
        let target = to.join(entry.path().strip_prefix(from).expect("a walk stays below its root"));
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).expect("a writable folder");
        } else {
            fs::copy(entry.path(), target).expect("a writable folder");
        }
    }
}

/// A service that stays up, and is believed to after a second.
pub(crate) const STEADY: &str = r#"
[services.steady]
image = "sample/box:1.0.0"
command = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
deploy = { update_config = { monitor = "1s" } }
"#;

/// Runs `up`, which must make the containers of `user` anew and leave those of `steady` alone; gives out what the new one logs.
#[track_caller]
pub(crate) fn renew_user_alone(product: &Product) -> String {
    let replicas = |service| product.replicas("production", service);
    let (steady, user) = (replicas("steady"), replicas("user"));
    product.run(&["up"]).expect(0);
    assert_eq!(replicas("steady"), steady);
    let renewed = replicas("user");
    assert_ne!(renewed, user);
    engine::docker(&["logs", &renewed[0]])
}

/// A secret that the operator gives; who mounts it says `secrets = ["api-key"]`.
pub(crate) const API_KEY: &str = r#"
[parameters.API_KEY]
secret = true
required = true
[secrets.api-key]
parameter = "API_KEY"
"#;

/// Tests of all platforms run side by side on one engine: a product has a name of its own on each.
pub(crate) fn name_on(platform: Platform, name: &str) -> String {
    match platform {
        Platform::Compose => name.to_owned(),
        other => format!("{name}-{}", other.name()),
    }
}

/// Services of a shell, in one environment, under a name of their own on each platform.
pub(crate) fn box_product(surroundings: &Surroundings, name: &str, rest: &str) -> Product {
    let name = name_on(surroundings.platform, name);
    // Volumes of a swarm belong to nodes.
    let allow = r#"allow = [{ code = "B037", platform = "swarm", reason = "the swarm of the tests has one node" }]"#;
    let spec = format!("[project]\nname = \"{name}\"\nversion = \"1.0.0\"\n[bootstrap]\n{allow}\n\n{rest}");
    Product::new(surroundings, &name, &spec)
}

/// A `PostgreSQL` that stays as it is.
const DATABASE: &str = r#"
[services.database]
image = "sample/database:1.0.0"
environment = { POSTGRES_USER = "shop", POSTGRES_DB = "shop", POSTGRES_PASSWORD_FILE = "/run/secrets/api-key" }
secrets = ["api-key"]
volumes = ["dbdata:/var/lib/postgresql/data"]
healthcheck = { test = ["CMD", "pg_isready", "-U", "shop", "-h", "127.0.0.1"], interval = "2s", timeout = "3s", retries = 30 }
deploy = { endpoint_mode = "dnsrr", update_config = { monitor = "1s" } }
[volumes.dbdata]
"#;

/// The same with a `database`, whose password the operator gives as [`API_KEY`]; images that are `sample/…` are `<images>/…`.
pub(crate) fn database_product(surroundings: &Surroundings, name: &str, images: &str, rest: &str) -> Product {
    let spec = format!("{API_KEY}{DATABASE}{rest}").replace("\"sample/", &format!("\"{images}/"));
    let mut product = box_product(surroundings, name, &spec);
    product.given.push("API_KEY=it's $ecret".to_owned());
    product
}
