//! Reading bases: every format, and every way in which one can be wrong.

use std::fs;
use std::path::{Path, PathBuf};

use bootsmith::digest::Digest;
use bootsmith::image::{Base, Image};
use bootsmith::store::{BaseReference, Place as ToolPlace, StoreError, Tool, open_base, require_tools};
use serde_json::{Value, json};

use crate::fixture::{self, Place, architecture, message, tar_of, write_tar};

fn open(place: &Place, transport: &str, path: &Path) -> Result<Base, StoreError> {
    let reference = BaseReference::parse(&format!("{transport}:{}", path.display())).expect("a reference");
    open_base(&reference, &[], &place.cache)
}

/// The error of opening a base, the path of the test left out.
fn fault(place: &Place, transport: &str, path: &Path) -> String {
    let error = open(place, transport, path).expect_err("a bad base");
    message(&error).replace(&path.display().to_string(), "BASE")
}

fn diff_ids(base: &Base) -> Vec<Digest> {
    base.images()[0].layers.iter().map(|layer| layer.packed.diff_id()).collect()
}

fn expected_diff_ids(image: &Image) -> Vec<Digest> {
    image.images()[0].layers.iter().map(|layer| layer.packed.diff_id()).collect()
}

#[test]
fn a_layout_is_read_from_a_tar_and_from_a_folder() {
    let place = Place::new();
    let image = fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
    fixture::unpack(&place.path("base.tar"), &place.path("layout"));
    for path in [place.path("base.tar"), place.path("layout")] {
        let base = open(&place, "oci", &path).expect("a base");
        assert_eq!(base.digest(), Some(image.digest()));
        assert_eq!(diff_ids(&base), expected_diff_ids(&image));
        assert_eq!(base.images()[0].layers[0].role, "base");
    }
}

#[test]
fn architectures_are_chosen() {
    let place = Place::new();
    fixture::base_archive(&place.path("two.tar"), &["linux/arm64", "linux/amd64"]);
    let known = |base: &Base| base.images().iter().map(|image| image.architecture.to_string()).collect::<Vec<_>>();
    let two = open(&place, "oci", &place.path("two.tar")).expect("a base");
    assert_eq!(known(&two), ["linux/amd64", "linux/arm64"]);
    let twice = [two.images(), two.images()].concat();
    let error = Base::new("twice", None, twice).expect_err("two images for one architecture");
    assert_eq!(error.to_string(), "the base `twice` holds two different images for linux/amd64");
    let reference = BaseReference::parse(&format!("oci:{}", place.path("two.tar").display())).expect("a reference");
    let chosen = open_base(&reference, &[architecture("linux/arm64/v8")], &place.cache).expect("a base");
    assert_eq!(known(&chosen), ["linux/arm64"]);
    let error = open_base(&reference, &[architecture("linux/s390x")], &place.cache).expect_err("not there");
    assert!(error.to_string().ends_with("has no image for linux/s390x; it has linux/amd64, linux/arm64"), "{error}");
}

/// A docker-archive as Docker up to 24 writes it: a folder a layer, the second a link when it is the same.
fn docker_archive(path: &Path, image: &Image, layers: &[(&str, &[u8])]) {
    let config = &image.images()[0].config;
    let config_name = format!("{}.json", config.descriptor.digest.hex());
    let names: Vec<_> = layers.iter().map(|(name, _)| *name).collect();
    let manifest = json!([{ "Config": config_name, "RepoTags": ["base:1", "base:2"], "Layers": names }]).to_string();
    let mut entries = vec![(config_name.as_str(), config.bytes.as_slice()), ("manifest.json", manifest.as_bytes())];
    entries.extend(layers);
    write_tar(path, &entries);
}

fn base_image(place: &Place) -> (Image, Vec<Vec<u8>>) {
    let image = fixture::base_archive(&place.path("fixture.tar"), &["linux/amd64"]);
    let tars = image.images()[0].layers.iter().map(tar_of).collect();
    (image, tars)
}

