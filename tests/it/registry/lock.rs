//! `bootstrap.lock`: what is built is what was locked, whatever tags name by now.

use std::fs;

use super::connection::Server;
use crate::build::project::{Project, Seen, TARBALL, digest, run};

/// A project whose images and base are in a registry, under tags alone.
struct Tagged {
    project: Project,
    server: Server,
}

impl Tagged {
    fn new() -> Self {
        let tagged = Self { project: Project::new(), server: Server::start() };
        let [web, database, base] = ["shop/web:1.0", "shop/db:16", "tools/docker:28"].map(|name| tagged.image(name));
        tagged.push("base.tar", &base);
        tagged.push("base.tar", &web);
        let two =
            ["--allow", "B049", "--base", "scratch", "--architecture", "linux/amd64", "--architecture", "linux/arm64"];
        run(tagged.project.build_into("two").args(two)).expect(0);
        tagged.push("two/shop-1.4.2-compose.tar", &database);
        tagged.project.change("oci:base.tar", &base);
        tagged.project.change("docker.io/library/web:1.0", &web);
        tagged.add(&format!("[services.db]\nimage = \"{database}\"\n"));
        tagged.server.state().log.clear();
        tagged
    }

    fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.server.name())
    }

    /// Gives out the digest.
    fn push(&self, tarball: &str, image: &str) -> String {
        run(self.project.bootsmith().args(["push", tarball, image])).expect(0).out.trim().to_owned()
    }

    /// The tag of an image names other content from now on.
    fn moves(&self, image: &str) -> String {
        run(self.project.build_into("other").args(["--allow", "B049", "--base", "scratch", "--version", "9.9.9"]))
            .expect(0);
        self.push("other/shop-9.9.9-compose.tar", image)
    }

    fn add(&self, text: &str) {
        let spec = fs::read_to_string(self.project.path("bootstrap.toml")).expect("a spec");
        self.project.write("bootstrap.toml", format!("{spec}\n{text}"));
    }

    fn bootsmith(&self, arguments: &[&str]) -> Seen {
        run(self.project.bootsmith().args(arguments))
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.project.path("bootstrap.lock")).expect("a lock")
    }

    /// How often the registry was asked.
    fn asked(&self) -> usize {
        self.server.state().log.len()
    }
}

#[test]
fn a_lock_says_what_every_image_is() {
    let tagged = Tagged::new();
    let web = tagged.image("shop/web:1.0");
    let seen = tagged.bootsmith(&["lock"]).expect(0);
    let lines: Vec<_> = seen.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0], ["IMAGE", "USED", "BY", "DIGEST", "ARCHITECTURES", "CHANGE"]);
    let of = |name: &str| lines.iter().find(|line| line[0] == tagged.image(name)).expect("a line");
    assert_eq!(of("shop/db:16")[3..], ["linux/amd64,", "linux/arm64", "added"], "{}", seen.out);
    assert_eq!(of("tools/docker:28")[1], "base");
    let table: toml::Table = tagged.lock().parse().expect("TOML");
    let images = table["images"].as_table().expect("images");
    assert_eq!(images.len(), 3);
    let database = images[&tagged.image("shop/db:16")]["architectures"].as_table().expect("architectures");
    assert_eq!(database.keys().collect::<Vec<_>>(), ["linux/amd64", "linux/arm64"]);
    // What is locked is not asked for again.
    let (asked, lock) = (tagged.asked(), tagged.lock());
    for arguments in [&["lock"][..], &["lock", "--check"], &["lock", "--offline"]] {
        tagged.bootsmith(arguments).expect(0);
    }
    assert_eq!((tagged.asked(), tagged.lock()), (asked, lock));
    // What nothing uses is removed, and said to be.
    tagged.project.change(&web, &tagged.image("shop/db:16"));
    let seen = tagged.bootsmith(&["lock", "--check"]).expect(1);
    assert!(seen.err.contains(&format!("  unused: `{web}`\n")), "{}", seen.err);
    let seen = tagged.bootsmith(&["lock"]).expect(0);
    assert!(seen.out.contains("removed: nothing uses it") && !tagged.lock().contains(&web), "{}", seen.out);
}

