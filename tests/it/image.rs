//! Writing tarballs.

use std::fs;
use std::io::Write;
use std::path::Path;

use bootsmith::digest::{Descriptor, Digest};
use bootsmith::epoch::Epoch;
use bootsmith::image::AssembleError;
use bootsmith::image::{Base, assemble};
use bootsmith::layer::content::Content;
use bootsmith::layer::slice::FileSlice;
use bootsmith::layer::unverified::{Origin, Unverified};
use bootsmith::layer::{Layer, Packed};
use bootsmith::store::{Cache, Receipt, write_archive};
use bootsmith::tree::Mode;
use serde_json::Value;

use crate::fixture::{self, Place, digest_of_file, reference, scratch_image, write};

fn entry(path: &Path, name: &str) -> Vec<u8> {
    let mut archive = tar::Archive::new(fs::File::open(path).expect("a tarball"));
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("an entry");
        if entry.path().expect("a path").as_ref() == Path::new(name) {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).expect("content");
            return bytes;
        }
    }
    panic!("no `{name}`");
}

fn json(path: &Path, name: &str) -> Value {
    serde_json::from_slice(&entry(path, name)).expect("JSON")
}

fn names(path: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(fs::File::open(path).expect("a tarball"));
    let entries = archive.entries().expect("a tar");
    entries.map(|entry| entry.expect("an entry").path().expect("a path").display().to_string()).collect()
}

#[test]
fn the_bytes_of_a_tarball_are_golden() {
    let place = Place::new();
    write(&scratch_image(&["linux/amd64"]), &place.path("one.tar"));
    write(&scratch_image(&["linux/arm64", "linux/amd64"]), &place.path("two.tar"));
    assert_eq!(
        digest_of_file(&place.path("one.tar")),
        "sha256:b0f7f0b655d13e83045a58baa0c064653e3621cffe2f53996063435602a24bb9"
    );
    assert_eq!(
        digest_of_file(&place.path("two.tar")),
        "sha256:38dc28d1abd024be106f9695587f926d3e4dc43d6649f1078a05a976a290e31d"
    );
}

#[test]
fn a_tarball_is_layout_and_archive_in_one() {
    let place = Place::new();
    let path = place.path("out.tar");
    let receipt = write(&scratch_image(&["linux/amd64"]), &path);
    let image = &receipt.images[0];
    let blob = |digest: Digest| format!("blobs/sha256/{}", digest.hex());
    let layers: Vec<_> = image.layers.iter().map(|layer| blob(layer.digest)).collect();
    let mut expected: Vec<_> =
        ["oci-layout", "index.json", "manifest.json", "blobs/", "blobs/sha256/"].map(str::to_owned).into();
    expected.extend([blob(image.manifest), blob(image.config)]);
    expected.extend(layers.clone());
    assert_eq!(names(&path), expected);
    assert_eq!(
        json(&path, "manifest.json"),
        serde_json::json!([{ "Config": blob(image.config), "Layers": layers, "RepoTags": ["registry.example.com/shop/bootstrap:1.4.2"] }])
    );
    let index = json(&path, "index.json");
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        index["manifests"][0]["annotations"],
        serde_json::json!({
            "io.containerd.image.name": "registry.example.com/shop/bootstrap:1.4.2",
            "org.opencontainers.image.ref.name": "1.4.2",
        })
    );
    assert_eq!(fs::metadata(&path).expect("a file").len(), receipt.size_bytes);
}

#[test]
fn several_architectures_are_one_nested_index() {
    let place = Place::new();
    let path = place.path("out.tar");
    let receipt = write(&scratch_image(&["linux/arm64", "linux/amd64"]), &path);
    let index = json(&path, "index.json");
    assert_eq!(index["manifests"].as_array().map(Vec::len), Some(1));
    assert_eq!(index["manifests"][0]["mediaType"], "application/vnd.oci.image.index.v1+json");
    let nested = json(&path, &format!("blobs/sha256/{}", receipt.digest.hex()));
    let platforms: Vec<_> =
        nested["manifests"].as_array().expect("a list").iter().map(|entry| entry["platform"].clone()).collect();
    assert_eq!(
        platforms,
        [
            serde_json::json!({ "architecture": "amd64", "os": "linux" }),
            serde_json::json!({ "architecture": "arm64", "os": "linux" })
        ]
    );
    let mut unique = names(&path);
    unique.dedup();
    assert_eq!(unique.len(), 5 + 1 + 2 * 2 + 2, "every blob once: the payload is shared");
    assert_eq!(receipt.index, Some(receipt.digest));
}