#[test]
fn a_docker_archive_is_read_with_links_and_gets_gzip_layers_from_the_cache() {
    let place = Place::new();
    let (image, tars) = base_image(&place);
    let path = place.path("save.tar");
    docker_archive(&path, &image, &[("a/layer.tar", b"-> ../b.tar"), ("c/layer.tar", &tars[1])]);
    let mut builder = fs::read(&path).expect("an archive");
    builder.truncate(builder.len() - 1024);
    fs::write(&path, builder).expect("room");
    write_tar(&place.path("more.tar"), &[("b.tar", &tars[0])]);
    let mut whole = fs::read(&path).expect("an archive");
    whole.extend(fs::read(place.path("more.tar")).expect("an archive"));
    fs::write(&path, whole).expect("room");
    for _ in 0..2 {
        let base = open(&place, "docker-archive", &path).expect("a base");
        assert_eq!(diff_ids(&base), expected_diff_ids(&image));
        for (layer, tar) in base.images()[0].layers.iter().zip(&tars) {
            assert_eq!(tar_of(layer), *tar);
        }
    }
    assert!(open(&place, "docker-archive", &PathBuf::from(format!("{}:base:2", path.display()))).is_ok());
    let missing = PathBuf::from(format!("{}:base:3", path.display()));
    let error = open(&place, "docker-archive", &missing).expect_err("no such tag");
    assert!(error.to_string().ends_with("holds no image with the tag `base:3`; it holds base:1, base:2"), "{error}");
}

#[test]
fn our_own_tarball_is_a_docker_archive_with_gzip_layers() {
    let place = Place::new();
    let image = fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
    let base = open(&place, "docker-archive", &place.path("base.tar")).expect("a base");
    let blobs = |layers: &[bootsmith::layer::Layer]| layers.iter().map(|layer| layer.packed).collect::<Vec<_>>();
    assert_eq!(blobs(&base.images()[0].layers), blobs(&image.images()[0].layers));
}

#[test]
fn a_docker_archive_with_other_bytes_is_refused() {
    let place = Place::new();
    let (image, tars) = base_image(&place);
    let path = place.path("save.tar");
    let mut damaged = tars[1].clone();
    damaged[700] ^= 1;
    docker_archive(&path, &image, &[("a.tar", &tars[0]), ("b.tar", &damaged)]);
    let text = fault(&place, "docker-archive", &path);
    assert!(
        text.starts_with("`BASE` is damaged or was tampered with: `b.tar` should have the digest sha256:"),
        "{text}"
    );
    docker_archive(&path, &image, &[("a.tar", &tars[0])]);
    let text = fault(&place, "docker-archive", &path);
    assert!(text.ends_with("it names 2 layers, the archive 1"), "{text}");
    for (name, content, reason) in [
        ("../evil", b"x".as_slice(), "its path leaves the archive"),
        ("/etc/passwd", b"x", "its path is absolute"),
        ("link", b"-> ../../etc/passwd", "its path leaves the archive"),
        ("a.tar", b"x", "its path occurs twice"),
    ] {
        docker_archive(&path, &image, &[("a.tar", &tars[0]), (name, content)]);
        let text = fault(&place, "docker-archive", &path);
        assert_eq!(text, format!("`BASE` has an invalid entry `{name}`: {reason}"));
    }
    docker_archive(&path, &image, &[("a.tar", b"-> b.tar"), ("b.tar", b"-> a.tar")]);
    assert!(fault(&place, "docker-archive", &path).ends_with("it is a circular link"));
}

/// A layout folder whose documents can be changed.
struct Layout {
    place: Place,
    folder: PathBuf,
    image: Image,
}

impl Layout {
    fn new() -> Self {
        let place = Place::new();
        let image = fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
        let folder = place.path("layout");
        fixture::unpack(&place.path("base.tar"), &folder);
        Self { place, folder, image }
    }

    fn blob(&self, digest: Digest) -> PathBuf {
        self.folder.join("blobs/sha256").join(digest.hex())
    }

    fn fault(&self) -> String {
        fault(&self.place, "oci", &self.folder)
    }

    /// Changes `index.json`.
    fn index(&self, change: impl FnOnce(&mut Value)) {
        let path = self.folder.join("index.json");
        let mut index = serde_json::from_slice(&fs::read(&path).expect("an index")).expect("JSON");
        change(&mut index);
        fs::write(path, index.to_string()).expect("room");
    }

