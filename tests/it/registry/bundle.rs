//! A release in one file, with every image of its services: for where no registry is.

use std::fs;

use bootsmith::inspect;

use super::connection::Server;
use crate::build::project::{Project, Seen, TARBALL, digest, run};

/// A release whose images are in a registry, one of them for two architectures, and locked.
struct Release {
    project: Project,
    server: Server,
}

impl Release {
    fn new() -> Self {
        let one = Self { project: Project::new(), server: Server::start() };
        let [web, database] = ["shop/web:1.0", "library/db:16"].map(|name| format!("{}/{name}", one.server.name()));
        one.bootsmith(&["push", "base.tar", &web]).expect(0);
        let two =
            ["--allow", "B049", "--base", "scratch", "--architecture", "linux/amd64", "--architecture", "linux/arm64"];
        run(one.project.build_into("two").args(two)).expect(0);
        one.bootsmith(&["push", "two/shop-1.4.2-compose.tar", &database]).expect(0);
        one.project.change("docker.io/library/web:1.0", &web);
        let spec = fs::read_to_string(one.project.path("bootstrap.toml")).expect("a spec");
        one.project.write(
            "bootstrap.toml",
            format!("{spec}\n[services.db]\nimage = \"{database}\"\npull_policy = \"always\"\n"),
        );
        one.bootsmith(&["lock"]).expect(0);
        run(one.project.build().arg("--locked")).expect(0);
        one
    }

    fn bootsmith(&self, arguments: &[&str]) -> Seen {
        run(self.project.bootsmith().args(arguments))
    }

    fn file(&self, tarball: &str, path: &str) -> String {
        let archive = inspect::open(&self.project.path(tarball)).expect("a tarball");
        let bytes = archive.payload_file(path).expect("a payload").expect("the file");
        String::from_utf8(bytes).expect("a text")
    }
}

#[test]
fn a_bundle_holds_everything_once() {
    let one = Release::new();
    let seen = one.bootsmith(&["bundle", TARBALL, "shop.tar"]).expect(0);
    let names: Vec<_> = seen.out.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let [web, database] = ["shop/web:1.0", "library/db:16"].map(|name| format!("{}/{name}", one.server.name()));
    assert_eq!(names, ["docker.io/shop/bootstrap:1.4.2", &database, &web, "shop.tar"]);
    let checked = one.bootsmith(&["verify", "shop.tar"]).expect(0);
    assert!(checked.out.contains("payload files are valid"), "{}", checked.out);
    // What an engine loads has no digest of a registry, and nobody is there to be asked.
    let manifest = one.file("shop.tar", "bootstrap/environments/production/compose.yaml");
    assert!(manifest.contains(&format!("image: {web}\n")) && !manifest.contains("@sha256"), "{manifest}");
    let release = one.file("shop.tar", "bootstrap/environments/production/release");
    assert!(!release.contains("pull='always'"), "{release}");
    // The layers of `base.tar` are there once, although two images stand on them.
    let listed = std::process::Command::new("tar").arg("tf").arg(one.project.path("shop.tar")).output().expect("tar");
    let listed = String::from_utf8(listed.stdout).expect("names");
    let mut blobs: Vec<_> = listed.lines().collect();
    let count = blobs.len();
    blobs.sort_unstable();
    blobs.dedup();
    assert_eq!(blobs.len(), count, "{listed}");
    // The same again is the same bytes, and the base of the bootstrap image is the image of `web`.
    let before = digest(&one.project.path("shop.tar"));
    one.bootsmith(&["bundle", TARBALL, "again.tar"]).expect(0);
    assert_eq!(digest(&one.project.path("again.tar")), before);
}

#[test]
fn a_bundle_may_be_for_one_architecture() {
    let one = Release::new();
    one.bootsmith(&["bundle", TARBALL, "all.tar"]).expect(0);
    one.bootsmith(&["bundle", TARBALL, "amd64.tar", "--architecture", "linux/amd64"]).expect(0);
    one.bootsmith(&["verify", "amd64.tar"]).expect(0);
    let size = |name: &str| fs::metadata(one.project.path(name)).expect("a bundle").len();
    assert!(size("amd64.tar") < size("all.tar"));
    let seen = one.bootsmith(&["bundle", TARBALL, "s390x.tar", "--architecture", "linux/s390x"]).expect(3);
    assert!(seen.err.contains("it is not for linux/s390x, but for linux/amd64, linux/arm64"), "{}", seen.err);
    assert!(!one.project.path("s390x.tar").exists());
    one.bootsmith(&["bundle", TARBALL, "x.tar", "--architecture", "amd64"]).expect(2);
}

