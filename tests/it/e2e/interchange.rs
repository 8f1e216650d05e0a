//! One tarball for every tool: each takes it by its own door, checks it with its own means, and agrees on the digests.

mod clients;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use bootsmith::store::Receipt;
use serde_json::Value;

use super::clients::untar;
use super::engine::{self, docker, surroundings};

/// The tag of the shop's image for Compose.
const TAG: &str = "1.4.2-compose";

/// The shop under another name, built on the base of the tests.
struct Built {
    folder: tempfile::TempDir,
    name: &'static str,
    receipt: Receipt,
}

/// Builds the shop; `name` keeps its image apart from those of other tests.
fn built(name: &'static str, base: &str) -> Built {
    built_with(name, &["--base", base])
}

fn built_with(name: &'static str, options: &[&str]) -> Built {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(
        Command::new("cp").args(["-r", "examples/shop/."]).arg(folder.path()).status().is_ok_and(|it| it.success())
    );
    let spec = folder.path().join("bootstrap.toml");
    let text =
        fs::read_to_string(&spec).expect("a spec").replace("\"shop/bootstrap\"", &format!("\"{name}/bootstrap\""));
    fs::write(&spec, text).expect("room");
    let mut build = Command::new(env!("CARGO_BIN_EXE_bootsmith"));
    build
        .args(["build", "--platform", "compose"])
        .args(options)
        .arg("--output")
        .arg(folder.path())
        .arg("--file")
        .arg(spec);
    run(build.env("XDG_CACHE_HOME", folder.path().join("cache")));
    let receipt = fs::read(folder.path().join("shop-1.4.2-compose.json")).expect("a receipt");
    Built { folder, name, receipt: serde_json::from_slice(&receipt).expect("a receipt") }
}

impl Built {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tarball(&self, transport: &str) -> String {
        format!("{transport}:{}", self.path("shop-1.4.2-compose.tar").display())
    }

    /// How the engine calls the image.
    fn reference(&self) -> String {
        format!("{}/bootstrap:{TAG}", self.name)
    }

    fn blobs(&self) -> Vec<String> {
        self.receipt.images[0].layers.iter().map(|layer| layer.digest.to_string()).collect()
    }

    fn diff_ids(&self) -> Vec<String> {
        self.receipt.images[0].layers.iter().map(|layer| layer.diff_id.to_string()).collect()
    }
}

/// Runs a command that must succeed.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// skopeo without a policy file, which not every machine has.
#[track_caller]
fn skopeo(arguments: &[&str]) -> String {
    run(Command::new("skopeo").arg("--insecure-policy").args(arguments))
}

fn inspect(reference: &str) -> Value {
    serde_json::from_str(&skopeo(&["inspect", reference])).expect("JSON")
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|item| item.as_str().expect("a text").to_owned()).collect()
}

#[test]
fn skopeo_takes_it_as_an_oci_archive() {
    let Some(surroundings) = surroundings() else { return };
    let built = built("e2e-skopeo-oci", &format!("oci:{}", surroundings.base));
    let seen = inspect(&built.tarball("oci-archive"));
    assert_eq!(seen["Digest"], built.receipt.digest.to_string());
    assert_eq!(texts(&seen["Layers"]), built.blobs());
    assert_eq!(seen["Labels"]["io.bootsmith.platform"], "compose");
    // `--preserve-digests` fails rather than change a byte of the manifest.
    let layout = format!("oci:{}:{TAG}", built.path("layout").display());
    skopeo(&["copy", "--quiet", "--preserve-digests", &built.tarball("oci-archive"), &layout]);
    assert_eq!(inspect(&layout)["Digest"], built.receipt.digest.to_string());
}

#[test]
fn skopeo_takes_it_as_a_docker_archive() {
    let Some(surroundings) = surroundings() else { return };
    let built = built("e2e-skopeo-docker", &format!("oci:{}", surroundings.base));
    let folder = format!("dir:{}", built.path("dir").display());
    skopeo(&["copy", "--quiet", &format!("{}:{}", built.tarball("docker-archive"), built.reference()), &folder]);
    // A docker-archive has no manifest of its own; skopeo makes one. Configuration and diffIDs are ours.
    let manifest: Value =
        serde_json::from_slice(&fs::read(built.path("dir/manifest.json")).expect("a manifest")).expect("JSON");
    assert_eq!(manifest["config"]["digest"], built.receipt.images[0].config.to_string());
    let config: Value = serde_json::from_str(&skopeo(&["inspect", "--config", "--raw", &folder])).expect("JSON");
    assert_eq!(texts(&config["rootfs"]["diff_ids"]), built.diff_ids());
}

