//! `inspect`, `verify` and `diff` of images of registries: what they say is what they say of the tarballs.

use std::process::Stdio;

use bootsmith::epoch::Epoch;
use bootsmith::image::{Base, assemble};
use bootsmith::inspect;
use serde_json::{Value, json};

use super::connection::Server;
use super::pulls;
use crate::build::project::{Project, Seen, TARBALL, run};
use crate::fixture::{self, Place};

/// A release whose tarball is in a registry too.
struct Released {
    project: Project,
    server: Server,
    reference: String,
    digest: String,
}

impl Released {
    fn new() -> Self {
        let project = Project::new();
        run(&mut project.build()).expect(0);
        let server = Server::start();
        let reference = format!("{}/shop/bootstrap:1.4.2", server.name());
        let pushed = run(project.bootsmith().args(["push", TARBALL, &reference])).expect(0);
        server.state().log.clear();
        Self { project, server, reference, digest: pushed.out.trim().to_owned() }
    }

    fn run(&self, arguments: &[&str]) -> Seen {
        run(self.project.bootsmith().args(arguments))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(arguments).expect(0).out).expect("JSON")
    }

    /// Puts the image under another tag, its manifest changed; gives out its name.
    fn repush(&self, tag: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut state = self.server.state();
        let key = ("shop/bootstrap".to_owned(), self.digest.clone());
        let mut manifest: Value = serde_json::from_slice(&state.manifests[&key]).expect("a manifest");
        change(&mut manifest);
        let bytes = manifest.to_string().into_bytes();
        let digest = bootsmith::digest::Digest::of(&bytes).to_string();
        state.manifests.insert((key.0.clone(), digest.clone()), bytes);
        state.tags.insert((key.0, tag.to_owned()), digest);
        self.reference.replace(":1.4.2", &format!(":{tag}"))
    }

    fn digest_of(&self, tag: &str) -> String {
        self.server.state().tags[&("shop/bootstrap".to_owned(), tag.to_owned())].clone()
    }

    /// How often blobs were asked for.
    fn blobs(&self) -> usize {
        self.server.count("GET", "/blobs/")
    }
}

#[test]
fn what_is_shown_is_what_the_tarball_shows() {
    let released = Released::new();
    let [mut file, mut image] =
        [TARBALL, &released.reference].map(|name| released.json(&["inspect", name, "--json"])["image"].take());
    assert_eq!(file["reference"].take(), "docker.io/shop/bootstrap:1.4.2");
    assert_eq!(image["reference"].take(), *released.reference);
    let layers: u64 = image["images"][0]["layers"].as_array().expect("layers").iter().map(size).sum();
    let (file_size, size) = (file["size_bytes"].take(), image["size_bytes"].take());
    // Manifest and configuration come to the layers, and headers to a tarball.
    assert!(size.as_u64() > Some(layers) && size.as_u64() < file_size.as_u64(), "{layers} {size} {file_size}");
    assert_eq!(file, image);
    let release = |name| released.json(&["inspect", name, "--json"])["release"].take();
    assert_eq!(release(TARBALL), release(&released.reference));
    let tree = |name| released.run(&["inspect", name]).expect(0).out;
    let (file, image) = (tree(TARBALL), tree(&released.reference));
    assert!(image.starts_with(&format!("{}  ", released.reference)), "{image}");
    let below =
        |tree: &str| tree.replace("├─ referrers: none\n", "").split_once('\n').map(|(_, below)| below.to_owned());
    assert_eq!(below(&image), below(&file));
}

fn size(layer: &Value) -> u64 {
    layer["size_bytes"].as_u64().expect("a size")
}

#[test]
fn only_the_payload_is_brought_here_and_once() {
    let released = Released::new();
    released.run(&["inspect", &released.reference]).expect(0);
    let layers = released.json(&["inspect", TARBALL, "--json"])["image"]["images"][0]["layers"].take();
    for layer in layers.as_array().expect("layers") {
        let is_base = layer["role"] == "base";
        let asked = released.server.count("GET", layer["digest"].as_str().expect("a digest"));
        assert_eq!(asked, usize::from(!is_base), "{layer}");
    }
    let asked = released.blobs();
    released.run(&["inspect", &released.reference]).expect(0);
    released.run(&["diff", &released.reference, TARBALL]).expect(0);
    assert_eq!(released.blobs(), asked, "everything is here");
    released.run(&["verify", &released.reference]).expect(0);
    assert_eq!(released.blobs(), asked + 1, "the base");
}