    /// Changes the manifest, and the index so that it fits.
    fn manifest(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest = serde_json::from_slice(&self.image.images()[0].manifest.bytes).expect("JSON");
        change(&mut manifest);
        let bytes = manifest.to_string().into_bytes();
        let digest = Digest::of(&bytes);
        fs::write(self.blob(digest), &bytes).expect("room");
        self.index(|index| {
            index["manifests"][0]["digest"] = json!(digest);
            index["manifests"][0]["size"] = json!(bytes.len());
        });
    }
}

#[test]
fn a_flipped_byte_in_any_blob_is_refused() {
    let layout = Layout::new();
    let image = &layout.image.images()[0];
    let layers = image.layers.iter().map(|layer| layer.packed.blob.digest);
    for digest in [image.manifest.descriptor.digest, image.config.descriptor.digest].into_iter().chain(layers) {
        let path = layout.blob(digest);
        let good = fs::read(&path).expect("a blob");
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 4;
            fs::write(&path, bad).expect("room");
            let text = layout.fault();
            assert!(text.starts_with("`BASE` is damaged or was tampered with: the "), "{text}");
            assert!(text.contains(&format!("should have the digest {digest}, but has sha256:")), "{text}");
            assert!(text.ends_with("; hint: download or create the file again"), "{text}");
        }
        fs::write(&path, &good[1..]).expect("room");
        assert!(layout.fault().contains("bytes, but has"), "{}", layout.fault());
        fs::write(&path, good).expect("room");
    }
    assert!(open(&layout.place, "oci", &layout.folder).is_ok());
}

#[test]
fn a_layer_that_was_verified_before_is_not_trusted_after_a_change() {
    let layout = Layout::new();
    std::thread::sleep(std::time::Duration::from_millis(40));
    assert!(open(&layout.place, "oci", &layout.folder).is_ok());
    let path = layout.blob(layout.image.images()[0].layers[0].packed.blob.digest);
    let mut bytes = fs::read(&path).expect("a blob");
    bytes[20] ^= 1;
    fs::write(&path, bytes).expect("room");
    assert!(layout.fault().contains("is damaged or was tampered with"));
}

#[test]
fn what_is_no_digest_never_becomes_a_path() {
    let layout = Layout::new();
    layout.index(|index| index["manifests"][0]["digest"] = json!("sha256:../../../../etc/passwd"));
    let text = layout.fault();
    assert!(text.starts_with("`BASE` has an invalid"), "{text}");
}

type Change<'a> = &'a dyn Fn(&Layout);

