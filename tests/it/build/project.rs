//! A project in a temporary folder, with a base of its own that has what the entrypoint needs, and the program run in it.
//!
//! Nothing of the machine reaches the program but `PATH`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use bootsmith::epoch::Epoch;
use bootsmith::image::{Base, Settings, assemble};
use bootsmith::layer::Layer;
use bootsmith::pipeline::tools;
use bootsmith::plan::Platform;
use bootsmith::store::{Place as Location, Tool};
use bootsmith::tree::Mode;

use crate::fixture::{self, Place};
pub(crate) use crate::seen::Seen;
use crate::skip;

/// A project, its output `out` and its cache `cache` beside it.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

pub(crate) const SPEC: &str = r#"
[project]
name = "shop"
version = "1.4.2"
description = "DESCRIPTION"

[bootstrap]
platforms = ["compose"]
base = "oci:base.tar"

[services.web]
image = "docker.io/library/web:1.0"
configs = [{ source = "site", target = "/etc/site" }]

[configs.site]
directory = "config"

[scripts.report]
file = "scripts/report.sh"
service = "web"
"#;

pub(crate) const TARBALL: &str = "out/shop-1.4.2-compose.tar";

/// Every program that the entrypoint calls on Compose and on a swarm, by the name of its command.
pub(crate) static TOOLS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let command = |tool: &Tool| {
        let mut places = tool.places.iter();
        places.find_map(|place| if let Location::Command(name) = place { Some(name.clone()) } else { None })
    };
    let tools = tools(Platform::Compose).into_iter().chain(tools(Platform::Swarm));
    let names: BTreeSet<_> = tools.map(|tool| command(&tool).expect("every tool is a command")).collect();
    names.into_iter().collect()
});

impl Project {
    /// A project with a small base.
    pub(crate) fn new() -> Self {
        Self::with_base(&SMALL_BASE)
    }

    /// A project with a base that takes a moment to verify and to copy.
    pub(crate) fn slow() -> Self {
        Self::with_base(&LARGE_BASE)
    }

    fn with_base(base: &[u8]) -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        project.write("base.tar", base);
        project.write("bootstrap.toml", SPEC);
        project.write("config/site.conf", "listen 80;\n");
        project.write("config/more/deep.conf", "deep\n");
        project.write("scripts/report.sh", "#!/bin/sh\necho report\n");
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file in the project")).expect("room");
        fs::write(path, content).expect("room");
    }

    /// Writes the spec with a text replaced.
    pub(crate) fn change(&self, from: &str, to: &str) {
        let spec = fs::read_to_string(self.path("bootstrap.toml")).expect("a spec");
        assert!(spec.contains(from), "the spec has {from:?}");
        self.write("bootstrap.toml", spec.replace(from, to));
    }

    /// `bootsmith build`, not started yet.
    pub(crate) fn build(&self) -> Command {
        self.build_into("out")
    }

    /// `bootsmith build` into another folder.
    pub(crate) fn build_into(&self, folder: impl AsRef<OsStr>) -> Command {
        let mut command = self.bootsmith();
        command.args(["build", "--output"]).arg(folder);
        command
    }

    /// The program in the project's folder.
    pub(crate) fn bootsmith(&self) -> Command {
        self.isolated(env!("CARGO_BIN_EXE_bootsmith"))
    }

    /// Another program that starts the program, which it is given as `$0` and its arguments.
    pub(crate) fn through(&self, program: &str, arguments: &[&str]) -> Command {
        self.build_by(program, arguments, env!("CARGO_BIN_EXE_bootsmith"))
    }

    fn build_by(&self, program: &str, arguments: &[&str], bootsmith: impl AsRef<OsStr>) -> Command {
        let mut command = self.isolated(program);
        command.args(arguments).arg(bootsmith).args(["build", "--output", "out"]);
        command
    }

    /// `bootsmith build` as a user who may read what everybody may; says why where that cannot be.
    pub(crate) fn build_as_somebody_else(&self) -> Option<Command> {
        const SETPRIV: [&str; 2] = ["--reuid=65534", "--clear-groups"];
        if !succeeds("setpriv", &[&SETPRIV[..], &["true"]].concat()) {
            skip::missing("this user cannot become another one");
            return None;
        }
        assert!(succeeds("chmod", &["a+rX", "--recursive", &self.path("").display().to_string()]));
        if succeeds("setpriv", &[&SETPRIV[..], &[env!("CARGO_BIN_EXE_bootsmith"), "--version"]].concat()) {
            return Some(self.through("setpriv", &SETPRIV));
        }
        // It lies where others may not go.
        let copy = self.path("bootsmith");
        fs::copy(env!("CARGO_BIN_EXE_bootsmith"), &copy).expect("room for the program");
        Some(self.build_by("setpriv", &SETPRIV, copy))
    }

    fn isolated(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    /// The bytes of the tarball.
    pub(crate) fn tarball(&self) -> Vec<u8> {
        fs::read(self.path(TARBALL)).expect("a tarball")
    }

    /// The names in the output folder, sorted.
    pub(crate) fn outputs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("out")).expect("an output folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Runs a command.
pub(crate) fn run(command: &mut Command) -> Seen {
    command.output().expect("the program starts").into()
}

/// The archive of a base with some programs, and as many random bytes.
pub(crate) fn base_with(tools: &[impl AsRef<str>], noise: usize) -> Vec<u8> {
    base_in(&BTreeMap::new(), tools, noise)
}

/// The same, with an environment.
pub(crate) fn base_in(environment: &BTreeMap<String, String>, tools: &[impl AsRef<str>], noise: usize) -> Vec<u8> {
    let place = Place::new();
    let paths: Vec<_> = tools.iter().map(|tool| format!("usr/bin/{}", tool.as_ref())).collect();
    let files: Vec<_> = paths.iter().map(|path| (path.as_str(), Mode::Executable, "a program")).collect();
    let mut layers: Vec<Layer> = vec![fixture::layer("base", &files)];
    if noise > 0 {
        layers.push(fixture::layer("base", &[("usr/share/noise", Mode::Plain, &random_text(noise))]));
    }
    let environment = environment.clone();
    let settings = Settings { command: vec!["sh".to_owned()], environment, ..Settings::default() };
    let base = Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
    let image = assemble(&base, &layers, &settings, Epoch::default()).expect("an image");
    fixture::write(&image, &place.path("base.tar"));
    fs::read(place.path("base.tar")).expect("a tarball")
}

static SMALL_BASE: LazyLock<Vec<u8>> = LazyLock::new(|| base_with(&TOOLS, 0));
static LARGE_BASE: LazyLock<Vec<u8>> = LazyLock::new(|| base_with(&TOOLS, 6_000_000));

/// Texts that hardly compress, the same in every run.
pub(crate) fn random_text(length: usize) -> String {
    let mut random = Random::new(7);
    std::iter::repeat_with(|| char::from(b' ' + u8::try_from(random.below(95)).expect("below 95")))
        .take(length)
        .collect()
}

/// A generator that needs no crate: Knuth's linear congruence (MMIX).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Whether a program is on this machine and does what it is asked to.
pub(crate) fn succeeds(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// The digest of a file.
pub(crate) fn digest(path: &Path) -> String {
    fixture::digest_of_file(path)
}