#[test]
fn several_architectures_are_shown_and_verified() {
    let released = Released::new();
    let place = Place::new();
    let image = fixture::scratch_image(&["linux/amd64", "linux/arm64"]);
    fixture::write(&image, &place.path("two.tar"));
    let (path, reference) = (place.path("two.tar").display().to_string(), format!("{}/two:1", released.server.name()));
    released.run(&["push", &path, &reference]).expect(0);
    let document = |name: &str| {
        let mut document = released.json(&["inspect", name, "--json"]);
        document["image"]["reference"] = json!(null);
        document["image"]["size_bytes"] = json!(null);
        document["image"].take()
    };
    assert_eq!(document(&path), document(&reference));
    assert_eq!(document(&reference)["images"].as_array().map(Vec::len), Some(2));
    let verify = |name: &str| released.json(&["verify", name, "--json"]);
    assert_eq!(verify(&path), verify(&reference));
}

#[test]
fn an_image_is_verified_as_its_tarball_is() {
    let released = Released::new();
    let pinned = format!("{}@{}", released.reference, released.digest);
    let [file, image, again] =
        [TARBALL, &released.reference, &pinned].map(|name| released.json(&["verify", name, "--json"]));
    assert_eq!((&file, &file), (&image, &again));
    let seen = released.run(&["verify", &released.reference]).expect(0);
    assert!(seen.out.starts_with(&format!("{}: {} blobs (", released.reference, file["blobs"])), "{}", seen.out);
    let [one, two] = [TARBALL, &released.reference].map(|name| released.run(&["verify", name]).expect(0).out);
    assert_eq!(one.replace(TARBALL, ""), two.replace(&released.reference, ""));
}

/// With its digest everything is known, and nobody has to be there.
#[test]
fn what_is_here_needs_nobody() {
    let Released { project, server, reference, digest } = Released::new();
    let pinned = format!("{reference}@{digest}");
    let asked = |arguments: &[&str]| run(project.bootsmith().args(arguments));
    asked(&["verify", &pinned]).expect(0);
    drop(server);
    asked(&["verify", &pinned]).expect(0);
    asked(&["diff", TARBALL, &pinned, "--exit-code"]).expect(0);
    asked(&["verify", &reference]).expect(3);
    // What refers to it is the registry's to say.
    asked(&["inspect", &pinned]).expect(3);
}

#[test]
fn an_image_that_is_not_as_it_was_built_is_told() {
    let released = Released::new();
    let place = Place::new();
    // Nothing says what the files of the payload should be.
    let payload = [fixture::payload().remove(0)];
    let base = Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
    let image = assemble(&base, &payload, &fixture::settings(), Epoch::default()).expect("an image");
    fixture::write(&image, &place.path("bad.tar"));
    let (path, reference) = (place.path("bad.tar").display().to_string(), format!("{}/bad:1", released.server.name()));
    released.run(&["push", &path, &reference]).expect(0);
    let [file, image] = [&path, &reference].map(|name| released.run(&["verify", name]).expect(1).err);
    let fault = "error: the image for linux/amd64 has no layer `environments` on top of its base\n\
                 error: `bootstrap/spec/contents.json` is missing\n";
    let hint =
        |name: &str| format!("hint: `{name}` was changed after the build: build it again, or use another copy\n");
    assert_eq!(file, format!("{fault}{}", hint(&path)));
    assert!(image.ends_with(&format!("{fault}{}", hint(&reference))), "{image}");
}

