//! The content cache: what was compressed, looked through or pulled before need not be done again.
//!
//! Takes in a folder; gives out layers, and records by key. Everything in it can be made again: an entry that is missing, damaged or
//! half-written counts as absent, and one that cannot be written is done without. Names are digests and files appear by rename, so
//! that builds may share a cache at the same time. Nothing in it decides a byte of an image: a blob is used when it unpacks to the tar that
//! was made or verified just now, and the digest of a file is never taken from a record.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::MultiGzDecoder;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::disk::AtomicFile;
use super::{MAKE_TEMPORARY, StoreError, private};
use crate::digest::{Descriptor, Digest};
use crate::epoch::Epoch;
use crate::layer::concurrent::hash_concurrently;
use crate::layer::content::Content;
use crate::layer::gzip::COMPRESSOR;
use crate::layer::slice::FileSlice;
use crate::layer::unverified::{Origin, Unverified};
use crate::layer::{self, Layer, PackError, Packed};
use crate::tree::FileTree;

/// A folder of things that need not be done again.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    /// Whether something could not be kept that had to be.
    has_failed: AtomicBool,
    /// Removes the folder of a temporary cache.
    folder: Option<TempDir>,
}

/// Raised when the meaning of an entry changes.
const FORMAT: &str = "1";
/// Blobs up to this size are held in memory; larger ones are read again, and verified again, when they are copied.
const SMALL_SIZE: u64 = 4 * 1024 * 1024;
/// As much as is written to see whether there is room for anything at all.
const TRIAL_SIZE: usize = 4096;

/// What a record is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Digest of a blob or a tar → digests of the layer.
    Layer,
    /// Digest of a tar → the paths in it.
    Listing,
    /// Layers and wanted tools → tools that are missing.
    Tools,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            // Not `layers` and `listings`, as they were when nobody looked at the paths of a layer.
            Self::Layer => "checked-layers",
            Self::Listing => "checked-listings",
            Self::Tools => "tools",
        }
    }
}

