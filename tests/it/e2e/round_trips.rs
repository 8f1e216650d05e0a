//! A release that went through another tool, and what bootsmith makes of it afterwards: docker, podman, skopeo and buildah, and in `clients` crane
//! and oras, each by its push to a registry and by the archives that it saves.

mod clients;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::engine::{Surroundings, docker, surroundings};
use crate::build::project::Project;
use crate::seen::Seen;

/// A small release on a small base, since it is read a hundred times, whose only service image is in the registry of the tests.
struct Trip {
    project: Project,
    name: &'static str,
    registry: String,
}

/// What the tarball is called.
const TARBALL: &str = "out/NAME-1.0.0-compose.tar";

impl Trip {
    /// Builds it; `name` keeps its images apart from those of other tests.
    fn new(name: &'static str, Surroundings { registry, .. }: &Surroundings) -> Self {
        let trip = Self { project: Project::new(), name, registry: registry.clone() };
        let service = trip.in_registry("box:1.0.0");
        docker(&["tag", "sample/box:1.0.0", &service]);
        docker(&["push", "--quiet", &service]);
        docker(&["image", "rm", &service]);
        let spec = format!(
            "[project]\nname = \"{name}\"\nversion = \"1.0.0\"\n\n[bootstrap]\nplatforms = [\"compose\"]\n\
             base = \"oci:base.tar\"\n\n[services.box]\nimage = \"{service}\"\n"
        );
        trip.project.write("bootstrap.toml", spec);
        trip.run(&["build", "--output", "out"]).expect(0);
        trip
    }

    fn path(&self, name: &str) -> PathBuf {
        self.project.path(name)
    }

    fn tarball(&self) -> String {
        TARBALL.replace("NAME", self.name)
    }

