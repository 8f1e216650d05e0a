//! Small images to test with.
//!
//! Takes in texts; gives out trees, layers, images, archives and layouts in a temporary folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bootsmith::contents;
use bootsmith::digest::Digest;
use bootsmith::epoch::Epoch;
use bootsmith::image::{Architecture, Base, Image, ImageReference, Settings, assemble};
use bootsmith::layer::{Layer, pack_in_memory};
use bootsmith::path::RelativePath;
use bootsmith::source::{LockFile, Source, SourceFault, Sources};
use bootsmith::store::{Cache, Receipt, write_archive};
use bootsmith::tree::{File, FileTree, Mode};

/// A folder and a cache that end with the test.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) cache: Cache,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, cache: Cache::temporary().expect("a cache") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A spec, and the files that it names, none of them executable; there is no lock.
pub(crate) fn sources(spec: &str, files: BTreeMap<String, Source>) -> Sources {
    Sources {
        spec_file: Arc::from("bootstrap.toml"),
        spec_text: Arc::from(spec),
        files,
        executables: BTreeSet::new(),
        lock: LockFile { name: Arc::from("bootstrap.lock"), text: Err(SourceFault::NotFound) },
    }
}

pub(crate) fn architecture(text: &str) -> Architecture {
    Architecture::parse(text).expect("an architecture of the test")
}

pub(crate) fn reference() -> ImageReference {
    ImageReference::parse("registry.example.com/shop/bootstrap:1.4.2").expect("a reference of the test")
}

pub(crate) fn tree(files: &[(&str, Mode, &str)]) -> FileTree {
    let mut tree = FileTree::default();
    for (path, mode, text) in files {
        let path = RelativePath::parse(path).expect("a path of the test");
        tree.insert(path, File { mode: *mode, bytes: text.as_bytes().into() }).expect("a path of its own");
    }
    tree
}

pub(crate) fn layer(role: &str, files: &[(&str, Mode, &str)]) -> Layer {
    pack_in_memory(role, &tree(files), Epoch::default()).expect("a tree that packs")
}

/// The layers of a small bootstrap image, `contents.json` in the last.
pub(crate) fn payload() -> Vec<Layer> {
    let entrypoint = [("bootstrap/bin/bootstrap", Mode::Executable, "#!/bin/sh\necho \"$@\"\n")];
    let release = [
        ("bootstrap/release", Mode::Plain, "version=1.4.2\n"),
        ("bootstrap/environments/production/compose.yaml", Mode::Plain, "services: {}\n"),
    ];
    let all: Vec<_> = entrypoint.iter().chain(&release).copied().collect();
    let contents = contents::to_json(&contents::list(&tree(&all)));
    let release: Vec<_> =
        release.into_iter().chain([(contents::CONTENTS_PATH, Mode::Plain, contents.as_str())]).collect();
    vec![layer("entrypoint", &entrypoint), layer("environments", &release)]
}

pub(crate) fn settings() -> Settings {
    let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let annotations = BTreeMap::from([
        text("io.bootsmith.environments", "production"),
        text("io.bootsmith.format", "1"),
        text("io.bootsmith.platform", "compose"),
        text("io.bootsmith.spec-digest", &Digest::of(b"").to_string()),
        text("org.opencontainers.image.created", &Epoch::default().to_string()),
        text("org.opencontainers.image.version", "1.4.2"),
    ]);
    Settings {
        entrypoint: vec!["/bootstrap/bin/bootstrap".to_owned()],
        command: vec!["help".to_owned()],
        environment: BTreeMap::from([text("BOOTSTRAP", "1")]),
        labels: annotations.clone(),
        annotations,
    }
}

/// A bootstrap image on a base.
pub(crate) fn image(base: &Base) -> Image {
    assemble(base, &payload(), &settings(), Epoch::default()).expect("an image")
}

