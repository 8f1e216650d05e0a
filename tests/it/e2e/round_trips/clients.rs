//! crane and oras. Both copy manifests as they are; what changes one is `crane push` of a tarball, which it takes for an archive of Docker.

use std::fs;

use serde_json::Value;

use super::Trip;
use crate::e2e::clients::{surroundings_with, untar};

impl Trip {
    /// Its tarball as a folder, which crane takes for a layout.
    fn untar(&self) {
        untar(&self.path(&self.tarball()), &self.path("layout"));
    }

    /// A folder that a tool wrote, as the tarball that bootsmith reads.
    fn tar(&self, folder: &str) -> String {
        let tarball = format!("{folder}.tar");
        self.tool("tar", &["--create", "--file", &tarball, "--directory", folder, "."]);
        tarball
    }

    #[track_caller]
    fn crane(&self, arguments: &[&str]) -> String {
        self.tool("crane", arguments).trim().to_owned()
    }

    #[track_caller]
    fn oras(&self, arguments: &[&str]) -> String {
        self.tool("oras", arguments).trim().to_owned()
    }
}

#[test]
fn through_crane() {
    let Some(surroundings) = surroundings_with("crane") else { return };
    let trip = Trip::new("e2e-trip-crane", &surroundings);
    let [pushed, copied] = ["pushed:1.0.0", "copied:1.0.0"].map(|name| trip.in_registry(name));
    trip.crane(&["push", &trip.tarball(), &pushed]);
    trip.crane(&["copy", &pushed, &copied]);
    assert_eq!(trip.crane(&["digest", &copied]), trip.crane(&["digest", &pushed]));
    trip.take("crane-push", &pushed);
    trip.check(&copied);
    for format in ["tarball", "legacy"] {
        let output = format!("crane-{format}.tar");
        trip.crane(&["pull", "--format", format, &pushed, &output]);
        trip.take(&format!("crane-{format}"), &output);
    }
    trip.crane(&["pull", "--format", "oci", &pushed, "crane-oci"]);
    trip.take("crane-oci", &trip.tar("crane-oci"));
}

#[test]
fn through_crane_as_a_layout() {
    let Some(surroundings) = surroundings_with("crane") else { return };
    let trip = Trip::new("e2e-trip-crane-layout", &surroundings);
    let [pushed, copied] = ["pushed:1.0.0", "copied:1.0.0"].map(|name| trip.in_registry(name));
    trip.untar();
    trip.crane(&["push", "layout", &pushed]);
    trip.crane(&["copy", &pushed, &copied]);
    trip.take_unchanged("crane-push", &pushed);
    trip.check_unchanged(&copied);
    // With the name that it was pulled by, and without one.
    for (folder, flags) in [("named", &["--annotate-ref"][..]), ("nameless", &[])] {
        trip.crane(&[&["pull", "--format", "oci"], flags, &[copied.as_str(), folder]].concat());
        trip.take(folder, &trip.tar(folder));
    }
    trip.crane(&["pull", &copied, "pulled.tar"]);
    trip.take("crane-pull", "pulled.tar");
}

#[test]
fn through_oras() {
    let Some(surroundings) = surroundings_with("oras") else { return };
    let trip = Trip::new("e2e-trip-oras", &surroundings);
    let [pushed, copied] = ["pushed:1.0.0", "copied:1.0.0"].map(|name| trip.in_registry(name));
    let tarball = format!("{}:1.0.0", trip.tarball());
    trip.oras(&["cp", "--no-tty", "--from-oci-layout", &tarball, "--to-plain-http", &pushed]);
    trip.oras(&["cp", "--no-tty", "--from-plain-http", &pushed, "--to-plain-http", &copied]);
    trip.take_unchanged("oras-cp", &pushed);
    trip.check_unchanged(&copied);
    trip.oras(&["cp", "--no-tty", "--from-plain-http", &copied, "--to-oci-layout", "layout:1.0.0"]);
    trip.take("oras-layout", &trip.tar("layout"));
    // All tags of a repository in one tar, and back.
    let (saved, restored) = ("saved.tar", trip.in_registry("restored:1.0.0"));
    trip.oras(&["backup", "--no-tty", "--plain-http", "--output", saved, &copied]);
    trip.take("oras-backup", saved);
    trip.oras(&["restore", "--no-tty", "--plain-http", "--input", saved, &restored]);
    trip.check_unchanged(&restored);
    let tarball = trip.tarball();
    let restored = trip.in_registry("tarball:1.0.0");
    trip.oras(&["restore", "--no-tty", "--plain-http", "--input", &tarball, &restored]);
    trip.check_unchanged(&restored);
}