impl Cache {
    /// Uses a folder, which is created when it is missing; it must belong to this user, be writable for nobody else, and have room.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        private::make_folder(root)?;
        let root = private::folder_below(root, FORMAT)?;
        try_to_write(&root).map_err(StoreError::disk("write to", &root))?;
        Ok(Self { root, has_failed: AtomicBool::new(false), folder: None })
    }

    /// A cache that ends with this value.
    pub fn temporary() -> Result<Self, StoreError> {
        let folder = tempfile::tempdir().map_err(StoreError::disk(MAKE_TEMPORARY, &std::env::temp_dir()))?;
        Ok(Self { root: folder.path().to_owned(), has_failed: AtomicBool::new(false), folder: Some(folder) })
    }

    /// Whether something could not be kept that had to be, in a folder that another one can take the place of.
    pub(crate) fn can_be_replaced(&self) -> bool {
        self.folder.is_none() && self.has_failed.load(Ordering::Relaxed)
    }

    /// Something that had to be kept could not be.
    pub(super) fn failed(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    /// A folder of the cache, made where it is missing.
    pub(super) fn folder(&self, names: &str) -> Result<PathBuf, StoreError> {
        private::folder_below(&self.root, names)
    }

    /// The same folder, whether it is there or not.
    pub(super) fn path_of(&self, names: &str) -> PathBuf {
        self.root.join(names)
    }

    /// The layer of a tree. Its tar is made now, whatever the cache holds; its compressed form may come from there.
    pub fn layer(&self, role: &str, tree: &FileTree, epoch: Epoch) -> Result<Layer, StoreError> {
        let failed = |source| StoreError::Pack { role: role.to_owned(), source };
        let tar = layer::describe_tar(tree, epoch).map_err(failed)?;
        if let Some((packed, content)) = self.compressed(tar) {
            return Ok(Layer { role: role.to_owned(), packed, content });
        }
        let mut bytes = Vec::new();
        let packed = layer::pack(tree, epoch, &mut bytes).map_err(failed)?;
        // Another build makes it again when it cannot be kept.
        let _ = self.keep(&packed, &bytes);
        Ok(Layer { role: role.to_owned(), packed, content: Content::from(bytes) })
    }

    fn keep(&self, packed: &Packed, bytes: &[u8]) -> Result<(), PackError> {
        let mut file = self.new_blob()?;
        file.as_file().write_all(bytes)?;
        self.name_blob(file, packed)
    }

    /// The compressed form of a tar, when one is here that unpacks to it.
    pub(super) fn compressed(&self, tar: Descriptor) -> Option<(Packed, Content)> {
        let packed: Packed = self.get(Kind::Layer, compressed_key(tar)).filter(|packed: &Packed| packed.tar == tar)?;
        let path = self.blob_path(packed.blob.digest).ok()?;
        let slice = private::open(&path).ok().filter(|slice| slice.size() == packed.blob.size)?;
        if slice.size() <= SMALL_SIZE {
            let mut bytes = Vec::new();
            slice.reader().read_to_end(&mut bytes).ok()?;
            return (unpacked(bytes.as_slice(), tar.size)? == packed).then(|| (packed, Content::from(bytes)));
        }
        (unpacked(slice.reader(), tar.size)? == packed).then(|| (packed, blob_content(slice, &path, packed)))
    }

    /// Writes the compressed form of a tar by a function that is given a writer, into the cache, or else into a file without a name.
    pub(super) fn compress<E: From<io::Error>>(
        &self,
        write: impl Fn(&mut dyn Write) -> Result<Packed, E>,
    ) -> Result<(Packed, Content), E> {
        if let Ok((packed, content)) = self.compress_into_cache(&write) {
            return Ok((packed, content));
        }
        let mut file = tempfile::tempfile()?;
        let packed = write(&mut file)?;
        let slice = FileSlice::whole(file, packed.blob.size);
        Ok((packed, blob_content(slice, &std::env::temp_dir(), packed)))
    }

    fn compress_into_cache<E: From<io::Error>>(
        &self,
        write: impl Fn(&mut dyn Write) -> Result<Packed, E>,
    ) -> Result<(Packed, Content), E> {
        let mut file = self.new_blob()?;
        let packed = write(file.as_file())?;
        let path = self.blob_path(packed.blob.digest).map_err(into_io)?;
        self.name_blob(file, &packed)?;
        let slice = private::open(&path).map_err(into_io)?;
        Ok((packed, blob_content(slice, &path, packed)))
    }

    fn new_blob(&self) -> io::Result<AtomicFile> {
        let folder = self.folder("blobs").map_err(into_io)?;
        AtomicFile::create(&folder.join("blob")).map_err(into_io)
    }

    /// Whoever uses it unpacks it first, so nobody has to wait for the disk.
    fn name_blob<E: From<io::Error>>(&self, mut file: AtomicFile, packed: &Packed) -> Result<(), E> {
        file.rename_target(&self.blob_path(packed.blob.digest).map_err(into_io)?);
        file.complete_unsynced().map_err(into_io)?;
        self.put(Kind::Layer, compressed_key(packed.tar), packed);
        Ok(())
    }

    fn blob_path(&self, digest: Digest) -> Result<PathBuf, StoreError> {
        Ok(self.folder("blobs")?.join(digest.hex()))
    }

    /// What was recorded, when it is there and undamaged.
    pub(super) fn get<T: DeserializeOwned>(&self, kind: Kind, key: Digest) -> Option<T> {
        let text = private::read_text(&self.record_path(kind, key).ok()?)?;
        let (checksum, body) = text.split_once('\n')?;
        if Digest::parse(checksum).ok()? != record_checksum(key, body) {
            return None;
        }
        serde_json::from_str(body).ok()
    }

    /// Records something; a failure only means that it is done again.
    pub(super) fn put(&self, kind: Kind, key: Digest, value: &impl Serialize) {
        let Ok(body) = serde_json::to_string(value) else {
            return;
        };
        let text = format!("{}\n{body}", record_checksum(key, &body));
        let written = self.record_path(kind, key).and_then(|path| {
            let mut file = AtomicFile::create(&path)?;
            file.as_file().write_all(text.as_bytes()).map_err(StoreError::disk("write", &path))?;
            file.complete_unsynced()
        });
        drop(written);
    }

    fn record_path(&self, kind: Kind, key: Digest) -> Result<PathBuf, StoreError> {
        Ok(self.folder(kind.folder())?.join(key.hex()))
    }
}

/// Whether there is room for anything: a folder on a disk that is full or read-only can be there all the same.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    file.write_all(&[0; TRIAL_SIZE])
}

/// One compressor, one blob: another one's are not used.
fn compressed_key(tar: Descriptor) -> Digest {
    Digest::of(format!("{COMPRESSOR} {}", tar.digest).as_bytes())
}

/// What a blob is: itself, and the tar that it unpacks to, if that is no longer than it should be.
fn unpacked(blob: impl Read, tar_size: u64) -> Option<Packed> {
    let ((copied, tar), blob) = hash_concurrently(blob, |mut blob| {
        let decoder = MultiGzDecoder::new(io::BufReader::with_capacity(128 * 1024, &mut blob)).take(tar_size + 1);
        hash_concurrently(decoder, |tar| io::copy(tar, &mut io::sink()))
    });
    copied.ok().map(|_| Packed { tar, blob })
}

fn blob_content(slice: FileSlice, path: &Path, packed: Packed) -> Content {
    let origin = Origin { path: path.to_owned(), what: "a compressed layer".to_owned() };
    Content::File(Unverified::new(slice, packed.blob.digest, origin))
}

fn record_checksum(key: Digest, body: &str) -> Digest {
    Digest::of(format!("{key}\n{body}").as_bytes())
}

