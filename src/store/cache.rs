//! The content cache: what was packed, verified or written before need not be done again.
//!
//! Takes in a folder; gives out layers, and records by key. Everything in it can be made again: an entry that is missing, damaged or
//! half-written counts as absent, and one that cannot be written is done without. Names are digests and files appear by rename, so
//! that builds may share a cache at the same time.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::Pulled;
use super::StoreError;
use super::disk::{self, AtomicFile, Stamp};
use crate::digest::{Descriptor, Digest, Hasher};
use crate::epoch::Epoch;
use crate::layer::content::{Content, FileSlice, SliceState};
use crate::layer::gzip::COMPRESSOR;
use crate::layer::{self, Layer, PackError, Packed};
use crate::tree::{File, FileTree};

/// A folder of things that need not be done again.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    /// Removes the folder of a temporary cache.
    _folder: Option<TempDir>,
}

/// Raised when the meaning of an entry changes.
const FORMAT: &str = "1";
/// Blobs up to this size are hashed whenever they are used; larger ones are trusted by their stamp.
const SMALL_SIZE: u64 = 4 * 1024 * 1024;

/// What a record is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Tree → digests of the packed layer.
    Packed,
    /// Digest of a blob or a tar → digests of the layer.
    Layer,
    /// Digest of a tar → the paths in it.
    Listing,
    /// State of a part of a file → its digest.
    Stamp,
    /// Layers and wanted tools → tools that are missing.
    Tools,
    /// Output path and content → state of the file that has it.
    Output,
}

/// A part of a file, seen before it is read.
#[derive(Debug)]
pub(super) struct Sight {
    stamp: Stamp,
    is_settled: bool,
    key: Digest,
}

impl Sight {
    /// Takes the time: what is changed from now on must show.
    pub(super) fn of(state: &SliceState) -> Self {
        let stamp = Stamp::from(&state.metadata);
        let key = Digest::of(format!("{stamp:?} {} {}", state.offset, state.size).as_bytes());
        Self { stamp, is_settled: stamp.is_settled(), key }
    }
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::Layer => "layers",
            Self::Listing => "listings",
            Self::Stamp => "stamps",
            Self::Tools => "tools",
            Self::Output => "outputs",
        }
    }
}