#[test]
fn skopeo_pushes_it_unchanged() {
    let Some(surroundings) = surroundings() else { return };
    let built = built("e2e-skopeo-push", &format!("oci:{}", surroundings.base));
    let target = format!("docker://{}/{}", surroundings.registry, built.reference());
    let source = built.tarball("oci-archive");
    skopeo(&["copy", "--quiet", "--preserve-digests", "--dest-tls-verify=false", &source, &target]);
    let digest = skopeo(&["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &target]);
    assert_eq!(digest.trim(), built.receipt.digest.to_string());
}

/// umoci checks every digest that it follows.
#[test]
fn umoci_unpacks_it() {
    let Some(surroundings) = surroundings() else { return };
    let built = built("e2e-umoci", &format!("oci:{}", surroundings.base));
    // The tarball is a layout in a tar: untarred it is one that umoci takes.
    untar(&built.path("shop-1.4.2-compose.tar"), &built.path("layout"));
    let image = format!("{}:{TAG}", built.path("layout").display());
    run(Command::new("umoci").args(["unpack", "--rootless", "--image", &image]).arg(built.path("bundle")));
    let in_image = |path: &str| fs::read(built.path("bundle/rootfs/bootstrap").join(path)).expect(path);
    let given = |path: &str| fs::read(Path::new("examples/shop").join(path)).expect(path);
    assert!(in_image("bin/bootstrap").starts_with(b"#!/bin/sh\n"));
    assert_eq!(in_image("scripts/backup.sh"), given("scripts/backup.sh"));
    assert!(built.path("bundle/rootfs/usr/bin/docker").exists(), "the base is below");
    let process: Value =
        serde_json::from_slice(&fs::read(built.path("bundle/config.json")).expect("a bundle")).expect("JSON");
    assert_eq!(texts(&process["process"]["args"]), ["/bootstrap/bin/bootstrap", "help"]);
    run(Command::new("umoci").args(["stat", "--image", &image]));
}

#[test]
fn podman_loads_it() {
    let Some(surroundings) = surroundings() else { return };
    let built = built("e2e-podman", &format!("oci:{}", surroundings.base));
    let (root, state) = (built.path("podman"), built.path("podman-state"));
    let podman = |arguments: &[&str]| {
        let mut podman = Command::new("podman");
        podman.arg("--root").arg(&root).arg("--runroot").arg(&state).args(["--storage-driver", "vfs"]);
        run(podman.args(arguments))
    };
    podman(&["load", "--quiet", "--input", &built.path("shop-1.4.2-compose.tar").display().to_string()]);
    let listed = podman(&["image", "ls", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let id = listed[0]["Id"].as_str().expect("an image");
    assert_eq!(format!("sha256:{id}"), built.receipt.images[0].config.to_string());
    let seen: Value = serde_json::from_str(&podman(&["image", "inspect", id])).expect("JSON");
    assert_eq!(texts(&seen[0]["RootFS"]["Layers"]), built.diff_ids());
    assert!(texts(&seen[0]["RepoTags"])[0].ends_with(&built.reference()), "{}", seen[0]["RepoTags"]);
}

/// The engine of this machine loads it, and runs it.
#[test]
fn docker_loads_it() {
    let Some(surroundings) = surroundings() else { return };
    let built = built("e2e-docker", &format!("oci:{}", surroundings.base));
    check_in_engine(&built);
}

fn check_in_engine(built: &Built) {
    let reference = built.reference();
    docker(&["load", "--quiet", "--input", &built.path("shop-1.4.2-compose.tar").display().to_string()]);
    let seen: Value = serde_json::from_str(&docker(&["image", "inspect", &reference])).expect("JSON");
    // The id is the configuration's digest in Docker's own store, the manifest's in containerd's.
    let ids = [built.receipt.images[0].config, built.receipt.digest].map(|digest| digest.to_string());
    assert!(ids.iter().any(|id| seen[0]["Id"] == *id), "{}", seen[0]["Id"]);
    assert_eq!(texts(&seen[0]["RootFS"]["Layers"]), built.diff_ids());
    let said = docker(&["run", "--rm", "--network", "none", &reference, "version"]);
    assert!(said.contains("1.4.2"), "{said}");
    docker(&["image", "rm", &reference]);
}

/// A base that comes out of the engine is as good as one from a file.
#[test]
fn a_base_of_docker_save_is_taken() {
    let Some(surroundings) = surroundings() else { return };
    let saved = tempfile::tempdir().expect("a temporary folder");
    let (base, archive) = ("bootsmith/base:compose", saved.path().join("saved.tar").display().to_string());
    docker(&["load", "--quiet", "--input", &surroundings.base]);
    docker(&["save", "--output", &archive, base]);
    let from_engine = built("e2e-saved", &format!("docker-archive:{archive}"));
    check_in_engine(&from_engine);
    assert_eq!(
        from_engine.diff_ids(),
        built("e2e-saved", &format!("oci:{}", surroundings.base)).diff_ids(),
        "the same files, whichever way the base came"
    );
    assert!(engine::run(&["image", "inspect", base]).status.success());
}