#[test]
fn a_configuration_sets_what_the_settings_say() {
    let place = Place::new();
    let base = fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
    let reference = bootsmith::store::BaseReference::parse(&format!("oci:{}", place.path("base.tar").display()))
        .expect("a reference");
    let opened = bootsmith::store::open_base(&reference, &[], &place.cache).expect("a base");
    let receipt = write(&fixture::image(&opened), &place.path("out.tar"));
    let config = json(&place.path("out.tar"), &format!("blobs/sha256/{}", receipt.images[0].config.hex()));
    assert_eq!(
        config["config"],
        serde_json::json!({
            "Cmd": ["help"],
            "Entrypoint": ["/bootstrap/bin/bootstrap"],
            "Env": ["LANG=C.UTF-8", "PATH=/usr/bin:/bin", "BOOTSTRAP=1"],
            "Labels": {
                "io.bootsmith.configuration": "sha256:dc3698fa68f23926ef2d7b4094560740d78e7e6b3548a4c418bcd7001ac8cf87",
                "io.bootsmith.environments": "production",
                "io.bootsmith.format": "1",
                "io.bootsmith.platform": "compose",
                "io.bootsmith.spec-digest": Digest::of(b""),
                "org.opencontainers.image.created": "1970-01-01T00:00:00Z",
                "org.opencontainers.image.version": "1.4.2",
                "vendor": "base",
            },
        })
    );
    assert_eq!(config["history"].as_array().map(Vec::len), Some(4));
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    let blobs = |layers: &[Layer]| layers.iter().map(|layer| layer.packed).collect::<Vec<_>>();
    assert_eq!(blobs(&opened.images()[0].layers), blobs(&base.images()[0].layers), "the base is verbatim");
}

#[test]
fn an_unchanged_tarball_is_left_alone_and_a_changed_one_is_not() {
    let place = Place::new();
    let path = place.path("out.tar");
    let image = scratch_image(&["linux/amd64"]);
    assert!(!write(&image, &path).unchanged);
    assert!(write(&image, &path).unchanged);
    let good = fs::read(&path).expect("a tarball");
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
    let mut bad = good.clone();
    bad[600] ^= 1;
    let damage: [&dyn Fn(); 4] = [
        &|| fs::write(&path, &bad).expect("room"),
        &|| fs::remove_file(&path).expect("a file"),
        &|| {
            fs::write(place.path("other"), &bad).expect("room");
            fs::rename(place.path("other"), &path).expect("a rename");
        },
        &|| {
            let mut file = fs::File::options().write(true).open(&path).expect("a file");
            file.write_all(&bad).and_then(|()| file.set_modified(modified)).expect("room");
        },
    ];
    for harm in damage {
        harm();
        assert!(!write(&image, &path).unchanged);
        assert_eq!(fs::read(&path).ok(), Some(good.clone()));
        assert!(write(&image, &path).unchanged);
    }
}

#[test]
fn another_image_or_name_is_written() {
    let place = Place::new();
    let path = place.path("out.tar");
    write(&scratch_image(&["linux/amd64"]), &path);
    assert!(!write(&scratch_image(&["linux/arm64"]), &path).unchanged);
    let other = bootsmith::image::ImageReference::parse("other:1").expect("a reference");
    let receipt = write_archive(&scratch_image(&["linux/arm64"]), &other, &path, &|_| ()).expect("a tarball");
    assert!(!receipt.unchanged);
}

