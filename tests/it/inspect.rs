//! Reading tarballs back, whole and damaged.

use std::fs;
use std::path::{Path, PathBuf};

use bootsmith::epoch::Epoch;
use bootsmith::image::{Base, BaseImage, Settings, assemble};
use bootsmith::inspect::{self, BaseBrought, Frame, Verification};
use bootsmith::layer::Layer;
use bootsmith::store::{BaseReference, open_base};
use bootsmith::tree::Mode;

use crate::fixture::{self, Place, scratch_image, write, write_tar};

fn faults(path: &Path) -> Vec<String> {
    let verification = inspect::verify(path).expect("a file that can be read");
    verification.faults.iter().map(ToString::to_string).collect()
}

/// A place with a good tarball.
fn tarball(architectures: &[&str]) -> (Place, PathBuf, Vec<u8>) {
    let place = Place::new();
    let path = place.path("out.tar");
    write(&scratch_image(architectures), &path);
    let bytes = fs::read(&path).expect("a tarball");
    (place, path, bytes)
}

#[test]
fn a_tarball_is_summarised() {
    let (_place, path, bytes) = tarball(&["linux/amd64"]);
    let archive = inspect::open(&path).expect("a tarball");
    let summary = archive.summary().expect("a summary");
    let image = scratch_image(&["linux/amd64"]);
    assert_eq!((summary.digest, summary.index, summary.size_bytes), (image.digest(), None, bytes.len() as u64));
    assert_eq!(summary.reference.as_deref(), Some("registry.example.com/shop/bootstrap:1.4.2"));
    assert_eq!(summary.annotations["org.opencontainers.image.version"], "1.4.2");
    let summary = &summary.images[0];
    assert_eq!(summary.architecture.to_string(), "linux/amd64");
    assert_eq!(
        (summary.entrypoint.join(" "), summary.command.join(" ")),
        ("/bootstrap/bin/bootstrap".to_owned(), "help".to_owned())
    );
    let layers: Vec<_> = summary
        .layers
        .iter()
        .map(|layer| {
            (
                layer.role.as_str(),
                layer.files.iter().map(|file| format!("{} {}", file.mode, file.path)).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        layers,
        [
            ("entrypoint", vec!["0755 bootstrap/bin/bootstrap".to_owned()]),
            (
                "environments",
                vec![
                    "0644 bootstrap/environments/production/compose.yaml".to_owned(),
                    "0644 bootstrap/release".to_owned(),
                    "0644 bootstrap/spec/contents.json".to_owned(),
                ]
            ),
        ]
    );
    assert_eq!(archive.payload_file("bootstrap/release").expect("a layer"), Some(b"version=1.4.2\n".to_vec()));
    assert_eq!(archive.payload_file("bootstrap/nothing").expect("a layer"), None);
}

#[test]
fn a_good_tarball_has_no_faults() {
    for (architectures, blobs) in [(vec!["linux/amd64"], 4), (vec!["linux/amd64", "linux/arm64", "linux/arm/v7"], 9)] {
        let (_place, path, _) = tarball(&architectures);
        let verification = inspect::verify(&path).expect("a file that can be read");
        assert_eq!(verification.faults, []);
        assert_eq!((verification.blobs, verification.payload_files), (blobs, 3));
    }
}

#[test]
fn a_good_tarball_on_a_base_has_no_faults() {
    let place = Place::new();
    fixture::base_archive(&place.path("base.tar"), &["linux/amd64", "linux/arm64"]);
    let reference = bootsmith::store::BaseReference::parse(&format!("oci:{}", place.path("base.tar").display()))
        .expect("a reference");
    let base = bootsmith::store::open_base(&reference, &[], &place.cache).expect("a base");
    write(&fixture::image(&base), &place.path("out.tar"));
    assert_eq!(faults(&place.path("out.tar")), Vec::<String>::new());
    let summary = inspect::open(&place.path("out.tar")).and_then(|archive| archive.summary()).expect("a summary");
    let roles: Vec<_> = summary.images[1].layers.iter().map(|layer| layer.role.as_str()).collect();
    assert_eq!(roles, ["base", "base", "entrypoint", "environments"]);
}

/// Wherever a tarball is cut, it is an error; nothing panics.
#[test]
fn a_truncated_tarball_is_refused_wherever_it_is_cut() {
    let (_place, path, bytes) = tarball(&["linux/amd64"]);
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1, bytes.len() - 512, bytes.len() - 1024]) {
        fs::write(&path, &bytes[..length]).expect("room");
        assert!(!faults(&path).is_empty(), "cut at {length} of {}", bytes.len());
        drop(inspect::open(&path).and_then(|archive| archive.summary()));
    }
}

