//! A release moves to another registry, with every image of its services; the old registry is needed no more.

use std::collections::BTreeMap;

use bootsmith::digest::Digest;
use bootsmith::inspect;

use super::connection::Server;
use super::server::{Fault, refuse};
use crate::build::project::{Project, Seen, TARBALL, run};

/// A release in one registry, and another registry.
struct Move {
    project: Project,
    old: Server,
    new: Server,
}

const ENVIRONMENT_FILES: &str = "bootstrap/environments/production/";

impl Move {
    fn new() -> Self {
        let one = Self { project: Project::new(), old: Server::start(), new: Server::start() };
        let [web, database] = ["shop/web:1.0", "library/db:16"].map(|name| format!("{}/{name}", one.old.name()));
        one.bootsmith(&["push", "base.tar", &web]).expect(0);
        let two =
            ["--allow", "B049", "--base", "scratch", "--architecture", "linux/amd64", "--architecture", "linux/arm64"];
        run(one.project.build_into("two").args(two)).expect(0);
        one.bootsmith(&["push", "two/shop-1.4.2-compose.tar", &database]).expect(0);
        one.project.change("docker.io/library/web:1.0", &web);
        let old = std::fs::read_to_string(one.project.path("bootstrap.toml")).expect("a spec");
        one.project.write("bootstrap.toml", format!("{old}\n[services.db]\nimage = \"{database}\"\n"));
        run(&mut one.project.build()).expect(0);
        one
    }

    fn bootsmith(&self, arguments: &[&str]) -> Seen {
        run(self.project.bootsmith().args(arguments))
    }

    /// Copies the tarball below `mirror`, and gives out the name that the bootstrap image has there.
    fn copy(&self) -> String {
        let seen = self.bootsmith(&["copy", TARBALL, &self.destination()]).expect(0);
        let digest = seen.out.trim();
        format!("{}/shop/bootstrap:1.4.2@{digest}", self.destination())
    }

    fn destination(&self) -> String {
        format!("{}/mirror", self.new.name())
    }

    /// What the image of a tarball brings, by path.
    fn payload(&self, tarball: &str) -> BTreeMap<String, String> {
        let archive = inspect::open(&self.project.path(tarball)).expect("a tarball");
        let files = archive.payload_files(|_| true).expect("a payload");
        files.into_iter().map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned())).collect()
    }

    /// What a tag is in a registry.
    fn tag(server: &Server, repository: &str, tag: &str) -> String {
        server.state().tags[&(repository.to_owned(), tag.to_owned())].clone()
    }
}

#[test]
fn a_release_moves_with_everything_that_it_consists_of() {
    let one = Move::new();
    let reference = one.copy();
    for (repository, tag) in [("shop/web", "1.0"), ("library/db", "16")] {
        let moved = Move::tag(&one.new, &format!("mirror/{repository}"), tag);
        assert_eq!(moved, Move::tag(&one.old, repository, tag), "byte for byte");
    }
    let Move { ref project, ref new, .. } = one;
    one.bootsmith(&["pull", &reference, "moved.tar"]).expect(0);
    one.bootsmith(&["verify", "moved.tar"]).expect(0);
    let (before, after) = (one.payload(TARBALL), one.payload("moved.tar"));
    for (path, text) in &after {
        assert!(!text.contains(&one.old.name()), "{path}:\n{text}");
    }
    let gone: Vec<_> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert_eq!(gone, ["bootstrap/spec/bootstrap.toml"]);
    let changed: Vec<_> = after.iter().filter(|(path, text)| before[*path] != **text).map(|(path, _)| path).collect();
    assert_eq!(
        changed,
        [
            "bootstrap/environments/production/compose.yaml",
            "bootstrap/environments/production/release",
            "bootstrap/release",
            "bootstrap/spec/contents.json",
            "bootstrap/spec/release.json"
        ]
    );
    // The manifest is what it would be if it had been built with the new names.
    let digest = |repository: &str, tag: &str| Move::tag(new, &format!("mirror/{repository}"), tag);
    for (name, tag) in [("shop/web", "1.0"), ("library/db", "16")] {
        let moved = format!("{}/mirror/{name}:{tag}@{}", new.name(), digest(name, tag));
        project.change(&format!("{}/{name}:{tag}", one.old.name()), &moved);
    }
    run(&mut one.project.build()).expect(0);
    let built = one.payload(TARBALL);
    let manifest = format!("{ENVIRONMENT_FILES}compose.yaml");
    assert_eq!(after[&manifest], built[&manifest]);
    assert_eq!(
        after["bootstrap/release"].lines().find(|line| line.starts_with("reference=")),
        Some(&*format!("reference='{}/shop/bootstrap:1.4.2'", one.destination()))
    );
    let seen = one.bootsmith(&["inspect", "moved.tar"]).expect(0);
    assert!(seen.out.contains(&format!("{}/mirror/shop/web:1.0@sha256:", new.name())), "{}", seen.out);
}