fn into_io(error: StoreError) -> io::Error {
    match error {
        StoreError::Disk { source, .. } => source,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::path::RelativePath;
    use crate::tree::{File, Mode};

    fn tree_of_mode(text: &str, mode: Mode) -> FileTree {
        let mut tree = FileTree::default();
        let path = RelativePath::parse("bootstrap/release").expect("a path of the test");
        tree.insert(path, File { mode, bytes: text.as_bytes().into() }).expect("a path of its own");
        tree
    }

    fn tree(text: &str) -> FileTree {
        tree_of_mode(text, Mode::Plain)
    }

    fn layer(cache: &Cache, tree: &FileTree) -> Layer {
        cache.layer("x", tree, Epoch::default()).expect("a layer")
    }

    fn fresh(tree: &FileTree) -> Layer {
        layer::pack_in_memory("x", tree, Epoch::default()).expect("a layer")
    }

    fn bytes(layer: &Layer) -> Vec<u8> {
        let mut bytes = Vec::new();
        layer.content.reader().expect("readable content").read_to_end(&mut bytes).expect("readable content");
        bytes
    }

    /// The files in which a layer is kept.
    fn kept(cache: &Cache, packed: &Packed) -> [PathBuf; 2] {
        let record = cache.record_path(Kind::Layer, compressed_key(packed.tar)).expect("a folder");
        [cache.blob_path(packed.blob.digest).expect("a folder"), record]
    }

    #[test]
    fn a_cached_layer_is_the_packed_layer() {
        let cache = Cache::temporary().expect("a cache");
        let expected = fresh(&tree("a"));
        for _ in 0..3 {
            let layer = layer(&cache, &tree("a"));
            assert_eq!((layer.packed, bytes(&layer)), (expected.packed, bytes(&expected)));
        }
        assert_eq!(cache.compressed(expected.packed.tar).map(|(packed, _)| packed), Some(expected.packed), "kept");
        assert_ne!(layer(&cache, &tree("b")).packed, expected.packed);
    }

    #[test]
    fn a_mode_alone_makes_another_layer() {
        let cache = Cache::temporary().expect("a cache");
        for mode in [Mode::Plain, Mode::Executable] {
            for _ in 0..2 {
                let (tree, expected) = (tree_of_mode("a", mode), fresh(&tree_of_mode("a", mode)));
                assert_eq!(bytes(&layer(&cache, &tree)), bytes(&expected), "{mode:?}");
            }
        }
    }

    #[test]
    fn a_damaged_blob_or_record_is_made_again() {
        let cache = Cache::temporary().expect("a cache");
        let expected = layer(&cache, &tree("a"));
        for damaged in kept(&cache, &expected.packed) {
            let good = fs::read(&damaged).expect("an entry");
            for bad in [Vec::new(), good[1..].to_vec(), vec![b'x'; good.len()]] {
                fs::write(&damaged, bad).expect("room");
                assert_eq!(bytes(&layer(&cache, &tree("a"))), bytes(&expected));
                assert_eq!(fs::read(&damaged).ok(), Some(good.clone()), "healed");
            }
        }
    }

    #[test]
    fn a_record_that_names_another_blob_is_not_believed() {
        let cache = Cache::temporary().expect("a cache");
        let (good, evil) = (layer(&cache, &tree("good")).packed, layer(&cache, &tree("evil")).packed);
        // With the right checksum, as somebody writes it who may write to the cache, and whatever it says of the tar.
        for tar in [evil.tar, good.tar] {
            cache.put(Kind::Layer, compressed_key(good.tar), &Packed { tar, blob: evil.blob });
            assert!(cache.compressed(good.tar).is_none());
            assert_eq!(bytes(&layer(&cache, &tree("good"))), bytes(&fresh(&tree("good"))));
        }
    }

    #[test]
    fn a_blob_that_unpacks_to_more_than_it_should_is_not_unpacked_further() {
        let cache = Cache::temporary().expect("a cache");
        let good = layer(&cache, &tree("good")).packed;
        let bomb = layer(&cache, &tree(&"0".repeat(10_000_000))).packed;
        cache.put(Kind::Layer, compressed_key(good.tar), &Packed { tar: good.tar, blob: bomb.blob });
        let [blob, _] = kept(&cache, &bomb);
        let read = unpacked(private::open(&blob).expect("a blob").reader(), good.tar.size).expect("a gzip");
        assert_eq!(read.tar.size, good.tar.size + 1);
        assert!(cache.compressed(good.tar).is_none());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_done_without() {
        let cache = Cache::temporary().expect("a cache");
        fs::write(cache.root.join("blobs"), b"a file in the way").expect("room");
        fs::write(cache.root.join("checked-layers"), b"a file in the way").expect("room");
        let layer = layer(&cache, &tree("a"));
        assert_eq!(Descriptor::of(&bytes(&layer)), layer.packed.blob);
        let (packed, content) = cache.compress(|sink| layer::compress(&b"a tar"[..], sink)).expect("a temporary file");
        assert_eq!((packed.tar, content.reader().is_ok()), (Descriptor::of(b"a tar"), true));
    }

    #[test]
    fn two_builds_share_a_cache() {
        let cache = Cache::temporary().expect("a cache");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..20 {
                        let layer = layer(&cache, &tree(&round.to_string()));
                        assert_eq!(Descriptor::of(&bytes(&layer)), layer.packed.blob);
                    }
                });
            }
        });
    }
}