impl Cache {
    /// Uses a folder, which is created when it is missing.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let root = root.join(FORMAT);
        disk::create_folder(&root)?;
        Ok(Self { root, _folder: None })
    }

    /// A cache that ends with this value.
    pub fn temporary() -> Result<Self, StoreError> {
        let folder = tempfile::tempdir().map_err(StoreError::disk("create a folder in", &std::env::temp_dir()))?;
        Ok(Self { root: folder.path().to_owned(), _folder: Some(folder) })
    }

    /// What was taken from registries.
    pub fn pulled(&self) -> Pulled<'_> {
        Pulled::new(self.root.join("registries"), self)
    }

    /// The layer of a tree, packed now or before.
    pub fn layer(&self, role: &str, tree: &FileTree, epoch: Epoch) -> Result<Layer, StoreError> {
        let key = tree_key(tree, epoch);
        if let Some(layer) = self.packed_before(role, key) {
            return Ok(layer);
        }
        let failed = |source| StoreError::Pack { role: role.to_owned(), source };
        match self.write_blob(|sink| layer::pack(tree, epoch, sink)) {
            Ok((packed, content)) => {
                self.put(Kind::Packed, key, &packed);
                Ok(Layer { role: role.to_owned(), packed, content })
            }
            Err(error @ PackError::FileIsFolder(_)) => Err(failed(error)),
            Err(PackError::Write(_)) => layer::pack_in_memory(role, tree, epoch).map_err(failed),
        }
    }

    fn packed_before(&self, role: &str, key: Digest) -> Option<Layer> {
        let packed: Packed = self.get(Kind::Packed, key)?;
        let content = self.blob(packed.blob)?;
        Some(Layer { role: role.to_owned(), packed, content })
    }

    /// A blob that is in the cache, verified.
    pub(super) fn blob(&self, expected: Descriptor) -> Option<Content> {
        let slice = disk::open(&self.blob_path(expected.digest)).ok().filter(|slice| slice.size() == expected.size)?;
        if expected.size > SMALL_SIZE {
            return self
                .digest_of(&slice)
                .is_ok_and(|digest| digest == expected.digest)
                .then_some(Content::File(slice));
        }
        let mut bytes = Vec::new();
        slice.reader().read_to_end(&mut bytes).ok()?;
        (Digest::of(&bytes) == expected.digest).then(|| Content::from(bytes))
    }

    /// Writes a blob by a function that packs or compresses into the writer it is given.
    pub(super) fn write_blob<E: From<io::Error>>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<Packed, E>,
    ) -> Result<(Packed, Content), E> {
        let folder = self.root.join("blobs");
        fs::create_dir_all(&folder)?;
        let mut file = AtomicFile::create(&folder.join("blob")).map_err(into_io)?;
        let packed = write(file.as_file())?;
        let path = self.blob_path(packed.blob.digest);
        let large = packed.blob.size > SMALL_SIZE;
        file.rename_target(&path);
        if large { file.complete() } else { file.complete_unsynced() }.map_err(into_io)?;
        let slice = disk::open(&path).map_err(into_io)?;
        if slice.size() != packed.blob.size {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        }
        Ok((packed, Content::File(slice)))
    }

    fn blob_path(&self, digest: Digest) -> PathBuf {
        self.root.join("blobs").join(digest.hex())
    }

    /// The digest of a part of a file: hashed, unless the file is in the state in which it was hashed before.
    pub(super) fn digest_of(&self, slice: &FileSlice) -> io::Result<Digest> {
        let before = Sight::of(&slice.state()?);
        if let Some(digest) = self.trusted_digest(&before) {
            return Ok(digest);
        }
        let digest = slice.digest()?;
        self.trust(&before, &slice.state()?, digest);
        Ok(digest)
    }

    /// The digest of a part of a file that is in the state in which it was hashed before.
    pub(super) fn trusted_digest(&self, sight: &Sight) -> Option<Digest> {
        self.get(Kind::Stamp, sight.key)
    }

    /// Records the digest of a part of a file that was hashed between two looks at its state, when that tells of every change.
    pub(super) fn trust(&self, before: &Sight, after: &SliceState, digest: Digest) {
        if before.is_settled && Stamp::from(&after.metadata) == before.stamp {
            self.put(Kind::Stamp, before.key, &digest);
        }
    }

    /// What was recorded, when it is there and undamaged.
    pub(super) fn get<T: DeserializeOwned>(&self, kind: Kind, key: Digest) -> Option<T> {
        let text = fs::read_to_string(self.record_path(kind, key)).ok()?;
        let (checksum, body) = text.split_once('\n')?;
        if Digest::parse(checksum).ok()? != record_checksum(key, body) {
            return None;
        }
        serde_json::from_str(body).ok()
    }

    /// Records something; a failure only means that it is done again.
    pub(super) fn put(&self, kind: Kind, key: Digest, value: &impl Serialize) {
        let path = self.record_path(kind, key);
        let Ok(body) = serde_json::to_string(value) else {
            return;
        };
        let text = format!("{}\n{body}", record_checksum(key, &body));
        let written = disk::create_folder(&self.root.join(kind.folder())).and_then(|()| {
            let mut file = AtomicFile::create(&path)?;
            file.as_file().write_all(text.as_bytes()).map_err(StoreError::disk("write", &path))?;
            file.complete_unsynced()
        });
        drop(written);
    }

    fn record_path(&self, kind: Kind, key: Digest) -> PathBuf {
        self.root.join(kind.folder()).join(key.hex())
    }
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

