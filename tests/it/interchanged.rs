//! A release that went through another tool: what became of its frame is told, and its content is understood wherever an image is read.

use std::fs;
use std::path::Path;

use bootsmith::digest::Digest;
use bootsmith::image::Image;
use bootsmith::inspect::{self, BaseBrought, Frame};
use serde_json::{Value, json};

use crate::build::project::{Project, Seen, TARBALL, run};
use crate::fixture::{tar_of, write_tar};

/// A release that was built on a base, and the same as an archive of an engine.
struct Saved {
    project: Project,
}

impl Saved {
    /// As Docker up to 24, podman and skopeo write it: a configuration and plain tars.
    fn docker() -> Self {
        let saved = Self { project: Project::new() };
        run(&mut saved.project.build()).expect(0);
        let image = saved.image();
        let image = &image.images()[0];
        let config_name = format!("{}.json", image.config.descriptor.digest.hex());
        let tars: Vec<_> = image.layers.iter().map(tar_of).collect();
        let names: Vec<_> = (0..tars.len()).map(|at| format!("{at}/layer.tar")).collect();
        let manifest =
            json!([{ "Config": config_name, "RepoTags": ["shop/bootstrap:1.4.2", "other:1"], "Layers": names }]);
        let manifest = manifest.to_string();
        let documents =
            [("manifest.json", manifest.as_bytes()), (&config_name, &image.config.bytes), ("repositories", b"{}")];
        let layers = names.iter().map(String::as_str).zip(tars.iter().map(Vec::as_slice));
        write_tar(&saved.project.path("saved.tar"), &documents.into_iter().chain(layers).collect::<Vec<_>>());
        saved
    }

    fn image(&self) -> Image {
        inspect::open(&self.project.path(TARBALL)).and_then(|archive| archive.to_image()).expect("a tarball")
    }

    fn run(&self, arguments: &[&str]) -> Seen {
        run(self.project.bootsmith().args(arguments))
    }

    /// Rewrites the entries of the tarball, as another program does, some of them changed.
    fn rewrap(&self, change: impl Fn(&str, Vec<u8>) -> Vec<u8>) {
        rewrap(&self.project.path(TARBALL), &self.project.path("saved.tar"), change);
    }
}

fn rewrap(from: &Path, to: &Path, change: impl Fn(&str, Vec<u8>) -> Vec<u8>) {
    let mut archive = tar::Archive::new(fs::File::open(from).expect("a tarball"));
    let mut entries = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").display().to_string();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("content");
        if entry.header().entry_type().is_file() {
            let bytes = change(&path, bytes);
            entries.push((path, bytes));
        }
    }
    let entries: Vec<_> = entries.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    write_tar(to, &entries);
}

#[test]
fn an_archive_of_docker_save_is_understood() {
    let saved = Saved::docker();
    let config = saved.image().images()[0].config.descriptor.digest;
    let seen = saved.run(&["verify", "saved.tar"]).expect(0);
    let said = "saved.tar: the content is unchanged since the build; another tool rewrote the manifests or the archive\n  5 blobs (";
    assert!(seen.out.starts_with(said), "{}", seen.out);
    let document: Value =
        serde_json::from_str(&saved.run(&["inspect", "saved.tar", "--json"]).expect(0).out).expect("JSON");
    let (image, release) = (&document["image"], &document["release"]);
    assert_eq!(image["reference"], "docker.io/shop/bootstrap:1.4.2");
    assert_eq!((&image["digest"], &image["images"][0]["manifest"]), (&json!(config), &Value::Null));
    assert_eq!(image["images"][0]["layers"][3]["role"], "environments");
    assert_eq!(release["version"], "1.4.2");
    saved.run(&["inspect", "saved.tar"]).expect(0);
    saved.run(&["diff", TARBALL, "saved.tar", "--exit-code"]).expect(0);
    let layers = saved.image().images()[0].layers.len() - 3;
    let verification = inspect::verify(&saved.project.path("saved.tar")).expect("a file");
    let [BaseBrought { layers: brought, .. }] = &verification.base[..] else { panic!("one architecture") };
    assert_eq!((verification.frame, *brought), (Frame::Other, layers));
}

/// The content still has to be as it was built.
#[test]
fn an_archive_of_docker_save_that_was_changed_is_told() {
    let saved = Saved::docker();
    let good = fs::read(saved.project.path("saved.tar")).expect("an archive");
    let layers = saved.image().images()[0].layers.iter().map(tar_of).collect::<Vec<_>>();
    for tar in &layers {
        // The middle of a layer, wherever it is in the archive.
        let at = good.windows(tar.len()).position(|window| window == tar.as_slice()).expect("the layer");
        let mut bad = good.clone();
        bad[at + tar.len() / 3] ^= 1;
        fs::write(saved.project.path("saved.tar"), bad).expect("room");
        let seen = saved.run(&["verify", "saved.tar"]).expect(1);
        assert!(seen.err.contains("hint: `saved.tar` was changed after the build"), "{}", seen.err);
    }
}

/// As `ctr images export` and a Docker with containerd write it: everything as it was, in another order and with other headers.
#[test]
fn a_tarball_that_another_tool_rewrote_is_recognised() {
    let saved = Saved::docker();
    saved.rewrap(|_, bytes| bytes);
    let seen = saved.run(&["verify", "saved.tar"]).expect(0);
    assert!(
        seen.out.starts_with(
            "saved.tar: the content is unchanged since the build; another tool rewrote the manifests or the archive\n"
        ),
        "{}",
        seen.out
    );
    let said: Value = serde_json::from_str(&saved.run(&["verify", "saved.tar", "--json"]).expect(0).out).expect("JSON");
    assert_eq!((&said["frame"], &said["faults"]), (&json!("other"), &json!([])));
}

/// A file has two doors: Docker up to 24 enters by `manifest.json`, everybody else by `index.json`.
#[test]
fn both_doors_lead_to_one_image() {
    let saved = Saved::docker();
    let hex = |digest: Digest| format!("blobs/sha256/{}", digest.hex());
    let image = saved.image();
    let (first, last) =
        (hex(image.images()[0].layers[0].packed.blob.digest), hex(image.images()[0].layers[3].packed.blob.digest));
    let changes: [&dyn Fn(&mut Value); 3] = [
        &|manifest| manifest[0]["Layers"].as_array_mut().expect("layers").reverse(),
        &|manifest| manifest[0]["Layers"].as_array_mut().expect("layers").push(json!(first)),
        &|manifest| manifest[0]["Config"] = json!(last),
    ];
    for change in changes {
        saved.rewrap(|path, bytes| {
            if path != "manifest.json" {
                return bytes;
            }
            let mut manifest = serde_json::from_slice(&bytes).expect("JSON");
            change(&mut manifest);
            manifest.to_string().into_bytes()
        });
        let seen = saved.run(&["verify", "saved.tar"]).expect(1);
        assert!(seen.err.contains("error: `manifest.json` leads to another image than `index.json`\n"), "{}", seen.err);
    }
}