#[test]
fn a_receipt_is_read_as_it_is_written() {
    let place = Place::new();
    let receipt = write(&scratch_image(&["linux/arm64", "linux/amd64"]), &place.path("out.tar"));
    receipt.write(&place.path("out.json")).expect("room");
    let text = fs::read_to_string(place.path("out.json")).expect("a receipt");
    assert_eq!(serde_json::from_str::<Receipt>(&text).ok(), Some(receipt));
}

#[test]
fn progress_tells_of_every_byte() {
    let place = Place::new();
    let copied = std::cell::Cell::new(0);
    let progress = |bytes| copied.set(copied.get() + bytes);
    let image = scratch_image(&["linux/amd64"]);
    let receipt = write_archive(&image, &reference(), &place.path("out.tar"), &progress).expect("a tarball");
    let blobs: u64 = receipt.images[0].layers.iter().map(|layer| layer.size_bytes).sum();
    assert!((blobs..receipt.size_bytes).contains(&copied.get()), "{}", copied.get());
}

#[test]
fn a_folder_that_cannot_be_written_is_one_clear_error() {
    let place = Place::new();
    fs::write(place.path("file"), b"").expect("room");
    for (name, reason) in [("missing/out.tar", "No such file or directory"), ("file/out.tar", "Not a directory")] {
        let path = place.path(name);
        let error = write_archive(&scratch_image(&["linux/amd64"]), &reference(), &path, &|_| ()).expect_err(name);
        assert_eq!(error.to_string(), format!("cannot write `{}`", path.display()));
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.starts_with(reason), "{cause}");
    }
}

/// A base that shrinks after it was verified is noticed, and the old tarball stays.
#[test]
fn a_failed_write_leaves_the_old_tarball() {
    let place = Place::new();
    let path = place.path("out.tar");
    write(&scratch_image(&["linux/amd64"]), &path);
    let before = fs::read(&path).expect("a tarball");
    fs::write(place.path("blob"), vec![7; 100_000]).expect("room");
    let file = fs::File::options().read(true).write(true).open(place.path("blob")).expect("a file");
    file.set_len(50_000).expect("a file");
    let slice = FileSlice::whole(file, 100_000);
    let described = Descriptor::of(b"");
    let packed = Packed { tar: described, blob: Descriptor { size: 100_000, ..described } };
    let origin = Origin { path: place.path("blob"), what: "the layer".to_owned() };
    let content = Content::File(Unverified::new(slice, described.digest, origin));
    let broken = Layer { role: "broken".to_owned(), packed, content };
    let base = Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
    let image = assemble(&base, &[broken], &fixture::settings(), Epoch::default()).expect("an image");
    let error = write_archive(&image, &reference(), &path, &|_| ()).expect_err("the blob is too short");
    assert!(error.to_string() == "a file of the base was changed while it was copied", "{error}");
    assert_eq!(fs::read(&path).ok(), Some(before));
    let left = fs::read_dir(path.parent().expect("a folder")).expect("a folder").count();
    assert_eq!(left, 2, "the tarball and the blob, and no temporary file");
}

#[test]
fn too_many_layers_are_refused() {
    let base = Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
    let layers: Vec<_> = std::iter::repeat_with(fixture::payload).take(63).flatten().collect();
    let error = assemble(&base, &layers, &fixture::settings(), Epoch::default()).expect_err("126 layers");
    assert_eq!(error, AssembleError::TooManyLayers(126));
}

#[test]
fn caches_and_folders_do_not_reach_the_bytes() {
    let digests = [0, 1].map(|_| {
        let place = Place::new();
        let cache = Cache::open(&place.path("deep/cache")).expect("a cache");
        let path = place.path("out.tar");
        let tree = fixture::tree(&[("bootstrap/release", Mode::Plain, "version=1.4.2\n")]);
        let layer = cache.layer("environments", &tree, Epoch::default()).expect("a layer");
        let base = Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
        write(&assemble(&base, &[layer], &fixture::settings(), Epoch::default()).expect("an image"), &path);
        digest_of_file(&path)
    });
    assert_eq!(digests[0], digests[1]);
}