#[test]
fn documents_that_do_not_fit_are_refused() {
    let wrong_diff_id = |layout: &Layout| {
        layout.manifest(|manifest| manifest["layers"].as_array_mut().expect("a list").reverse());
    };
    let zstd = |layout: &Layout| {
        layout.manifest(|manifest| {
            manifest["layers"][0]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+zstd");
        });
    };
    let short = |layout: &Layout| {
        layout.manifest(|manifest| drop(manifest["layers"].as_array_mut().expect("a list").pop()));
    };
    let missing = |layout: &Layout| {
        layout.manifest(|manifest| manifest["config"]["digest"] = json!(Digest::of(b"nothing")));
    };
    let empty = |layout: &Layout| layout.index(|index| index["manifests"] = json!([]));
    let no_index = |layout: &Layout| fs::remove_file(layout.folder.join("index.json")).expect("a file");
    let no_json = |layout: &Layout| fs::write(layout.folder.join("index.json"), "{").expect("room");
    let huge = |layout: &Layout| {
        fs::File::options()
            .write(true)
            .open(layout.folder.join("index.json"))
            .and_then(|file| file.set_len(9 << 20))
            .expect("room");
    };
    let cases: [(Change<'_>, &str); 8] = [
        (&wrong_diff_id, "is damaged or was tampered with: the unpacked form of the layer sha256:"),
        (
            &zstd,
            "has a layer of the unsupported media type `application/vnd.oci.image.layer.v1.tar+zstd`; hint: create it again with gzip layers",
        ),
        (&short, "it names 2 layers, its manifest 1"),
        (&missing, "`BASE` has no `blobs/sha256/"),
        (&empty, "`BASE` holds no image; it holds none with a tag"),
        (&no_index, "`BASE` has no `index.json`"),
        (&no_json, "`BASE` has an invalid `index.json`: EOF while parsing"),
        (&huge, "`BASE` is refused: the size of `index.json` exceeds the limit of 8388608"),
    ];
    for (change, expected) in cases {
        let layout = Layout::new();
        change(&layout);
        let text = layout.fault();
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_decompression_bomb_is_refused() {
    let layout = Layout::new();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 300 << 20), &mut encoder).expect("memory");
    let bomb = encoder.finish().expect("memory");
    let digest = Digest::of(&bomb);
    fs::write(layout.blob(digest), &bomb).expect("room");
    layout.manifest(|manifest| {
        manifest["layers"][0]["digest"] = json!(digest);
        manifest["layers"][0]["size"] = json!(bomb.len());
    });
    let text = layout.fault();
    assert_eq!(
        text,
        format!("`BASE` is refused: the unpacked size of the layer {digest} exceeds the limit of 268435456")
    );
}

#[test]
fn what_is_no_base_is_refused() {
    let place = Place::new();
    let path = place.path("base.tar");
    for (bytes, expected) in [
        (
            b"".as_slice(),
            "`BASE` is truncated: `a header` reaches beyond the end; hint: download or create the file again",
        ),
        (b"\x1f\x8b\x08\0\0\0\0", "`BASE` is compressed as a whole; decompress it first; hint: use the archive as"),
        (&[b'x'; 2000], "`BASE` is not a tar archive, or is damaged: "),
        (&[0; 2000], "`BASE` has no `oci-layout`"),
    ] {
        fs::write(&path, bytes).expect("room");
        let text = fault(&place, "oci", &path);
        assert!(text.starts_with(expected), "{text}");
    }
    assert_eq!(fault(&place, "oci", &place.path("nowhere")), "cannot read `BASE`");
    assert_eq!(fault(&place, "oci", Path::new("/dev/null")), "`BASE` is neither a folder nor a regular file");
    fixture::base_archive(&path, &["linux/amd64"]);
    let whole = fs::read(&path).expect("a tarball");
    fs::write(&path, &whole[..whole.len() - 1600]).expect("room");
    assert!(
        fault(&place, "oci", &path).starts_with("`BASE` is not a tar archive, or is damaged: "),
        "{}",
        fault(&place, "oci", &path)
    );
}

#[test]
fn missing_tools_are_named() {
    let place = Place::new();
    fixture::base_archive(&place.path("base.tar"), &["linux/amd64"]);
    let base = open(&place, "oci", &place.path("base.tar")).expect("a base");
    let shell = Tool::new("sh", [ToolPlace::File("/bin/sh".to_owned())]);
    let docker = Tool::new("docker", [ToolPlace::Command("docker".to_owned())]);
    let plugin = ToolPlace::DockerPlugin("docker-compose".to_owned());
    let compose = Tool::new("docker compose", [plugin, ToolPlace::Command("docker-compose".to_owned())]);
    let motd = Tool::new("motd", [ToolPlace::File("/etc/motd".to_owned())]);
    for _ in 0..2 {
        assert!(require_tools(&base, &[shell.clone(), docker.clone()], &place.cache).is_ok());
        let error = require_tools(&base, &[shell.clone(), compose.clone(), motd.clone()], &place.cache)
            .expect_err("no compose");
        let text = message(&error).replace(&place.path("base.tar").display().to_string(), "BASE");
        assert_eq!(
            text,
            "the base `oci:BASE` (linux/amd64) lacks docker compose, motd; hint: use a base that has them; searched in \
             /root/.docker/cli-plugins, /usr/local/lib/docker/cli-plugins, /usr/local/libexec/docker/cli-plugins, \
             /usr/lib/docker/cli-plugins, /usr/libexec/docker/cli-plugins, /usr/bin, /bin, /etc"
        );
    }
}
