//! Bases in registries, and `bootsmith pull`, as a user runs them.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::connection::Server;
use super::server::Fault;
use crate::build::project::{Project, Random, SPEC, Seen, TARBALL, digest, run};

/// A project whose base is in a registry, and what its tarball is when the base is a file.
struct Pinned {
    project: Project,
    server: Server,
    base: String,
    expected: String,
}

impl Pinned {
    fn new(project: Project) -> Self {
        run(&mut project.build()).expect(0);
        let expected = digest(&project.path(TARBALL));
        let server = Server::start();
        let reference = format!("{}/tools/docker:28", server.name());
        let pushed = run(project.bootsmith().args(["push", "base.tar", &reference])).expect(0);
        let base = format!("{reference}@{}", pushed.out.trim());
        fs::remove_dir_all(project.path("cache")).expect("a cache");
        fs::remove_dir_all(project.path("out")).expect("an output");
        server.state().log.clear();
        Self { project, server, base, expected }
    }

    /// `bootsmith build` on the base in the registry.
    fn build_into(&self, folder: &str) -> Command {
        let mut build = self.project.build_into(folder);
        build.args(["--base", &self.base]);
        build
    }

    #[track_caller]
    fn is_built(&self) {
        assert_eq!(digest(&self.project.path(TARBALL)), self.expected, "the same as from a file");
    }
}

#[test]
fn a_base_of_a_registry_is_a_base() {
    let pinned = Pinned::new(Project::new());
    let seen = run(&mut pinned.build_into("out")).expect(0);
    assert_eq!(seen.err.matches(": received").count(), 1, "{}", seen.err);
    pinned.is_built();
    // Nothing is asked for again, and nobody has to be there.
    let asked = pinned.server.state().log.len();
    run(&mut pinned.build_into("again")).expect(0);
    assert_eq!(pinned.server.state().log.len(), asked);
    pinned.project.write("bootstrap.toml", SPEC.replace("oci:base.tar", &pinned.base));
    let Pinned { project, server, base, .. } = pinned;
    drop(server);
    run(&mut project.build()).expect(0);
    // Without what was pulled there is nothing to build on.
    fs::remove_dir_all(project.path("cache")).expect("a cache");
    let seen = run(&mut project.build()).expect(3);
    assert!(
        seen.err.contains("cannot connect to the registry `127.0.0.1:") && base.contains("127.0.0.1"),
        "{}",
        seen.err
    );
}

#[test]
fn a_base_that_is_not_pinned_is_refused() {
    let pinned = Pinned::new(Project::new());
    let (floating, _) = pinned.base.split_once('@').expect("a digest");
    let seen = run(pinned.project.build().args(["--base", floating])).expect(2);
    let hint = format!("hint: write `{floating}@sha256:…`, with the digest that `bootsmith pull {floating}` prints");
    assert!(
        seen.err.contains(&format!("the base `{floating}` is not pinned")) && seen.err.contains(&hint),
        "{}",
        seen.err
    );
}

/// A password is for the registry that it was given for.
#[test]
fn a_login_does_not_go_to_two_registries() {
    let pinned = Pinned::new(Project::new());
    pinned.project.change("[\"compose\"]", "[\"compose\", \"swarm\"]");
    let other = format!("swarm={}", pinned.base.replace("127.0.0.1", "localhost"));
    let mut build = pinned.build_into("out");
    build.args(["--base", &other, "--username", "anna", "--password-stdin"]).stdin(Stdio::piped());
    let mut child = build.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"hunter2").expect("it is read");
    let seen = Seen::from(child.wait_with_output().expect("the program ends")).expect(2);
    assert!(seen.err.starts_with("error: one login was given for several registries: `127.0.0.1:"), "{}", seen.err);
    assert!(pinned.server.state().log.is_empty(), "nobody is asked");
}

/// Before a network is left, or a build begins that must not need one.
#[test]
fn a_base_is_pulled_beforehand() {
    let pinned = Pinned::new(Project::new());
    let (floating, digest) = pinned.base.split_once('@').expect("a digest");
    let seen = run(pinned.project.bootsmith().args(["pull", floating, "--architecture", "linux/amd64"])).expect(0);
    assert_eq!(seen.out.trim(), digest);
    let asked = pinned.server.state().log.len();
    run(&mut pinned.build_into("out")).expect(0);
    assert_eq!(pinned.server.state().log.len(), asked);
    pinned.is_built();
}