/// There is no byte that does not count.
#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let (_place, path, bytes) = tarball(&["linux/amd64", "linux/arm64"]);
    for at in (0..bytes.len()).step_by(13) {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).expect("room");
        assert!(!faults(&path).is_empty(), "bit {} of byte {at} of {}", at % 8, bytes.len());
        drop(inspect::open(&path).and_then(|archive| archive.summary()));
    }
}

/// What an image says of itself is believed only when it is what was written: the next release is held against it.
#[test]
fn nothing_is_read_from_a_layer_with_other_bytes() {
    let (_place, path, bytes) = tarball(&["linux/amd64"]);
    let summary = inspect::open(&path).and_then(|archive| archive.summary()).expect("a summary");
    let layer = summary.images[0].layers.last().expect("the environments").digest;
    let name = format!("blobs/sha256/{}", layer.hex());
    let header =
        bytes.windows(name.len()).rposition(|window| window == name.as_bytes()).expect("the entry of the layer");
    let mut bad = bytes;
    // A byte of the gzip header that no reader looks at: the time.
    bad[header + 512 + 4] ^= 1;
    fs::write(&path, &bad).expect("room");
    let archive = inspect::open(&path).expect("its documents are sound");
    for error in [archive.payload_file("bootstrap/release").map(drop), archive.summary().map(drop)] {
        let text = error.expect_err("other bytes").to_string();
        assert!(text.contains(&format!("the layer {layer} should have the digest")), "{text}");
    }
}

#[test]
fn more_than_there_should_be_is_found() {
    let (place, path, bytes) = tarball(&["linux/amd64"]);
    let mut longer = bytes.clone();
    longer.push(0);
    fs::write(&path, longer).expect("room");
    assert_eq!(faults(&path), ["the tarball differs at `the end` from what bootsmith would write for this image"]);
    write_tar(&place.path("extra.tar"), &[("extra", b"x")]);
    let mut extra = bytes[..bytes.len() - 1024].to_vec();
    extra.extend(fs::read(place.path("extra.tar")).expect("a tar"));
    fs::write(&path, extra).expect("room");
    assert_eq!(
        faults(&path),
        [
            "the entry `extra` does not belong to an image",
            "the tarball differs at `the end` from what bootsmith would write for this image"
        ]
    );
    write_tar(&place.path("extra.tar"), &[("manifest.json", b"[]")]);
    let mut twice = bytes[..bytes.len() - 1024].to_vec();
    twice.extend(fs::read(place.path("extra.tar")).expect("a tar"));
    fs::write(&path, twice).expect("room");
    assert_eq!(faults(&path), ["it has an invalid entry `manifest.json`: its path occurs twice"]);
}

#[test]
fn garbage_is_refused() {
    let place = Place::new();
    let path = place.path("out.tar");
    let mut state = 7_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(5000)
    .collect();
    for bytes in [b"".as_slice(), b"x", &[0; 1024], &noise] {
        fs::write(&path, bytes).expect("room");
        assert_eq!(faults(&path).len(), 1);
        assert!(inspect::open(&path).is_err());
    }
    assert!(inspect::verify(&place.path("nowhere")).is_err());
}