/// What is attached to an image changes nothing of it, and goes with it.
#[test]
fn with_what_oras_attached() {
    let Some(surroundings) = surroundings_with("oras") else { return };
    let trip = Trip::new("e2e-trip-attached", &surroundings);
    let [pushed, copied] = ["pushed:1.0.0", "copied:1.0.0"].map(|name| trip.in_registry(name));
    trip.run(&["push", &trip.tarball(), &pushed]).expect(0);
    fs::write(trip.path("sbom.json"), "{}").expect("room");
    let sbom = "application/spdx+json";
    trip.oras(&["attach", "--no-tty", "--plain-http", "--artifact-type", sbom, &pushed, &format!("sbom.json:{sbom}")]);
    trip.oras(&["cp", "--no-tty", "--recursive", "--from-plain-http", &pushed, "--to-plain-http", &copied]);
    for reference in [&pushed, &copied] {
        trip.check_unchanged(reference);
        let inspected: Value =
            serde_json::from_str(&trip.run(&["inspect", reference, "--json"]).expect(0).out).expect("JSON");
        let referrers = inspected["referrers"].as_array().expect("a list");
        assert!(matches!(&referrers[..], [one] if one["artifact_type"] == sbom), "{referrers:?}");
    }
    trip.take_unchanged("oras-attached", &copied);
}

/// A tarball that is stored as a file is the same file.
#[test]
fn as_a_file_of_oras() {
    let Some(surroundings) = surroundings_with("oras") else { return };
    let trip = Trip::new("e2e-trip-artifact", &surroundings);
    let (artifact, tarball) = (trip.in_registry("artifact:1.0.0"), trip.tarball());
    let release = "application/vnd.example.release";
    trip.oras(&["push", "--no-tty", "--plain-http", "--artifact-type", release, &artifact, &tarball]);
    for command in ["inspect", "verify", "pull"] {
        let refused = trip.run(&[command, &artifact]).expect(3);
        assert!(refused.err.contains("it is an artifact"), "{}", refused.err);
    }
    trip.oras(&["pull", "--no-tty", "--plain-http", "--output", "pulled", &artifact]);
    let pulled = format!("pulled/{tarball}");
    assert!(fs::read(trip.path(&pulled)).expect("a file") == fs::read(trip.path(&tarball)).expect("a tarball"));
    trip.take_unchanged("oras-pull", &pulled);
}

/// crane takes one image of a file; a folder of several is one index to it. oras finds each image by the name that skopeo finds it by.
#[test]
fn as_a_bundle() {
    let (Some(surroundings), Some(_)) = (surroundings_with("crane"), surroundings_with("oras")) else { return };
    let trip = Trip::new("e2e-trip-clients-bundle", &surroundings);
    let service = trip.in_registry("box:1.0.0");
    let digest = trip.bundle();
    let digests = [digest(&format!("docker.io/{}", trip.image())), digest(&service)];
    let index = trip.in_registry("index:1.0.0");
    for arguments in [&["validate", "--tarball", "bundle.tar"][..], &["push", "bundle.tar", &index]] {
        let refused = trip.refused("crane", arguments);
        assert!(refused.contains("tarball must contain only a single image"), "{refused}");
    }
    untar(&trip.path("bundle.tar"), &trip.path("bundle"));
    let refused = trip.refused("crane", &["push", "bundle", &index]);
    assert!(refused.contains("layout contains 2 entries, consider --index"), "{refused}");
    trip.crane(&["push", "--index", "bundle", &index]);
    let manifest: Value = serde_json::from_str(&trip.crane(&["manifest", &index])).expect("JSON");
    let pushed = manifest["manifests"].as_array().expect("a list").iter().map(|entry| entry["digest"].as_str());
    assert_eq!(pushed.collect::<Vec<_>>(), digests.each_ref().map(|digest| Some(digest.as_str())));
    for (name, digest) in ["1.0.0", &service].into_iter().zip(&digests) {
        let target = trip.in_registry("from-bundle:1.0.0");
        let from = ["--from-oci-layout-path", "bundle.tar", name];
        trip.oras(&[&["cp", "--no-tty"], &from[..], &["--to-plain-http", &target]].concat());
        assert_eq!(trip.oras(&["resolve", "--plain-http", &target]), *digest, "{name}");
    }
}