#[test]
fn a_base_that_lacks_what_is_wanted_is_refused() {
    let pinned = Pinned::new(Project::new());
    let seen = run(pinned.build_into("out").args(["--architecture", "linux/s390x"])).expect(3);
    assert!(seen.err.contains("has no image for linux/s390x; it has linux/amd64"), "{}", seen.err);
    let seen = run(pinned
        .project
        .build()
        .args(["--base", &format!("{}/tools/other@{}", pinned.server.name(), &pinned.base[pinned.base.len() - 71..])]))
    .expect(3);
    assert!(seen.err.contains("`127.0.0.1` answers 404"), "{}", seen.err);
}

/// What was pushed comes back byte for byte.
#[test]
fn a_pulled_tarball_is_the_pushed_one() {
    let pinned = Pinned::new(Project::new());
    run(&mut pinned.project.build()).expect(0);
    let reference = format!("{}/shop/bootstrap:1.4.2", pinned.server.name());
    let pushed = run(pinned.project.bootsmith().args(["push", TARBALL, &reference])).expect(0);
    let pulled = run(pinned.project.bootsmith().args(["pull", &reference, "pulled.tar"])).expect(0);
    assert_eq!(pulled.out, pushed.out);
    let seen = run(pinned.project.bootsmith().args(["verify", "pulled.tar"])).expect(0);
    assert!(seen.out.contains("payload files are valid"), "{}", seen.out);
    // But for the name that is in it.
    let again = run(pinned.project.bootsmith().args(["push", "pulled.tar", &reference])).expect(0);
    assert_eq!(again.out, pushed.out);
    for bad in ["shop", &format!("shop@{}", pulled.out.trim())] {
        run(pinned.project.bootsmith().args(["pull", bad, "x.tar"])).expect(2);
    }
    run(pinned.project.bootsmith().args(["pull", &reference, "--architecture", "Linux"])).expect(2);
}

#[test]
fn two_builds_share_a_store() {
    let pinned = Pinned::new(Project::slow());
    let children: Vec<_> = ["one", "two", "three"]
        .map(|folder| pinned.build_into(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn())
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("the program starts");
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    for folder in ["one", "two", "three"] {
        assert_eq!(digest(&pinned.project.path(&format!("{folder}/shop-1.4.2-compose.tar"))), pinned.expected);
    }
    let state = pinned.server.state();
    let layers = state.log.iter().filter(|seen| seen.head.method == "GET" && seen.head.path.contains("/blobs/"));
    let mut paths: Vec<_> = layers.map(|seen| seen.head.path.clone()).collect();
    let large = paths
        .iter()
        .max_by_key(|path| {
            state.blobs[&("tools/docker".to_owned(), path.rsplit('/').next().expect("a digest").to_owned())].len()
        })
        .cloned();
    paths.retain(|path| Some(path) == large.as_ref());
    assert_eq!(paths.len(), 1, "the largest layer comes once");
}

const KILLS: usize = 50;

/// SIGKILL at random moments of a pull: what is left behind is gone on with, and never believed.
#[test]
fn a_killed_pull_never_leaves_a_wrong_byte() {
    let pinned = Pinned::new(Project::slow());
    // The connection breaks off now and then as well.
    for number in [3, 7, 11] {
        pinned.server.fails("GET", "/blobs/", number, Fault::Cut(1_000_000));
    }
    let mut random = Random::new(20_261_121);
    for round in 0..KILLS {
        if round % 5 == 0 {
            drop(fs::remove_dir_all(pinned.project.path("cache")));
        }
        let mut child = quiet(&mut pinned.build_into("out")).spawn().expect("the program starts");
        thread::sleep(Duration::from_micros(random.below(120_000)));
        let _ = child.kill();
        child.wait().expect("it ends");
        let blobs = pinned.project.path("cache/bootsmith/1/registries/blobs/sha256");
        for entry in fs::read_dir(blobs).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                assert_eq!(digest(&entry.path()), format!("sha256:{name}"));
            }
        }
    }
    run(&mut pinned.build_into("out")).expect(0);
    pinned.is_built();
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}
