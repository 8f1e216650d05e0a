//! Bases as other tools leave them: with signatures beside the image, with a bootstrap image in them, and what is no image at all.

use std::fs;
use std::path::Path;

use bootsmith::digest::Descriptor;
use bootsmith::image::Base;
use bootsmith::store::{BaseReference, StoreError, open_base, require_free};
use bootsmith::tree::Mode;
use serde_json::{Value, json};

use crate::fixture::{self, Place, message, write_tar};

fn open(place: &Place, transport: &str, path: &Path) -> Result<Base, StoreError> {
    let reference = BaseReference::parse(&format!("{transport}:{}", path.display())).expect("a reference");
    open_base(&reference, &[], &place.cache)
}

fn fault(place: &Place, transport: &str, name: &str) -> String {
    let error = open(place, transport, &place.path(name)).expect_err("no base");
    message(&error).replace(&place.path(name).display().to_string(), "BASE")
}

/// A blob of a layout, and its descriptor.
fn add(layout: &Path, kind: &str, bytes: &[u8]) -> Value {
    let Descriptor { digest, size } = Descriptor::of(bytes);
    fs::write(layout.join("blobs/sha256").join(digest.hex()), bytes).expect("room");
    json!({ "mediaType": kind, "digest": digest, "size": size })
}

/// As `cosign save` leaves a layout: an entry more, of the kind of an image, with an empty configuration and a layer that is none.
fn sign(layout: &Path, annotations: &Value) {
    let config = add(
        layout,
        "application/vnd.oci.image.config.v1+json",
        br#"{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#,
    );
    let layer = add(layout, "application/vnd.dev.cosign.simplesigning.v1+json", b"{}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [layer],
    });
    let mut entry = add(layout, "application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    entry["annotations"] = annotations.clone();
    let path = layout.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).expect("an index")).expect("JSON");
    index["manifests"].as_array_mut().expect("a list").push(entry);
    fs::write(path, index.to_string()).expect("room");
}

#[test]
fn signatures_beside_an_image_are_passed_over() {
    for annotations in [
        json!({ "org.opencontainers.image.ref.name": "sha256-00.sig" }),
        json!({ "kind": "dev.cosignproject.cosign/sigs" }),
    ] {
        let place = Place::new();
        let image = fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
        fixture::unpack(&place.path("base.tar"), &place.path("layout"));
        sign(&place.path("layout"), &annotations);
        let base = open(&place, "oci", &place.path("layout")).expect("a base");
        assert_eq!(base.images().len(), 1);
        assert_eq!(base.digest(), Some(image.digest()), "there is one image, and so one digest");
    }
}

#[test]
fn an_image_under_two_names_has_one_digest() {
    let place = Place::new();
    let image = fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
    fixture::unpack(&place.path("base.tar"), &place.path("layout"));
    let path = place.path("layout").join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).expect("an index")).expect("JSON");
    let mut second = index["manifests"][0].clone();
    second["annotations"] = json!({ "org.opencontainers.image.ref.name": "two" });
    index["manifests"].as_array_mut().expect("a list").push(second);
    fs::write(path, index.to_string()).expect("room");
    assert_eq!(open(&place, "oci", &place.path("layout")).expect("a base").digest(), Some(image.digest()));
}

/// What a user takes for an image.
#[test]
fn what_is_no_image_is_called_by_its_name() {
    let place = Place::new();
    let entries: [(&str, &[u8]); 3] =
        [("etc/passwd", b"x"), ("usr/bin/env", b"x"), ("usr/lib/ssl/cert.pem", b"-> /etc/ssl/certs/ca.crt")];
    write_tar(&place.path("exported.tar"), &entries);
    for transport in ["oci", "docker-archive"] {
        assert_eq!(
            fault(&place, transport, "exported.tar"),
            "`BASE` is a root file system, not an image; hint: write the image with `docker save` or `skopeo copy`; \
             `docker export` writes the files of a container alone"
        );
    }
    fs::create_dir(place.path("dir")).expect("room");
    for name in ["manifest.json", "version"] {
        fs::write(place.path("dir").join(name), "{}").expect("room");
    }
    assert_eq!(
        fault(&place, "oci", "dir"),
        "`BASE` is a folder as `dir:` of skopeo writes it, not an OCI layout; hint: convert it with \
         `skopeo copy dir:FOLDER oci:LAYOUT:TAG`, and name the layout"
    );
}

/// A container would see its files among those of the release.
#[test]
fn a_base_that_is_a_bootstrap_image_is_refused() {
    let place = Place::new();
    fixture::write(&fixture::scratch_image(&["linux/amd64"]), &place.path("base.tar"));
    let base = open(&place, "oci", &place.path("base.tar")).expect("a base");
    let error = require_free(&base, "bootstrap", &place.cache).expect_err("it has a release");
    let text = message(&error).replace(&place.path("base.tar").display().to_string(), "BASE");
    assert!(
        text.starts_with("the base `oci:BASE` (linux/amd64) already contains `/bootstrap/bin`, which is reserved for the release; hint: "),
        "{text}"
    );
    let others = [("bootstrapper/x", Mode::Plain, ""), ("opt/bootstrap/x", Mode::Plain, "")];
    let image = bootsmith::image::assemble(
        &bootsmith::image::Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base"),
        &[fixture::layer("base", &others)],
        &bootsmith::image::Settings::default(),
        bootsmith::epoch::Epoch::default(),
    );
    fixture::write(&image.expect("an image"), &place.path("free.tar"));
    let base = open(&place, "oci", &place.path("free.tar")).expect("a base");
    assert!(require_free(&base, "bootstrap", &place.cache).is_ok());
}