#[test]
fn what_is_there_is_not_sent_again() {
    let one = Move::new();
    let first = one.copy();
    let uploads = |one: &Move| one.new.state().count("PUT", "/blobs/");
    let sent = uploads(&one);
    assert_eq!(one.copy(), first, "the same bytes");
    assert_eq!(uploads(&one), sent);
    // A release that was pushed is copied from there.
    let pushed = format!("{}/shop/bootstrap:1.4.2", one.old.name());
    one.bootsmith(&["push", TARBALL, &pushed]).expect(0);
    let seen = one.bootsmith(&["copy", &pushed, &one.destination()]).expect(0);
    assert!(first.ends_with(seen.out.trim()), "{}", seen.out);
    assert!(seen.err.contains(&format!(
        "{}/shop/web:1.0 -> {}/shop/web:1.0@sha256:",
        one.old.name(),
        one.destination()
    )));
    assert_eq!(uploads(&one), sent);
}

/// Provenance that buildx stores beside an image belongs to its index.
#[test]
fn attestations_move_with_their_image() {
    let one = Move::new();
    let key = |name: &str, of: &str| (name.to_owned(), of.to_owned());
    let digest = {
        let mut state = one.old.state();
        let statement = b"{}".to_vec();
        let blob = Digest::of(&statement);
        state.blobs.insert(key("library/db", &blob.to_string()), statement);
        let part = serde_json::json!({ "mediaType": "application/vnd.in-toto+json", "digest": blob, "size": 2 });
        let manifest = serde_json::json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": part, "layers": [part] }).to_string();
        let attestation = Digest::of(manifest.as_bytes());
        let old = state.tags[&key("library/db", "16")].clone();
        let mut index: serde_json::Value =
            serde_json::from_slice(&state.manifests[&key("library/db", &old)]).expect("an index");
        index["manifests"].as_array_mut().expect("entries").push(serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": attestation, "size": manifest.len(),
            "platform": { "os": "unknown", "architecture": "unknown" },
            "annotations": { "vnd.docker.reference.type": "attestation-manifest" },
        }));
        let index = index.to_string();
        let digest = Digest::of(index.as_bytes());
        state.manifests.insert(key("library/db", &attestation.to_string()), manifest.into_bytes());
        state.manifests.insert(key("library/db", &digest.to_string()), index.into_bytes());
        state.tags.insert(key("library/db", "16"), digest.to_string());
        digest.to_string()
    };
    one.copy();
    assert_eq!(Move::tag(&one.new, "mirror/library/db", "16"), digest);
}

#[test]
fn nothing_is_named_that_is_not_complete() {
    let one = Move::new();
    one.new.fails("PUT", "/blobs/", 2, Fault::Answer(refuse(403, "DENIED", "no")));
    let seen = one.bootsmith(&["copy", TARBALL, &one.destination()]).expect(3);
    assert!(seen.err.contains("answers 403") && seen.out.is_empty(), "{}", seen.err);
    assert!(!one.new.state().tags.contains_key(&("mirror/shop/bootstrap".to_owned(), "1.4.2".to_owned())));
}

#[test]
fn where_nothing_can_be_copied_is_said() {
    let one = Move::new();
    for bad in ["mirror", "", "registry.example.com/Mirror", "registry.example.com/mirror:1"] {
        let seen = one.bootsmith(&["copy", TARBALL, bad]).expect(2);
        assert!(seen.err.contains("hint: name a registry and a prefix"), "{bad}: {}", seen.err);
    }
    let seen = one.bootsmith(&["copy", "base.tar", &one.destination()]).expect(3);
    assert!(seen.err.contains("is not a bootstrap image"), "{}", seen.err);
    // Two registries, one name.
    let other = one.old.name().replace("127.0.0.1", "localhost");
    one.project.change(&format!("{}/library/db:16", one.old.name()), &format!("{other}/shop/web:1.0"));
    run(&mut one.project.build()).expect(0);
    let seen = one.bootsmith(&["copy", TARBALL, &one.destination()]).expect(3);
    assert!(seen.err.contains("would both be `"), "{}", seen.err);
}