/// Everything that decides the bytes of a layer, lengths before contents so that nothing can be moved between them.
fn tree_key(tree: &FileTree, epoch: Epoch) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(format!("{COMPRESSOR}\n{}\n", epoch.seconds()).as_bytes());
    for (path, File { mode, bytes }) in tree.iter() {
        hasher.update(format!("{} {path} {:o} {}\n", path.as_str().len(), mode.bits(), bytes.len()).as_bytes());
        hasher.update(bytes);
    }
    hasher.complete().digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RelativePath;
    use crate::tree::Mode;

    fn tree(text: &str) -> FileTree {
        let mut tree = FileTree::default();
        let path = RelativePath::parse("bootstrap/release").expect("a path of the test");
        tree.insert(path, File { mode: Mode::Plain, bytes: text.as_bytes().into() }).expect("a path of its own");
        tree
    }

    fn bytes(layer: &Layer) -> Vec<u8> {
        let mut bytes = Vec::new();
        layer.content.reader().expect("readable content").read_to_end(&mut bytes).expect("readable content");
        bytes
    }

    #[test]
    fn a_cached_layer_is_the_packed_layer() {
        let cache = Cache::temporary().expect("a cache");
        let fresh = layer::pack_in_memory("x", &tree("a"), Epoch::default()).expect("a layer");
        for _ in 0..3 {
            let layer = cache.layer("x", &tree("a"), Epoch::default()).expect("a layer");
            assert_eq!((layer.packed, bytes(&layer)), (fresh.packed, bytes(&fresh)));
        }
        assert_ne!(cache.layer("x", &tree("b"), Epoch::default()).expect("a layer").packed, fresh.packed);
    }

    #[test]
    fn a_damaged_blob_or_record_is_made_again() {
        let cache = Cache::temporary().expect("a cache");
        let fresh = cache.layer("x", &tree("a"), Epoch::default()).expect("a layer");
        let expected = bytes(&fresh);
        let blob = cache.blob_path(fresh.packed.blob.digest);
        let record = cache.record_path(Kind::Packed, tree_key(&tree("a"), Epoch::default()));
        for damaged in [&blob, &record] {
            let good = fs::read(damaged).expect("an entry");
            for bad in [Vec::new(), good[1..].to_vec(), vec![b'x'; good.len()]] {
                fs::write(damaged, bad).expect("room");
                let layer = cache.layer("x", &tree("a"), Epoch::default()).expect("a layer");
                assert_eq!(bytes(&layer), expected);
                assert_eq!(fs::read(damaged).ok(), Some(good.clone()), "healed");
            }
        }
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_done_without() {
        let cache = Cache::temporary().expect("a cache");
        fs::write(cache.root.join("blobs"), b"a file in the way").expect("room");
        fs::write(cache.root.join("packed"), b"a file in the way").expect("room");
        let layer = cache.layer("x", &tree("a"), Epoch::default()).expect("a layer");
        assert_eq!(Descriptor::of(&bytes(&layer)), layer.packed.blob);
    }

    #[test]
    fn two_builds_share_a_cache() {
        let cache = Cache::temporary().expect("a cache");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for round in 0..20 {
                        let layer = cache.layer("x", &tree(&round.to_string()), Epoch::default()).expect("a layer");
                        assert_eq!(Descriptor::of(&bytes(&layer)), layer.packed.blob);
                    }
                });
            }
        });
    }

    #[test]
    fn a_changed_file_is_hashed_again() {
        let cache = Cache::temporary().expect("a cache");
        let path = cache.root.join("file");
        fs::write(&path, b"one").expect("room");
        std::thread::sleep(std::time::Duration::from_millis(40));
        let digest = |cache: &Cache| cache.digest_of(&disk::open(&path).expect("a file")).expect("a digest");
        assert_eq!((digest(&cache), digest(&cache)), (Digest::of(b"one"), Digest::of(b"one")));
        assert_eq!(fs::read_dir(cache.root.join("stamps")).expect("a folder").count(), 1, "the state is recorded");
        fs::write(&path, b"two").expect("room");
        assert_eq!(digest(&cache), Digest::of(b"two"));
    }
}