/// A file that was given by mistake may hold anything, a key included.
#[test]
fn what_is_no_tar_is_not_quoted() {
    const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n";
    let place = Place::new();
    let path = place.path("key.pem");
    fs::write(&path, KEY.repeat(20)).expect("room");
    let expected = "is not a tar archive, or is damaged: invalid tar header";
    assert_eq!(faults(&path), [format!("it {expected}")]);
    let opened = inspect::open(&path).expect_err("no tar");
    assert_eq!(opened.to_string(), format!("`{}` {expected}", path.display()));

    let key = packed("base", &KEY.repeat(20));
    let digest = key.packed.blob.digest;
    let expected = "is not a tar archive, or is damaged: a layer: invalid tar header";
    assert_eq!(faults_of(&[key], &fixture::payload()), [format!("the layer {digest} {expected}")]);
}

/// Bytes as a layer, whatever they are.
fn packed(role: &str, bytes: &[u8]) -> Layer {
    let mut blob = Vec::new();
    let packed = bootsmith::layer::compress(bytes, &mut blob).expect("memory");
    Layer { role: role.to_owned(), packed, content: blob.into() }
}

/// The faults of an image that was packed wrongly, but whose digests are right.
fn faults_of(below: &[Layer], payload: &[Layer]) -> Vec<String> {
    let place = Place::new();
    let image = assemble(&base_of(below), payload, &fixture::settings(), Epoch::default()).expect("an image");
    write(&image, &place.path("out.tar"));
    faults(&place.path("out.tar"))
}

/// A base of these layers that says nothing of itself.
fn base_of(layers: &[Layer]) -> Base {
    let empty = Base::scratch(&[fixture::architecture("linux/amd64")]).expect("a base");
    let image = BaseImage { layers: layers.to_vec(), ..empty.images()[0].clone() };
    Base::new("below", None, vec![image]).expect("a base")
}

/// A layer of a tar that was written otherwise than bootsmith writes.
fn layer_of(role: &str, entries: &[(&str, &[u8])]) -> Layer {
    let place = Place::new();
    write_tar(&place.path("layer.tar"), entries);
    packed(role, &fs::read(place.path("layer.tar")).expect("a tar"))
}

#[test]
fn a_payload_that_is_not_as_listed_is_found() {
    let mut layers = fixture::payload();
    layers[0] = fixture::layer(
        "entrypoint",
        &[
            ("bootstrap/bin/bootstrap", Mode::Plain, "#!/bin/sh\necho \"$@\"\n"),
            ("bootstrap/bin/more", Mode::Plain, ""),
            ("etc/profile", Mode::Plain, ""),
        ],
    );
    assert_eq!(
        faults_of(&[], &layers),
        [
            "`etc/profile` is in the layer `entrypoint`, not in `environments`",
            "`bootstrap/bin/bootstrap` is not as `contents.json` lists it",
            "`bootstrap/bin/more` is not listed in `contents.json`",
            "`etc/profile` is not listed in `contents.json`",
        ]
    );
    assert_eq!(
        faults_of(&[], &layers[1..]),
        [
            "the image for linux/amd64 has no layer `entrypoint` on top of its base",
            "`bootstrap/bin/bootstrap` is listed in `contents.json`, but is missing"
        ]
    );
    assert_eq!(
        faults_of(&[], &layers[..1])[..2],
        [
            "the image for linux/amd64 has no layer `environments` on top of its base".to_owned(),
            "`etc/profile` is in the layer `entrypoint`, not in `environments`".to_owned()
        ]
    );
}

/// What a container would see counts, not what some layer holds.
#[test]
fn what_hides_or_joins_the_payload_is_found() {
    let whiteout = fixture::layer("scripts", &[("bootstrap/bin/.wh.bootstrap", Mode::Plain, "")]);
    let [entrypoint, environments] = <[Layer; 2]>::try_from(fixture::payload()).expect("two layers");
    let hidden = faults_of(&[], &[entrypoint.clone(), whiteout, environments.clone()]);
    assert!(
        hidden.contains(&"`bootstrap/bin/bootstrap` is listed in `contents.json`, but is missing".to_owned()),
        "{hidden:?}"
    );
    let payload = [entrypoint, environments];
    for (entries, path) in [
        (vec![("bootstrap/bin/more", b"x".as_slice())], "bootstrap/bin/more"),
        (vec![("bootstrap", b"-> /usr")], "bootstrap"),
    ] {
        let joined = faults_of(&[layer_of("base", &entries)], &payload);
        assert_eq!(joined, [format!("`{path}` comes from the base, and lies where the payload goes")]);
    }
    let removed = [layer_of("base", &[("bootstrap/x", b"x")]), layer_of("base", &[(".wh.bootstrap", b"")])];
    assert_eq!(faults_of(&removed, &payload), Vec::<String>::new(), "a container sees nothing of it");
}