#[test]
fn every_byte_of_a_bundle_counts() {
    let one = Release::new();
    one.bootsmith(&["bundle", TARBALL, "shop.tar"]).expect(0);
    let good = fs::read(one.project.path("shop.tar")).expect("a bundle");
    for part in 0..40 {
        let mut bad = good.clone();
        bad[good.len() * part / 40] ^= 1;
        fs::write(one.project.path("bad.tar"), bad).expect("room");
        let seen = one.bootsmith(&["verify", "bad.tar"]);
        assert_ne!(seen.code, Some(0), "byte {} of {}", good.len() * part / 40, good.len());
    }
}

#[test]
fn a_registry_is_filled_from_a_bundle() {
    let one = Release::new();
    one.bootsmith(&["bundle", TARBALL, "shop.tar"]).expect(0);
    let Release { project, server } = one;
    let of_old = |repository: &str, tag: &str| server.state().tags[&(repository.to_owned(), tag.to_owned())].clone();
    let expected = [of_old("shop/web", "1.0"), of_old("library/db", "16")];
    drop(server);
    fs::remove_dir_all(project.path("cache")).expect("a cache");
    let new = Server::start();
    let destination = format!("{}/air", new.name());
    let seen = run(project.bootsmith().args(["copy", "shop.tar", &destination])).expect(0);
    let of_new = |repository: &str, tag: &str| new.state().tags[&(repository.to_owned(), tag.to_owned())].clone();
    assert_eq!([of_new("air/shop/web", "1.0"), of_new("air/library/db", "16")], expected, "byte for byte");
    assert_eq!(of_new("air/shop/bootstrap", "1.4.2"), seen.out.trim());
    let pushed = run(project.bootsmith().args(["push", "shop.tar", &destination])).expect(0);
    assert_eq!(pushed.out, seen.out, "`push` of a bundle is the same");
    let seen = run(project.bootsmith().args(["push", "shop.tar"])).expect(2);
    assert!(seen.err.contains("`shop.tar` is a bundle"), "{}", seen.err);
    let moved = format!("{destination}/shop/bootstrap:1.4.2");
    run(project.bootsmith().args(["pull", &moved, "moved.tar"])).expect(0);
    let archive = inspect::open(&project.path("moved.tar")).expect("a tarball");
    let manifest = archive.payload_file("bootstrap/environments/production/compose.yaml").expect("a payload");
    let manifest = String::from_utf8(manifest.expect("a manifest")).expect("a text");
    assert!(manifest.contains(&format!("image: {destination}/shop/web:1.0@{}\n", expected[0])), "{manifest}");
}

/// The same image by its tag, and by its tag and digest.
#[test]
fn an_image_may_be_written_in_two_ways() {
    let one = Release::new();
    let tagged = format!("{}/shop/web:1.0", one.server.name());
    let digest_of = |tag: &str| one.server.state().tags[&("shop/web".to_owned(), tag.to_owned())].clone();
    let pinned = format!("{tagged}@{}", digest_of("1.0"));
    let spec = fs::read_to_string(one.project.path("bootstrap.toml")).expect("a spec");
    let with_twin = |image: &str| {
        one.project.write("bootstrap.toml", format!("{spec}\n[services.twin]\nimage = \"{image}\"\n"));
        run(&mut one.project.build()).expect(0);
    };
    with_twin(&pinned);
    let seen = one.bootsmith(&["bundle", TARBALL, "shop.tar"]).expect(0);
    assert_eq!(seen.out.matches("/shop/web:1.0 ").count(), 1, "{}", seen.out);
    one.bootsmith(&["verify", "shop.tar"]).expect(0);
    let manifest = one.file("shop.tar", "bootstrap/environments/production/compose.yaml");
    assert_eq!(manifest.matches(&format!("image: {tagged}\n")).count(), 2, "{manifest}");
    let destination = format!("{}/mirror", one.server.name());
    one.bootsmith(&["copy", TARBALL, &destination]).expect(0);
    // Another image has the tag: which of the two would it be in a file that knows tags alone?
    one.bootsmith(&["push", "two/shop-1.4.2-compose.tar", &tagged]).expect(0);
    assert_ne!(pinned, format!("{tagged}@{}", digest_of("1.0")));
    let seen = one.bootsmith(&["bundle", TARBALL, "other.tar"]).expect(3);
    assert!(seen.err.contains(&format!("would both be `{tagged}`")), "{}", seen.err);
}