    fn in_registry(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.registry, self.name)
    }

    /// How an engine calls the bootstrap image.
    fn image(&self) -> String {
        format!("{}/bootstrap:1.0.0", self.name)
    }

    fn run(&self, arguments: &[&str]) -> Seen {
        let mut program = Command::new(env!("CARGO_BIN_EXE_bootsmith"));
        program.args(arguments).current_dir(self.path("")).env("XDG_CACHE_HOME", self.path("cache"));
        Seen::from(program.output().expect("the program starts"))
    }

    /// Another tool, in the folder of the release.
    #[track_caller]
    fn tool(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program).args(arguments).current_dir(self.path("")).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}\n{said}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// podman or buildah, with a storage of its own.
    #[track_caller]
    fn with_storage(&self, program: &str, arguments: &[&str]) -> String {
        let storage = ["--root", "storage", "--runroot", "storage-state", "--storage-driver", "vfs"];
        self.tool(program, &[&storage, arguments].concat())
    }

    /// Another tool that must refuse something, and what it says.
    #[track_caller]
    fn refused(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program).args(arguments).current_dir(self.path("")).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(!output.status.success(), "{program} {arguments:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    fn skopeo(&self, arguments: &[&str]) -> String {
        self.tool("skopeo", &[&["--insecure-policy"], arguments].concat())
    }

    /// Its bundle `bundle.tar`; gives out the digests of the images in it, by name.
    fn bundle(&self) -> impl Fn(&str) -> String {
        let bundled = self.run(&["bundle", &self.tarball(), "bundle.tar"]).expect(0).out;
        move |name| {
            let line = bundled.lines().find(|line| line.starts_with(name)).expect("a line");
            line.split_whitespace().last().expect("a digest").to_owned()
        }
    }

    /// What is read of an image that another tool wrote again, wherever it went.
    fn check(&self, source: &str) {
        self.read(source);
        let said = format!(
            "{source}: the content is unchanged since the build; another tool rewrote the manifests or the archive\n"
        );
        self.expect_verified(source, &said);
    }

    /// What is read of an image whose every byte is as it was.
    fn check_unchanged(&self, source: &str) {
        let (image, original) = self.read(source);
        assert_eq!(image["manifest"], original["manifest"], "{source}");
        // With manifest and configuration.
        let blobs = image["layers"].as_array().expect("a list").len() + 2;
        self.expect_verified(source, &format!("{source}: {blobs} blobs ("));
    }

    fn expect_verified(&self, source: &str, said: &str) {
        let verified = self.run(&["verify", source]).expect(0);
        assert!(verified.out.starts_with(said), "{}", verified.out);
        assert!(verified.out.contains("payload files are valid"), "{}", verified.out);
    }

    /// The image, which is what was built, and what was built.
    fn read(&self, source: &str) -> (Value, Value) {
        let json = |seen: Seen| serde_json::from_str::<Value>(&seen.expect(0).out).expect("JSON");
        let inspected = json(self.run(&["inspect", source, "--json"]));
        assert_eq!(inspected["release"]["project"], self.name, "{source}");
        let image = |inspected: &Value| inspected["image"]["images"][0].clone();
        let original = image(&json(self.run(&["inspect", &self.tarball(), "--json"])));
        let image = image(&inspected);
        assert_eq!(image["config"], original["config"], "{source}");
        let roles = |image: &Value| {
            let layers = image["layers"].as_array().into_iter().flatten();
            layers.map(|layer| (layer["role"].clone(), layer["diff_id"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(roles(&image), roles(&original), "{source}");
        self.run(&["diff", &self.tarball(), source, "--exit-code"]).expect(0);
        (image, original)
    }

    /// An image that another tool wrote again, and what is made of it.
    fn take(&self, what: &str, source: &str) {
        self.check(source);
        self.use_again(what, source);
    }

    /// An image whose every byte is as it was, and what is made of it.
    fn take_unchanged(&self, what: &str, source: &str) {
        self.check_unchanged(source);
        self.use_again(what, source);
    }

    /// What is made of an image: a copy, a bundle, and the image again.
    fn use_again(&self, what: &str, source: &str) {
        let destination = self.in_registry(what);
        if self.path(source).exists() {
            let again = format!("{destination}/again:1");
            self.run(&["push", source, &again]).expect(0);
            self.run(&["verify", &again]).expect(0);
        } else {
            self.run(&["pull", source, "again.tar"]).expect(0);
            self.run(&["verify", "again.tar"]).expect(0);
        }
        let bundle = format!("bundle-{what}.tar");
        let bundled = self.run(&["bundle", source, &bundle]);
        let copied = self.run(&["copy", source, &destination]);
        if inspect_name(&self.run(&["inspect", source, "--json"]).expect(0)).is_none() {
            for refused in [bundled, copied].map(|refused| refused.expect(3)) {
                let said = "error: the tarball has no image name that could be used\n";
                assert!(refused.err.starts_with(said), "{}", refused.err);
            }
            return;
        }
        bundled.expect(0);
        copied.expect(0);
        let verified = self.run(&["verify", &bundle]).expect(0);
        assert!(verified.out.contains("payload files are valid"), "{}", verified.out);
    }
}

fn inspect_name(inspected: &Seen) -> Option<String> {
    let document: Value = serde_json::from_str(&inspected.out).expect("JSON");
    document["image"]["reference"].as_str().map(str::to_owned)
}

#[test]
fn through_docker() {
    let Some(surroundings) = surroundings() else { return };
    let trip = Trip::new("e2e-trip-docker", &surroundings);
    let pushed = trip.in_registry("pushed:1.0.0");
    trip.tool("docker", &["load", "--quiet", "--input", &trip.tarball()]);
    docker(&["tag", &trip.image(), &pushed]);
    docker(&["push", "--quiet", &pushed]);
    trip.tool("docker", &["save", "--output", "saved.tar", &trip.image()]);
    docker(&["image", "rm", &pushed, &trip.image()]);
    trip.take("docker-push", &pushed);
    trip.take("docker-save", "saved.tar");
}

#[test]
fn through_podman() {
    let Some(surroundings) = surroundings() else { return };
    let trip = Trip::new("e2e-trip-podman", &surroundings);
    let pushed = trip.in_registry("pushed:1.0.0");
    trip.with_storage("podman", &["load", "--quiet", "--input", &trip.tarball()]);
    let image = format!("docker.io/{}", trip.image());
    trip.with_storage("podman", &["push", "--quiet", "--tls-verify=false", &image, &format!("docker://{pushed}")]);
    for format in ["docker-archive", "oci-archive"] {
        let output = format!("{format}.tar");
        trip.with_storage("podman", &["save", "--quiet", "--format", format, "--output", &output, &image]);
        trip.take(format, &output);
    }
    trip.take("podman-push", &pushed);
}

#[test]
fn through_skopeo() {
    let Some(surroundings) = surroundings() else { return };
    let trip = Trip::new("e2e-trip-skopeo", &surroundings);
    let source = format!("oci-archive:{}", trip.tarball());
    let pushed = trip.in_registry("pushed:1.0.0");
    let targets = [
        ("v2s2", format!("docker://{pushed}"), pushed.as_str()),
        ("oci", format!("docker-archive:docker.tar:{}", trip.image()), "docker.tar"),
        ("oci", "oci-archive:oci.tar:1.0.0".to_owned(), "oci.tar"),
    ];
    for (format, target, place) in targets {
        let format = if target.starts_with("docker-archive") { vec![] } else { vec!["--format", format] };
        let arguments = [&["copy", "--quiet", "--dest-tls-verify=false"], &format[..], &[&source, &target]].concat();
        trip.skopeo(&arguments);
        trip.take(&place.replace(['/', ':', '.'], "-"), place);
    }
}

#[test]
fn through_buildah() {
    let Some(surroundings) = surroundings() else { return };
    let trip = Trip::new("e2e-trip-buildah", &surroundings);
    let pushed = trip.in_registry("pushed:1.0.0");
    let id = trip.with_storage("buildah", &["pull", "--quiet", &format!("oci-archive:{}", trip.tarball())]);
    let target = format!("docker://{pushed}");
    trip.with_storage("buildah", &["push", "--quiet", "--tls-verify=false", "--format", "v2s2", id.trim(), &target]);
    trip.take("buildah-push", &pushed);
    let archive = format!("oci-archive:saved.tar:{}", trip.image());
    trip.with_storage("buildah", &["push", "--quiet", "--format", "oci", id.trim(), &archive]);
    trip.take("buildah-archive", "saved.tar");
}

/// Every image of a bundle is found by its whole name, by whichever door a tool enters.
#[test]
fn a_bundle_is_taken_image_by_image() {
    let Some(surroundings) = surroundings() else { return };
    let trip = Trip::new("e2e-trip-bundle", &surroundings);
    let (service, bootstrap) = (trip.in_registry("box:1.0.0"), format!("docker.io/{}", trip.image()));
    // As an OCI manifest: what Docker pushed has one of its own, which skopeo does not look for in a layout.
    let registry = format!("docker://{service}");
    let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    trip.skopeo(&[&["copy", "--format", "oci"], &plain[..], &[registry.as_str(), registry.as_str()]].concat());
    let digest = trip.bundle();
    trip.with_storage("podman", &["load", "--quiet", "--input", "bundle.tar"]);
    for name in [&service, &bootstrap] {
        trip.with_storage("podman", &["image", "exists", name]);
        let door = format!("docker-archive:bundle.tar:{name}");
        trip.skopeo(&["inspect", &door]);
    }
    for (name, tag) in [(&service, service.as_str()), (&bootstrap, "1.0.0")] {
        let door = format!("oci-archive:bundle.tar:{tag}");
        let seen = trip.skopeo(&["inspect", "--format", "{{.Digest}}", &door]);
        assert_eq!(seen.trim(), digest(name), "{door}");
    }
    trip.tool("docker", &["load", "--quiet", "--input", "bundle.tar"]);
    docker(&["image", "inspect", "--format", "{{.Id}}", &service, &trip.image()]);
    docker(&["image", "rm", &service, &trip.image()]);
}
