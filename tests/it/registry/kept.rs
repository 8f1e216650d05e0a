//! Where images of registries are kept: no link there is followed, no record is believed, and without a place for it everything goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use bootsmith::digest::Digest;
use bootsmith::inspect;
use serde_json::Value;

use super::connection::Server;
use crate::build::project::{Project, Seen, TARBALL, run};
use crate::build::refused::with_mounts;

/// A release in a registry, and a cache that knows nothing of it.
struct Released {
    project: Project,
    server: Server,
    reference: String,
    digest: Digest,
    layers: Vec<Digest>,
}

const NOTE: &str = "note: cannot use the cache, using a temporary folder: ";

impl Released {
    fn new() -> Self {
        let (project, server) = (Project::new(), Server::start());
        let web = format!("{}/shop/web:1.0", server.name());
        run(project.bootsmith().args(["push", "base.tar", &web])).expect(0);
        project.change("docker.io/library/web:1.0", &web);
        run(&mut project.build()).expect(0);
        let reference = format!("{}/shop/bootstrap:1.4.2", server.name());
        let pushed = run(project.bootsmith().args(["push", TARBALL, &reference])).expect(0);
        let receipt = fs::read(project.path(TARBALL).with_extension("json")).expect("a receipt");
        let receipt: Value = serde_json::from_slice(&receipt).expect("JSON");
        let layers = receipt["images"][0]["layers"].as_array().expect("layers").iter();
        let layers = layers.map(|layer| Digest::parse(layer["digest"].as_str().expect("a text")).expect("a digest"));
        let layers = layers.collect();
        fs::remove_dir_all(project.path("cache")).expect("a cache");
        let digest = Digest::parse(pushed.out.trim()).expect("a digest");
        Self { project, server, reference, digest, layers }
    }

    fn pulls(&self) -> Seen {
        run(self.project.bootsmith().args(["pull", &self.reference, "pulled.tar"]))
    }

    #[track_caller]
    fn has_it(&self) {
        let pulled = self.project.path("pulled.tar");
        assert_eq!(inspect::verify(&pulled).expect("a tarball").faults, []);
        assert_eq!(inspect::open(&pulled).expect("a tarball").digest(), self.digest);
        fs::remove_file(pulled).expect("a file");
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.project.path("cache/bootsmith/1/registries").join(name)
    }
}

#[test]
fn what_is_pulled_overwrites_no_file_that_a_link_leads_to() {
    let first = |released: &Released| released.layers[0].hex();
    let names: [&dyn Fn(&Released) -> String; 4] = [
        &|released| format!("incoming/{}", first(released)),
        &|released| format!("incoming/{}.lock", first(released)),
        &|released| format!("blobs/sha256/{}", first(released)),
        &|released| format!("images/{}/index.json", released.digest.hex()),
    ];
    for content in [&b"precious"[..], &vec![b'x'; 100_000]] {
        for name in names {
            let released = Released::new();
            let victim = released.project.path("victim");
            fs::write(&victim, content).expect("room");
            // The folders are made by another pull.
            released.pulls().expect(0);
            fs::remove_file(released.kept(&format!("blobs/sha256/{}", first(&released)))).expect("a blob");
            let link = released.kept(&name(&released));
            if link.exists() {
                fs::remove_file(&link).expect("a file");
            }
            symlink(&victim, &link).expect("room");
            released.pulls().expect(0);
            assert_eq!(fs::read(&victim).expect("a file"), content, "{}", link.display());
            released.has_it();
        }
    }
}

/// The layout of a pulled image says which image it is; whoever may write there could name another one.
#[test]
fn a_layout_that_names_another_image_is_not_believed() {
    let released = Released::new();
    released.pulls().expect(0);
    let mut others = Released::new();
    others.reference = format!("{}/other/bootstrap:1", released.server.name());
    others.project.change("description = \"DESCRIPTION\"", "description = \"another one\"");
    run(&mut others.project.build()).expect(0);
    let other = run(others.project.bootsmith().args(["push", TARBALL, &others.reference])).expect(0);
    run(released.project.bootsmith().args(["pull", &others.reference])).expect(0);
    let index = |digest: Digest| released.kept(&format!("images/{}/index.json", digest.hex()));
    let other = Digest::parse(other.out.trim()).expect("a digest");
    assert_ne!(other, released.digest);
    let good = fs::read(index(released.digest)).expect("an index");
    fs::copy(index(other), index(released.digest)).expect("room");
    let name = format!("{}@{}", released.reference, released.digest);
    let seen = run(released.project.bootsmith().args(["inspect", &name, "--json"])).expect(0);
    let seen: Value = serde_json::from_str(&seen.out).expect("JSON");
    assert_eq!(seen["image"]["digest"], released.digest.to_string());
    assert_eq!(fs::read(index(released.digest)).ok(), Some(good), "healed");
}

#[test]
fn a_blob_that_rotted_is_fetched_again() {
    let released = Released::new();
    released.pulls().expect(0);
    let blob = released.kept(&format!("blobs/sha256/{}", released.layers[0].hex()));
    let mut bytes = fs::read(&blob).expect("a blob");
    let modified = fs::metadata(&blob).and_then(|metadata| metadata.modified()).expect("a time");
    bytes[100] ^= 1;
    fs::write(&blob, bytes).expect("room");
    fs::File::options().write(true).open(&blob).and_then(|file| file.set_modified(modified)).expect("a time");
    released.pulls().expect(0);
    released.has_it();
}

/// Each of them needs a place for what it takes from a registry.
#[test]
fn every_command_goes_on_without_a_cache_and_says_so_once() {
    let released = Released::new();
    let mirror = format!("{}/mirror", released.server.name());
    let commands: [&[&str]; 7] = [
        &["pull", &released.reference, "pulled.tar"],
        &["verify", &released.reference],
        &["inspect", &released.reference],
        &["diff", &released.reference, &released.reference],
        &["build", "--output", "out"],
        &["copy", &released.reference, &mirror],
        &["bundle", &released.reference, "bundle.tar"],
    ];
    for arguments in commands {
        let seen = run(released.project.bootsmith().args(arguments).env("XDG_CACHE_HOME", "/proc/nowhere"));
        let notes = seen.err.lines().filter(|line| line.starts_with(NOTE)).collect::<Vec<_>>();
        assert_eq!(notes.len(), 1, "{arguments:?}: {}", seen.err);
        assert!(notes[0].contains("/proc/nowhere") && notes[0].contains("XDG_CACHE_HOME"), "{notes:?}");
        seen.expect(0);
    }
    released.has_it();
}

/// There is room to begin, and none for a layer.
#[test]
fn a_cache_without_room_is_as_good_as_none() {
    let released = Released::new();
    let script =
        format!("mkdir cache; mount -t tmpfs -o size=60k tmpfs cache; \"$0\" pull {} pulled.tar", released.reference);
    let Some(seen) = with_mounts(&released.project, &script) else { return };
    let seen = seen.expect(0);
    assert_eq!(seen.err.lines().filter(|line| line.starts_with(NOTE)).count(), 1, "{}", seen.err);
    assert!(seen.err.contains("No space left on device"), "{}", seen.err);
    released.has_it();
}