/// A bootstrap image on nothing.
pub(crate) fn scratch_image(architectures: &[&str]) -> Image {
    let architectures: Vec<_> = architectures.iter().map(|text| architecture(text)).collect();
    image(&Base::scratch(&architectures).expect("a base"))
}

pub(crate) fn write(image: &Image, path: &Path) -> Receipt {
    write_archive(image, &reference(), path, &|_| ()).expect("a tarball")
}

/// An image to stand on: two layers, a shell and a docker, for the given architectures; written as an OCI layout in a tar.
pub(crate) fn base_archive(path: &Path, architectures: &[&str]) -> Image {
    let architectures: Vec<_> = architectures.iter().map(|text| architecture(text)).collect();
    let layers = [
        layer("system", &[("bin/sh", Mode::Executable, "a shell"), ("etc/motd", Mode::Plain, "hello")]),
        layer("docker", &[("usr/bin/docker", Mode::Executable, "a docker")]),
    ];
    let settings = Settings {
        environment: BTreeMap::from([
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ]),
        command: vec!["sh".to_owned()],
        labels: BTreeMap::from([
            ("org.opencontainers.image.title".to_owned(), "the base".to_owned()),
            ("vendor".to_owned(), "base".to_owned()),
        ]),
        ..Settings::default()
    };
    let base = Base::scratch(&architectures).expect("a base");
    let image = assemble(&base, &layers, &settings, Epoch::default()).expect("an image");
    write(&image, path);
    image
}

/// The same image as a folder.
pub(crate) fn unpack(archive: &Path, folder: &Path) {
    let file = fs::File::open(archive).expect("a tarball");
    tar::Archive::new(file).unpack(folder).expect("room");
}

/// A tar of the given entries; a content that starts with `-> ` is a symbolic link, one with `=> ` a hard link.
pub(crate) fn write_tar(path: &Path, entries: &[(&str, &[u8])]) {
    let mut builder = tar::Builder::new(fs::File::create(path).expect("a file"));
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        let link = [(&b"-> "[..], tar::EntryType::Symlink), (&b"=> "[..], tar::EntryType::Link)];
        let link = link.into_iter().find_map(|(mark, kind)| content.strip_prefix(mark).map(|target| (target, kind)));
        if let Some((target, kind)) = link {
            header.set_entry_type(kind);
            header.set_size(0);
            let target = std::str::from_utf8(target).expect("a target of the test");
            builder.append_link(&mut header, name, target).expect("room");
        } else {
            header.set_size(content.len() as u64);
            // Not `append_data`, which refuses names that leave.
            header.as_gnu_mut().expect("a GNU header").name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, *content).expect("room");
        }
    }
    builder.finish().expect("room");
}

/// The uncompressed bytes of a layer.
pub(crate) fn tar_of(layer: &Layer) -> Vec<u8> {
    let mut bytes = Vec::new();
    let reader = layer.content.reader().expect("verified bytes");
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(reader), &mut bytes).expect("our own gzip");
    bytes
}

/// The files of a layer whose contents are texts.
pub(crate) fn files_of(layer: &Layer) -> BTreeMap<String, String> {
    let bytes = tar_of(layer);
    let mut archive = tar::Archive::new(&bytes[..]);
    let entries = archive.entries().expect("our own tar").map(|entry| entry.expect("our own tar"));
    let files = entries.filter(|entry| entry.header().entry_type().is_file()).map(|mut entry| {
        let path = entry.path().expect("a path").display().to_string();
        (path, std::io::read_to_string(&mut entry).expect("a text"))
    });
    files.collect()
}

pub(crate) fn digest_of_file(path: &Path) -> String {
    Digest::of(&fs::read(path).expect("a file")).to_string()
}

/// An error with its hint and its causes, as a user would see them.
pub(crate) fn message(error: &bootsmith::store::StoreError) -> String {
    let hint = error.hint().map(|hint| format!("; hint: {hint}")).unwrap_or_default();
    format!("{error}{hint}")
}