/// The paths of every layer, those of the base too.
#[test]
fn paths_that_engines_refuse_are_found() {
    for (entries, reason) in [
        (vec![("a", b"one".as_slice()), ("a", b"two")], "has the path `a` twice"),
        (vec![("../../x", b"x")], "has the path `../../x`, which leaves the image"),
        (vec![("/x", b"x")], "has the absolute path `/x`"),
        (
            vec![("link", b"-> ../../.."), ("link/x", b"x")],
            "has the path `link/x` below the link `link`, which leads nowhere inside the image",
        ),
        (
            vec![("hl", b"=> /etc/passwd")],
            "has the hard link `hl` to `/etc/passwd`, which is not a file before it in the same layer",
        ),
    ] {
        let bad = layer_of("base", &entries);
        let digest = bad.packed.blob.digest;
        assert_eq!(faults_of(&[bad], &fixture::payload()), [format!("the layer {digest} {reason}")]);
        let place = Place::new();
        let image = assemble(&base_of(&[]), &[layer_of("base", &entries)], &Settings::default(), Epoch::default());
        write(&image.expect("an image"), &place.path("base.tar"));
        let reference =
            BaseReference::parse(&format!("oci:{}", place.path("base.tar").display())).expect("a reference");
        for _ in 0..2 {
            let error = open_base(&reference, &[], &place.cache).expect_err("a base that engines refuse");
            let text = fixture::message(&error).replace(&place.path("base.tar").display().to_string(), "BASE");
            assert!(
                text.starts_with(&format!("`BASE` has an invalid layer: the layer {digest} {reason}; hint: ")),
                "{text}"
            );
        }
    }
}

#[test]
fn a_payload_that_bootsmith_would_pack_otherwise_is_found() {
    let [_, environments] = <[Layer; 2]>::try_from(fixture::payload()).expect("two layers");
    for (entries, reason) in [
        (vec![("bootstrap/bin/bootstrap", b"#!/bin/sh\necho \"$@\"\n".as_slice())], "`bootstrap/` is a folder"),
        (
            vec![("bootstrap/bin/b", b"".as_slice()), ("bootstrap/bin/a", b"")],
            "`bootstrap/bin/a` comes after `bootstrap/bin/b`",
        ),
        (
            vec![("bootstrap/bin/link", b"-> bootstrap".as_slice())],
            "`bootstrap/bin/link` is neither a file nor a folder",
        ),
    ] {
        let bad = layer_of("entrypoint", &entries);
        let start = format!("the layer {} is not as bootsmith packs it: {reason}", bad.packed.blob.digest);
        let faults = faults_of(&[], &[bad, environments.clone()]);
        assert!(faults.iter().any(|fault| fault.starts_with(&start)), "{start}: {faults:?}");
    }
}

#[test]
fn a_verification_counts_what_it_did() {
    let (_place, path, _) = tarball(&["linux/amd64"]);
    let image = &scratch_image(&["linux/amd64"]);
    let image = &image.images()[0];
    let layers: u64 = image.layers.iter().map(|layer| layer.packed.blob.size).sum();
    let blob_bytes = layers + image.manifest.descriptor.size + image.config.descriptor.size;
    assert_eq!(
        inspect::verify(&path).expect("a tarball"),
        Verification {
            blobs: 4,
            blob_bytes,
            payload_files: 3,
            frame: Frame::Bootsmith,
            base: vec![BaseBrought {
                architecture: "linux/amd64".to_owned(),
                layers: 0,
                settings: vec!["Env [\"BOOTSTRAP=1\"]".to_owned()]
            }],
            faults: Vec::new()
        }
    );
}
