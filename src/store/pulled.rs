//! Images that were pulled from registries, stored by digest.
//!
//! Takes in bytes as they come, by several processes at once; gives out layouts that are read like any other, so that everything is verified
//! again when it is used. A blob has its name when it has its digest, and not before. An interrupted download resumes; a process
//! that needs a blob that another one is receiving waits for it.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::cache::Cache;
use super::container::MAX_DOCUMENT_SIZE;
use super::disk::replace;
use super::{KEEP, StoreError, private};
use crate::digest::{Descriptor, Digest, Hasher};
use crate::layer::content::Content;
use crate::layer::slice::FileSlice;
use crate::layer::unverified::{Origin, Unverified};

/// Blobs of registries, and layouts of images that consist of them.
#[derive(Debug)]
pub struct Pulled<'a> {
    cache: &'a Cache,
}

/// A partly received blob, locked against other processes.
pub struct Incoming<'a> {
    cache: &'a Cache,
    /// Locked as long as this value lives; the system unlocks it when a process ends, however that happens.
    _lock: File,
    file: File,
    partial: PathBuf,
    target: PathBuf,
    expected: Descriptor,
    hasher: Hasher,
}

/// How much is read at once of what came before.
const BLOCK_SIZE: usize = 256 * 1024;

/// Below the folder of the cache.
const BLOBS: &str = "registries/blobs/sha256";
const IMAGES: &str = "registries/images";
const INCOMING: &str = "registries/incoming";

impl Cache {
    /// What was taken from registries.
    pub fn pulled(&self) -> Pulled<'_> {
        Pulled { cache: self }
    }
}

impl<'a> Pulled<'a> {
    /// The layout of the image that a digest names, whether it is there or not.
    pub fn layout(&self, image: Digest) -> PathBuf {
        self.cache.path_of(IMAGES).join(image.hex())
    }

    /// Whether a blob is there as it should be. One that is not counts as absent, and is fetched again.
    pub fn has(&self, blob: Descriptor) -> bool {
        let slice = self.open(blob.digest).ok().filter(|slice| slice.size() == blob.size);
        slice.is_some_and(|slice| slice.digest().is_ok_and(|digest| digest == blob.digest))
    }

    /// A manifest, index or configuration that is there as it should be.
    pub fn document(&self, digest: Digest) -> Option<Vec<u8>> {
        let slice = self.open(digest).ok().filter(|slice| slice.size() <= MAX_DOCUMENT_SIZE)?;
        let mut bytes = Vec::new();
        slice.reader().read_to_end(&mut bytes).ok()?;
        (Digest::of(&bytes) == digest).then_some(bytes)
    }

    /// The bytes of a blob that is there; they are verified when they are used.
    pub fn content(&self, blob: Descriptor) -> Result<Content, StoreError> {
        let origin = Origin { path: self.path(blob.digest)?, what: format!("the blob {}", blob.digest) };
        Ok(Content::File(Unverified::new(self.open(blob.digest)?, blob.digest, origin)))
    }

    /// Keeps a manifest, index or configuration.
    pub fn keep(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.kept(|| replace(&self.path(Digest::of(bytes))?, bytes))
    }

    /// Makes a layout of an image whose documents are here.
    pub fn name(&self, image: Descriptor, media_type: &str) -> Result<(), StoreError> {
        self.kept(|| {
            let layout = self.cache.folder(&format!("{IMAGES}/{}", image.digest.hex()))?;
            replace(&layout.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
            link(&layout.join("blobs")).map_err(StoreError::disk(KEEP, &layout))?;
            replace(&layout.join("index.json"), &index_of(image, media_type))
        })
    }

    /// Whether there is a layout of an image, and of no other.
    pub fn is_named(&self, image: Descriptor, media_type: &str) -> bool {
        let layout = self.cache.folder(&format!("{IMAGES}/{}", image.digest.hex()));
        let index = layout.ok().and_then(|layout| {
            let leads_to_blobs = fs::read_link(layout.join("blobs")).is_ok_and(|target| target == Path::new(TO_BLOBS));
            private::read_text(&layout.join("index.json")).filter(|_| leads_to_blobs)
        });
        index.is_some_and(|index| index.as_bytes() == index_of(image, media_type))
    }

    /// Begins to receive a blob, or goes on; `None` when it is there meanwhile.
    pub fn receive(&self, blob: Descriptor) -> Result<Option<Incoming<'a>>, StoreError> {
        self.kept(|| {
            let folder = self.cache.folder(INCOMING)?;
            let lock_path = folder.join(format!("{}.lock", blob.digest.hex()));
            let lock = private::open_to_write(&lock_path).map_err(StoreError::disk(KEEP, &lock_path))?;
            lock.lock().map_err(StoreError::disk("lock", &lock_path))?;
            if self.has(blob) {
                return Ok(None);
            }
            let partial = folder.join(blob.digest.hex());
            let file = private::open_to_write(&partial).map_err(StoreError::disk(KEEP, &partial))?;
            let (target, hasher) = (self.path(blob.digest)?, Hasher::default());
            let mut incoming =
                Incoming { cache: self.cache, _lock: lock, file, partial, target, expected: blob, hasher };
            incoming.take_up().map_err(StoreError::disk("read", &incoming.partial))?;
            Ok(Some(incoming))
        })
    }

    /// Who needs to keep something and cannot, needs another cache.
    fn kept<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        work().inspect_err(|_| self.cache.failed())
    }

    fn open(&self, digest: Digest) -> Result<FileSlice, StoreError> {
        private::open(&self.path(digest)?)
    }

    fn path(&self, digest: Digest) -> Result<PathBuf, StoreError> {
        Ok(self.cache.folder(BLOBS)?.join(digest.hex()))
    }
}