#[test]
fn what_is_locked_is_built_whatever_its_tags_name() {
    let tagged = Tagged::new();
    tagged.bootsmith(&["lock"]).expect(0);
    run(tagged.project.build().arg("--locked")).expect(0);
    let built = digest(&tagged.project.path(TARBALL));
    tagged.bootsmith(&["verify", TARBALL]).expect(0);
    tagged.bootsmith(&["render", "--locked", "--output", "rendered"]).expect(0);
    let rendered = |name: &str| fs::read_to_string(tagged.project.path("rendered/bootstrap").join(name));
    let manifest = rendered("environments/production/compose.yaml").expect("a manifest");
    let web = tagged.image("shop/web:1.0");
    assert!(manifest.contains(&format!("{web}@sha256:")), "{manifest}");
    assert_eq!(rendered("spec/bootstrap.lock").expect("the lock"), tagged.lock());
    tagged.bootsmith(&["outdated", "--exit-code"]).expect(0);

    let moved = tagged.moves(&web);
    run(tagged.project.build().arg("--locked")).expect(0);
    assert_eq!(digest(&tagged.project.path(TARBALL)), built, "the same bytes");
    let seen = tagged.bootsmith(&["outdated"]).expect(0);
    assert!(seen.out.contains(&web) && seen.out.contains(&moved[..19]), "{}", seen.out);
    let seen = tagged.bootsmith(&["outdated", "--json", "--exit-code"]).expect(10);
    let list: serde_json::Value = serde_json::from_str(&seen.out).expect("JSON");
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!((list[0]["image"].as_str(), list[0]["current"].as_str()), (Some(&*web), Some(&*moved)));
    // Of its own accord nothing moves.
    tagged.bootsmith(&["lock"]).expect(0);
    tagged.bootsmith(&["lock", "--update", "db", "base"]).expect(0);
    assert!(!tagged.lock().contains(&moved));
    let seen = tagged.bootsmith(&["lock", "--update", "web"]).expect(0);
    assert!(seen.out.contains("was sha256:") && tagged.lock().contains(&moved), "{}", seen.out);
    tagged.moves(&tagged.image("shop/db:16"));
    tagged.bootsmith(&["lock", "--update"]).expect(0);
    tagged.bootsmith(&["outdated", "--exit-code"]).expect(0);
}

#[test]
fn what_is_not_locked_is_refused() {
    let tagged = Tagged::new();
    let seen = run(tagged.project.build().arg("--locked")).expect(1);
    assert!(seen.err.contains("there is no `bootstrap.lock`"), "{}", seen.err);
    for arguments in [&["lock", "--check"][..], &["outdated"]] {
        let seen = tagged.bootsmith(arguments).expect(1);
        assert!(
            seen.err.contains("there is no `bootstrap.lock`") && seen.err.contains("hint: make it with"),
            "{}",
            seen.err
        );
    }
    tagged.bootsmith(&["lock"]).expect(0);
    let lock = tagged.lock();
    tagged.add("[services.cache]\nimage = \"redis:7\"\n");
    let seen = run(tagged.project.build().arg("--locked")).expect(1);
    assert!(seen.err.contains("the image `redis:7` is not in `bootstrap.lock`"), "{}", seen.err);
    assert!(seen.err.contains("B047") && seen.err.contains("^^^^^^^"), "{}", seen.err);
    let seen = tagged.bootsmith(&["lock", "--check"]).expect(1);
    assert!(seen.err.contains("  missing: `docker.io/library/redis:7`\n"), "{}", seen.err);
    let seen = tagged.bootsmith(&["lock", "--offline"]).expect(3);
    assert!(seen.err.contains("no given layout contains `docker.io/library/redis:7`"), "{}", seen.err);
    let seen = tagged.bootsmith(&["lock", "--update", "wep"]).expect(2);
    assert!(seen.err.contains("hint: did you mean `web`?"), "{}", seen.err);
    // One image that cannot be had, and the lock is as it was.
    tagged.project.change("redis:7", &tagged.image("shop/cache:7"));
    let seen = tagged.bootsmith(&["lock"]).expect(3);
    assert!(seen.err.contains("answers 404"), "{}", seen.err);
    assert_eq!(tagged.lock(), lock);
    // Somebody merged it badly.
    tagged.project.write("bootstrap.lock", format!("{lock}\n<<<<<<< HEAD\n"));
    let seen = run(tagged.project.build().arg("--locked")).expect(1);
    assert!(seen.err.contains("--> bootstrap.lock:") && seen.err.contains("B047"), "{}", seen.err);
    for arguments in [&["lock"][..], &["lock", "--check"], &["outdated"]] {
        let seen = tagged.bootsmith(arguments).expect(1);
        assert!(seen.err.contains("`bootstrap.lock` cannot be used: "), "{}", seen.err);
        assert!(seen.err.contains("--> bootstrap.lock:") && seen.err.contains("B047"), "{}", seen.err);
    }
}

#[test]
fn what_the_lock_pins_may_float() {
    let tagged = Tagged::new();
    let floating = tagged.image("shop/web");
    tagged.push("base.tar", &format!("{floating}:latest"));
    tagged.project.change(&format!("{floating}:1.0"), &floating);
    let seen = run(&mut tagged.project.build()).expect(1);
    assert!(seen.err.contains("has no fixed tag") && seen.err.contains("is not pinned"), "{}", seen.err);
    tagged.bootsmith(&["lock"]).expect(0);
    assert!(tagged.lock().contains(&format!("\"{floating}:latest\"")));
    tagged.bootsmith(&["render", "--locked", "--output", "rendered"]).expect(0);
    let manifest = fs::read_to_string(tagged.project.path("rendered/bootstrap/environments/production/compose.yaml"));
    let manifest = manifest.expect("a manifest");
    assert!(manifest.contains(&format!("image: {floating}:latest@sha256:")), "{manifest}");
    run(tagged.project.build().arg("--locked")).expect(0);
}

