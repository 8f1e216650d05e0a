//! crane and oras: clients of registries that take the tarball, or a folder of it, as an OCI layout. crane takes a tarball for an archive of Docker.

use std::process::Command;

use bootsmith::digest::Descriptor;
use serde_json::Value;

use super::{Built, TAG, built, built_with, run, texts};
use crate::e2e::clients::{surroundings_with, untar};

/// Two images without a base: enough for whoever only reads, moves and checks them.
const TWO_ARCHITECTURES: &[&str] =
    &["--base", "scratch", "--allow", "B049", "--architecture", "linux/amd64", "--architecture", "linux/arm64"];

impl Built {
    fn file(&self) -> String {
        self.path("shop-1.4.2-compose.tar").display().to_string()
    }

    fn digest(&self) -> String {
        self.receipt.digest.to_string()
    }

    /// The tarball as a folder.
    fn layout(&self) -> String {
        let folder = self.path("layout");
        untar(&self.path("shop-1.4.2-compose.tar"), &folder);
        folder.display().to_string()
    }

    /// How the registry of the tests calls it.
    fn in_registry(&self, registry: &str, tag: &str) -> String {
        format!("{registry}/{}/bootstrap:{tag}", self.name)
    }
}

#[track_caller]
fn crane(arguments: &[&str]) -> String {
    run(Command::new("crane").args(arguments)).trim().to_owned()
}

#[track_caller]
fn oras(arguments: &[&str]) -> String {
    run(Command::new("oras").args(arguments))
}

fn digest_of(document: &str) -> String {
    Descriptor::of(document.as_bytes()).digest.to_string()
}

#[test]
fn crane_takes_it_as_a_docker_archive() {
    let Some(surroundings) = surroundings_with("crane") else { return };
    let one = built("e2e-crane-tar", &format!("oci:{}", surroundings.base));
    // Of several architectures an archive of Docker has the first alone.
    for built in [one, built_with("e2e-crane-tar-two", TWO_ARCHITECTURES)] {
        let (file, pushed) = (built.file(), built.in_registry(&surroundings.registry, TAG));
        assert_eq!(crane(&["validate", "--tarball", &file]), format!("PASS: {file}"));
        crane(&["push", &file, &pushed]);
        assert_eq!(crane(&["validate", "--remote", &pushed]), format!("PASS: {pushed}"));
        assert_eq!(crane(&["digest", &pushed]), crane(&["digest", "--tarball", &file]));
        // crane makes a manifest of its own. Configuration and layers are ours.
        let manifest: Value = serde_json::from_str(&crane(&["manifest", &pushed])).expect("JSON");
        assert_eq!(manifest["config"]["digest"], built.receipt.images[0].config.to_string());
        let layers = manifest["layers"].as_array().expect("a list").iter();
        assert_eq!(layers.map(|layer| layer["digest"].as_str().expect("a digest")).collect::<Vec<_>>(), built.blobs());
        let config: Value = serde_json::from_str(&crane(&["config", &pushed])).expect("JSON");
        assert_eq!(texts(&config["rootfs"]["diff_ids"]), built.diff_ids());
    }
}

#[test]
fn crane_takes_a_folder_of_it_unchanged() {
    let Some(surroundings) = surroundings_with("crane") else { return };
    let one = built("e2e-crane-layout", &format!("oci:{}", surroundings.base));
    for built in [one, built_with("e2e-crane-layout-two", TWO_ARCHITECTURES)] {
        let [pushed, copied] = [TAG, "copied"].map(|tag| built.in_registry(&surroundings.registry, tag));
        crane(&["push", &built.layout(), &pushed]);
        crane(&["copy", &pushed, &copied]);
        for reference in [pushed, copied] {
            assert_eq!(crane(&["digest", &reference]), built.digest());
            assert_eq!(crane(&["validate", "--remote", &reference]), format!("PASS: {reference}"));
        }
    }
}

#[test]
fn oras_takes_it_unchanged() {
    let Some(surroundings) = surroundings_with("oras") else { return };
    let one = built("e2e-oras", &format!("oci:{}", surroundings.base));
    for built in [one, built_with("e2e-oras-two", TWO_ARCHITECTURES)] {
        let sources = [built.file(), built.layout()].map(|place| format!("{place}:{TAG}"));
        for (source, tag) in sources.iter().zip(["file", "folder"]) {
            assert_eq!(digest_of(&oras(&["manifest", "fetch", "--oci-layout", source])), built.digest());
            let pushed = built.in_registry(&surroundings.registry, tag);
            oras(&["cp", "--no-tty", "--from-oci-layout", source, "--to-plain-http", &pushed]);
            assert_eq!(digest_of(&oras(&["manifest", "fetch", "--plain-http", &pushed])), built.digest());
        }
        let restored = built.in_registry(&surroundings.registry, TAG);
        oras(&["restore", "--no-tty", "--plain-http", "--input", &built.file(), &restored]);
        assert_eq!(oras(&["resolve", "--plain-http", &restored]).trim(), built.digest());
        for image in &built.receipt.images {
            let architecture = image.architecture.to_string();
            let fetch = ["manifest", "fetch-config", "--plain-http", "--platform", &architecture, &restored];
            assert_eq!(digest_of(&oras(&fetch)), image.config.to_string());
        }
    }
}