/// The index of a layout of one image.
fn index_of(image: Descriptor, media_type: &str) -> Vec<u8> {
    let entry = json!({ "mediaType": media_type, "digest": image.digest.to_string(), "size": image.size });
    json!({ "schemaVersion": 2, "manifests": [entry] }).to_string().into_bytes()
}

impl Incoming<'_> {
    /// How many bytes are here.
    pub fn position(&self) -> u64 {
        self.hasher.size()
    }

    /// Adds the next bytes; `false` when there are more than there should be.
    pub fn write(&mut self, bytes: &[u8]) -> Result<bool, StoreError> {
        if self.position() + bytes.len() as u64 > self.expected.size {
            return Ok(false);
        }
        self.file.write_all(bytes).map_err(|error| self.fault(error))?;
        self.hasher.update(bytes);
        Ok(true)
    }

    /// Begins at the start.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.hasher = Hasher::default();
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map(drop).map_err(|error| self.fault(error))
    }

    /// Gives the blob its name; when it is not what it should be, it is thrown away, and its digest given back.
    pub fn complete(self) -> Result<Option<Digest>, StoreError> {
        let actual = self.hasher.clone().complete();
        if actual != self.expected {
            fs::remove_file(&self.partial).map_err(StoreError::disk("remove", &self.partial))?;
            return Ok(Some(actual.digest));
        }
        let named = self.file.sync_all().and_then(|()| fs::rename(&self.partial, &self.target));
        named.map_err(|error| self.fault(error))?;
        Ok(None)
    }

    fn fault(&self, error: io::Error) -> StoreError {
        self.cache.failed();
        StoreError::disk(KEEP, &self.partial)(error)
    }

    /// What came before is believed as far as it goes: the digest of the whole decides.
    fn take_up(&mut self) -> io::Result<()> {
        if self.file.metadata()?.len() > self.expected.size {
            self.file.set_len(0)?;
        }
        let mut buffer = vec![0; BLOCK_SIZE];
        loop {
            match self.file.read(&mut buffer)? {
                0 => return Ok(()),
                read => self.hasher.update(&buffer[..read]),
            }
        }
    }
}

/// From a layout to the blobs of all of them.
const TO_BLOBS: &str = "../../blobs";

/// Every layout has the same blobs.
fn link(path: &Path) -> io::Result<()> {
    match fs::read_link(path) {
        Ok(target) if target == Path::new(TO_BLOBS) => return Ok(()),
        Ok(_) => fs::remove_file(path)?,
        Err(_) => {}
    }
    match std::os::unix::fs::symlink(TO_BLOBS, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive<'a>(pulled: &Pulled<'a>, blob: Descriptor) -> Incoming<'a> {
        pulled.receive(blob).expect("room").expect("it is not there")
    }

    #[test]
    fn a_blob_has_its_name_when_it_has_its_digest() {
        let cache = Cache::temporary().expect("a cache");
        let pulled = cache.pulled();
        let blob = Descriptor::of(b"0123456789");
        let mut incoming = receive(&pulled, blob);
        assert_eq!(incoming.write(b"01234").ok(), Some(true));
        assert!(!pulled.has(blob));
        drop(incoming);
        let mut again = receive(&pulled, blob);
        assert_eq!(again.position(), 5, "it goes on where it ended");
        assert_eq!(again.write(b"567890").ok(), Some(false), "more than there should be");
        assert_eq!(again.write(b"56789").ok(), Some(true));
        assert_eq!(again.complete().ok(), Some(None));
        assert!(pulled.has(blob) && pulled.receive(blob).expect("room").is_none());
    }

    #[test]
    fn a_blob_that_is_another_is_thrown_away() {
        let cache = Cache::temporary().expect("a cache");
        let pulled = cache.pulled();
        let blob = Descriptor::of(b"0123456789");
        let mut incoming = receive(&pulled, blob);
        incoming.write(b"01234x6789").expect("room");
        assert_eq!(incoming.complete().ok(), Some(Some(Digest::of(b"01234x6789"))));
        assert_eq!(receive(&pulled, blob).position(), 0);
        assert!(!pulled.has(blob));
    }

    #[test]
    fn a_blob_that_was_damaged_is_absent() {
        let cache = Cache::temporary().expect("a cache");
        let pulled = cache.pulled();
        let blob = Descriptor::of(b"a document");
        pulled.keep(b"a document").expect("room");
        assert_eq!((pulled.has(blob), pulled.document(blob.digest)), (true, Some(b"a document".to_vec())));
        fs::write(pulled.path(blob.digest).expect("a folder"), b"a d0cument").expect("room");
        assert_eq!((pulled.has(blob), pulled.document(blob.digest)), (false, None));
        pulled.keep(b"a document").expect("room");
        assert!(pulled.has(blob), "healed");
    }

    #[test]
    fn one_receives_and_the_others_wait() {
        let cache = Cache::temporary().expect("a cache");
        let blob = Descriptor::of(&vec![7; 100_000]);
        let received = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let pulled = cache.pulled();
                    if let Some(mut incoming) = pulled.receive(blob).expect("room") {
                        received.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        while incoming.position() < blob.size {
                            incoming.write(&[7; 1000]).expect("room");
                        }
                        assert_eq!(incoming.complete().ok(), Some(None));
                    }
                    assert!(pulled.has(blob));
                });
            }
        });
        assert_eq!(received.into_inner(), 1);
    }
}