/// As `docker push` leaves an image that `docker load` took: the kinds of Docker, and no annotation.
#[test]
fn an_image_that_docker_pushed_is_understood() {
    let released = Released::new();
    let reference = released.repush("docker", |manifest| {
        let kinds = ["manifest.v2+json", "container.image.v1+json"];
        manifest["mediaType"] = json!(format!("application/vnd.docker.distribution.{}", kinds[0]));
        manifest["config"]["mediaType"] = json!(format!("application/vnd.docker.{}", kinds[1]));
        for layer in manifest["layers"].as_array_mut().expect("layers") {
            layer["mediaType"] = json!("application/vnd.docker.image.rootfs.diff.tar.gzip");
            layer.as_object_mut().expect("a layer").remove("annotations");
        }
        manifest.as_object_mut().expect("a manifest").remove("annotations");
    });
    let seen = released.run(&["inspect", &reference, "--json"]).expect(0);
    let document: Value = serde_json::from_str(&seen.out).expect("JSON");
    let roles: Vec<_> = document["image"]["images"][0]["layers"]
        .as_array()
        .map(|layers| layers.iter().map(|layer| layer["role"].clone()).collect())
        .unwrap_or_default();
    assert_eq!(json!(roles), json!(["base", "entrypoint", "scripts", "environments"]));
    assert_eq!(document["release"]["version"], "1.4.2");
    let seen = released.run(&["verify", &reference]).expect(0);
    let said = format!(
        "{reference}: the content is unchanged since the build; another tool rewrote the manifests or the archive\n"
    );
    assert!(seen.out.starts_with(&said), "{}", seen.out);
    released.run(&["diff", TARBALL, &reference, "--exit-code"]).expect(0);
    released.run(&["pull", &reference, "again.tar"]).expect(0);
    let seen = released.run(&["verify", "again.tar"]).expect(0);
    assert!(seen.out.starts_with("again.tar: the content is unchanged since the build"), "{}", seen.out);
    let target = format!("{}/again/bootstrap:1", released.server.name());
    let pushed = released.run(&["push", "again.tar", &target]).expect(0);
    assert_eq!(pushed.out.trim(), released.digest_of("docker"), "the digest survives pull and push");
}

/// A manifest with annotations of bootsmith is bootsmith's, and must be as bootsmith writes it.
#[test]
fn a_manifest_of_bootsmith_that_was_changed_is_told() {
    let released = Released::new();
    let without_roles = |manifest: &mut Value| {
        for layer in manifest["layers"].as_array_mut().expect("layers") {
            layer.as_object_mut().expect("a layer").remove("annotations");
        }
    };
    // As podman writes it: the annotations of the image stay.
    let reference = released.repush("podman", without_roles);
    released.run(&["verify", &reference]).expect(0);
    let changes: [fn(&mut Value); 4] = [
        |manifest| {
            manifest["annotations"]["io.bootsmith.platform"] = json!("swarm");
            for layer in manifest["layers"].as_array_mut().expect("layers") {
                layer.as_object_mut().expect("a layer").remove("annotations");
            }
        },
        |manifest| manifest["annotations"]["org.opencontainers.image.version"] = json!("9.9.9"),
        |manifest| manifest["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json"),
        |manifest| drop(manifest.as_object_mut().expect("a manifest").remove("annotations")),
    ];
    for change in changes {
        let reference = released.repush("changed", change);
        let digest = released.digest_of("changed");
        let seen = released.run(&["verify", &reference]).expect(1);
        let fault =
            format!("error: the manifest {digest} is not as bootsmith writes it for its configuration and layers\n");
        assert!(seen.err.contains(&fault), "{}", seen.err);
    }
}

/// What cannot be read is named as the user named it, with what to do about it.
#[test]
fn an_image_of_another_kind_is_told() {
    let released = Released::new();
    let reference = released.repush("zstd", |manifest| {
        manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+zstd");
    });
    let fault = "has a layer of the unsupported media type `application/vnd.oci.image.layer.v1.tar+zstd`";
    for command in [&["inspect", &reference][..], &["pull", &reference, "out.tar"]] {
        let seen = released.run(command).expect(3);
        assert!(seen.err.contains(&format!("error: `{reference}` {fault}\n")), "{}", seen.err);
        assert!(seen.err.contains("skopeo copy --dest-compress-format gzip"), "{}", seen.err);
    }
    let document: Value =
        serde_json::from_str(&released.run(&["verify", &reference, "--json"]).expect(1).out).expect("JSON");
    assert_eq!(document["faults"], json!([{ "unreadable": fault }]));
}