#[test]
fn digests_come_from_layouts_too() {
    let tagged = Tagged::new();
    let from = |name: &str, layout: &str| format!("{}={layout}", tagged.image(name));
    let [web, base] = [from("shop/web:1.0", "oci:base.tar"), from("tools/docker:28", "oci:base.tar")];
    let two = from("shop/db:16", "oci:two/shop-1.4.2-compose.tar");
    tagged.bootsmith(&["lock", "--offline", "--from", &web, "--from", &two, "--from", &base]).expect(0);
    assert_eq!(tagged.asked(), 0);
    let offline = tagged.lock();
    fs::remove_file(tagged.project.path("bootstrap.lock")).expect("a lock");
    tagged.bootsmith(&["lock"]).expect(0);
    assert_eq!(tagged.lock(), offline, "a registry says the same");
    // A layout may say itself what it holds.
    run(tagged.project.build().arg("--locked")).expect(0);
    tagged.project.change(&tagged.image("shop/web:1.0"), "shop/bootstrap:1.4.2");
    tagged.bootsmith(&["lock", "--offline", "--from", &format!("oci-archive:{TARBALL}")]).expect(0);
    assert!(tagged.lock().contains("[images.\"docker.io/shop/bootstrap:1.4.2\"]"));
    for bad in ["base.tar", "docker-archive:base.tar", "shop/web:1.0=scratch"] {
        let seen = tagged.bootsmith(&["lock", "--from", bad]).expect(2);
        assert!(seen.err.contains("is not a layout"), "{}", seen.err);
    }
}

#[test]
fn a_base_in_a_file_is_locked_too() {
    let tagged = Tagged::new();
    tagged.project.change(&tagged.image("tools/docker:28"), "oci:base.tar");
    run(tagged.project.build().arg("--locked")).expect(1);
    tagged.bootsmith(&["lock"]).expect(0);
    let seen = run(tagged.project.build().args(["--locked", "--allow", "B049", "--base", "scratch"])).expect(0);
    assert!(!seen.err.contains("B047"), "{}", seen.err);
    run(tagged.project.build().arg("--locked")).expect(0);
    let of_base = || {
        let table: toml::Table = tagged.lock().parse().expect("TOML");
        table["bases"]["oci:base.tar"]["digest"].as_str().expect("a digest").to_owned()
    };
    let locked = of_base();
    assert_eq!(locked, tagged.push("base.tar", &tagged.image("shop/web:1.0")), "as a registry says it");

    run(tagged.project.build_into("other").args(["--allow", "B049", "--base", "scratch", "--version", "9.9.9"]))
        .expect(0);
    fs::rename(tagged.project.path("other/shop-9.9.9-compose.tar"), tagged.project.path("base.tar")).expect("a move");
    let built = digest(&tagged.project.path(TARBALL));
    let seen = run(tagged.project.build().arg("--locked")).expect(3);
    assert!(seen.err.contains("the base `oci:base.tar` is not the one that was locked: it is sha256:"), "{}", seen.err);
    assert!(seen.err.contains(&format!("was {locked}\nhint: ")), "{}", seen.err);
    assert_eq!(digest(&tagged.project.path(TARBALL)), built, "as it was");
    let seen = tagged.bootsmith(&["outdated", "--exit-code"]).expect(10);
    assert!(seen.out.contains("oci:base.tar") && seen.out.lines().count() == 2, "{}", seen.out);
    // What is there stays, until somebody says otherwise.
    tagged.bootsmith(&["lock", "--offline"]).expect(0);
    assert_eq!(of_base(), locked);
    tagged.bootsmith(&["lock", "--offline", "--update", "oci:base.tar"]).expect(0);
    assert_ne!(of_base(), locked);
    tagged.bootsmith(&["outdated", "--exit-code"]).expect(0);
}

#[test]
fn an_archive_of_docker_is_locked_by_its_configuration() {
    let tagged = Tagged::new();
    tagged.project.change(&tagged.image("tools/docker:28"), "docker-archive:base.tar");
    tagged.bootsmith(&["lock"]).expect(0);
    let table: toml::Table = tagged.lock().parse().expect("TOML");
    let base = &table["bases"]["docker-archive:base.tar"];
    assert_eq!(base["digest"], base["architectures"]["linux/amd64"]);
    run(tagged.project.build().arg("--locked")).expect(0);
}

#[test]
fn no_tarball_is_written_when_one_base_of_several_is_another() {
    let tagged = Tagged::new();
    let base = tagged.image("tools/docker:28");
    tagged.project.change(&format!("\"{base}\""), "{ compose = \"oci:base.tar\", swarm = \"oci:swarm.tar\" }");
    tagged.project.change("platforms = [\"compose\"]", "platforms = [\"compose\", \"swarm\"]");
    fs::copy(tagged.project.path("base.tar"), tagged.project.path("swarm.tar")).expect("room");
    tagged.bootsmith(&["lock"]).expect(0);
    fs::copy(tagged.project.path("two/shop-1.4.2-compose.tar"), tagged.project.path("swarm.tar")).expect("room");
    let seen = run(tagged.project.build().arg("--locked")).expect(3);
    assert!(seen.err.contains("the base `oci:swarm.tar` is not the one"), "{}", seen.err);
    assert!(!tagged.project.path(TARBALL).exists());
}