/// The store believes what it has seen before; who verifies does not.
#[test]
fn what_is_in_the_store_is_hashed_again() {
    let place = pulls::Place::new(&["linux/amd64"]);
    let digest = place.pull().0.expect("an image");
    let layout = place.cache.pulled().layout(digest);
    let open = || inspect::open_pulled(&layout, "r.example/shop:1").expect("an image");
    assert_eq!(inspect::verify_archive(&open()).expect("a verification").faults, []);
    let blob = layout.join("blobs/sha256").join(place.large().trim_start_matches("sha256:"));
    let mut bytes = std::fs::read(&blob).expect("a blob");
    bytes[5000] ^= 1;
    std::fs::write(&blob, bytes).expect("room");
    let faults = inspect::verify_archive(&open()).expect("a verification").faults;
    let [first, ..] = &faults[..] else { panic!("no fault") };
    assert!(
        first
            .to_string()
            .starts_with(&format!("the blob `blobs/sha256/{}`", place.large().trim_start_matches("sha256:"))),
        "{first}"
    );
}

#[test]
fn releases_are_compared_wherever_they_are() {
    let released = Released::new();
    released.project.change("web:1.0", "web:1.1");
    released.project.change("1.4.2", "1.5.0");
    run(&mut released.project.build()).expect(0);
    let (tarball, reference) =
        ("out/shop-1.5.0-compose.tar", format!("{}/shop/bootstrap:1.5.0", released.server.name()));
    released.run(&["push", tarball, &reference]).expect(0);
    for options in [&[][..], &["--json"], &["--markdown"]] {
        let diff =
            |old: &str, new: &str| released.run(&[&["diff", old, new, "--exit-code"], options].concat()).expect(10);
        let expected = diff(TARBALL, tarball).out;
        assert!(expected.contains("web:1.1"), "{expected}");
        assert_eq!(diff(&released.reference, &reference).out, expected);
        assert_eq!(diff(TARBALL, &reference).out, expected);
        assert_eq!(diff(&released.reference, tarball).out, expected);
    }
    let seen = released.run(&["diff", &reference, "base.tar"]).expect(2);
    assert!(seen.err.contains("error: `base.tar` is not a bootstrap image"), "{}", seen.err);
}

#[test]
fn a_file_that_is_there_is_a_file() {
    let released = Released::new();
    std::fs::copy(released.project.path(TARBALL), released.project.path("shop:1")).expect("room");
    let seen = released.run(&["verify", "shop:1"]).expect(0);
    assert!(seen.out.starts_with("shop:1: "), "{}", seen.out);
}

#[test]
fn what_is_neither_says_what_could_be_meant() {
    let released = Released::new();
    let unclear =
        "hint: name an existing tarball, or an image of a registry with its tag or digest: `registry/repository:tag`\n";
    let missing = "because: No such file or directory (os error 2)\n";
    for command in [&["inspect"][..], &["verify"], &["diff", TARBALL]] {
        let seen = |name: &str| released.run(&[command, &[name]].concat()).expect(3).err;
        assert_eq!(seen("out/nothing.tar"), format!("error: cannot read `out/nothing.tar`\n  {missing}{unclear}"));
        assert_eq!(seen("Nothing.tar"), format!("error: cannot read `Nothing.tar`\n  {missing}"));
        let name = format!("{}/shop/bootstrap:9", released.server.name());
        let absent = seen(&name);
        assert!(absent.starts_with("error: cannot pull the manifest `9` of `127.0.0.1:"), "{absent}");
        assert!(
            absent.contains("\nhint: ") && absent.ends_with(&format!("; there is no file `{name}` either\n")),
            "{absent}"
        );
    }
}

/// A password is for the registry that it was given for.
#[test]
fn one_login_is_for_one_registry() {
    let released = Released::new();
    let other = released.reference.replace("127.0.0.1", "localhost");
    let mut diff = released.project.bootsmith();
    diff.args(["diff", &released.reference, &other, "--username", "anna", "--password-stdin"]);
    let mut child =
        diff.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"hunter2").expect("it is read");
    let seen = Seen::from(child.wait_with_output().expect("the program ends")).expect(2);
    assert!(seen.err.starts_with("error: one login was given for several registries: `127.0.0.1:"), "{}", seen.err);
    assert!(released.server.state().log.is_empty(), "nobody is asked");
}
