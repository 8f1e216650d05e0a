//! Lists and clears the cache.
//!
//! Takes in the folder of the cache; gives out how much of what is there, or what was removed. Everything in it can be made or fetched again, so
//! what a build misses costs time alone. What is being received at this moment is left alone.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::store::StoreError;
use crate::store::private::look_at_folder;

/// What entries of a cache are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheKind {
    /// Layers that were packed for a tarball.
    Layers,
    /// Blobs of images that came from registries.
    Images,
    /// Blobs that have not come as a whole.
    Partial,
    /// What was found out before: digests, lists, states of files.
    Records,
}

impl CacheKind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Layers => "payload layers",
            Self::Images => "registry images",
            Self::Partial => "incomplete downloads",
            Self::Records => "records",
        }
    }

    /// By where it lies below the folder of the cache, whichever version wrote it.
    fn of(path: &Path) -> Self {
        let mut folders = path.iter().skip(1).map(|name| name.to_string_lossy());
        match (folders.next().as_deref(), folders.next().as_deref()) {
            (Some("blobs"), _) => Self::Layers,
            (Some("registries"), Some("incoming")) => Self::Partial,
            (Some("registries"), _) => Self::Images,
            _ => Self::Records,
        }
    }
}

/// How much of one kind there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheUse {
    /// The kind.
    pub kind: CacheKind,
    /// How many files.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
}

/// A file of the cache.
struct Entry {
    path: PathBuf,
    kind: CacheKind,
    bytes: u64,
    modified: SystemTime,
}

/// How much of each kind is in the folder of a cache.
pub fn cache_usage(folder: &Path) -> Result<Vec<CacheUse>, StoreError> {
    Ok(sum(entries(folder)?.iter()))
}

/// Removes what was written longer ago than `age`; gives out what that was.
pub fn clean_cache(folder: &Path, age: Duration) -> Result<Vec<CacheUse>, StoreError> {
    let before = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut removed = Vec::new();
    for entry in entries(folder)?.into_iter().filter(|entry| entry.modified <= before) {
        if is_received(&entry) {
            continue;
        }
        match fs::remove_file(&entry.path) {
            Ok(()) => removed.push(entry),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::disk("remove", &entry.path)(error)),
        }
    }
    Ok(sum(removed.iter()))
}

fn sum<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<CacheUse> {
    let kinds = [CacheKind::Layers, CacheKind::Images, CacheKind::Partial, CacheKind::Records];
    let mut all = kinds.map(|kind| CacheUse { kind, files: 0, bytes: 0 });
    for entry in entries {
        for one in all.iter_mut().filter(|one| one.kind == entry.kind) {
            one.files += 1;
            one.bytes += entry.bytes;
        }
    }
    all.to_vec()
}

/// Every file below the folder, if it is this user's own; links are not followed. What vanishes meanwhile was never there.
fn entries(folder: &Path) -> Result<Vec<Entry>, StoreError> {
    match look_at_folder(folder) {
        Err(StoreError::Disk { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        looked => looked?,
    }
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        let listed = match fs::read_dir(&next) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(StoreError::disk("read", &next))?,
        };
        for entry in listed {
            let path = entry.map_err(StoreError::disk("read", &next))?.path();
            match look(folder, &path) {
                Ok(Some(entry)) => found.push(entry),
                Ok(None) if path.is_dir() && !path.is_symlink() => folders.push(path),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::disk("read", &path)(error)),
            }
        }
    }
    Ok(found)
}

fn look(folder: &Path, path: &Path) -> io::Result<Option<Entry>> {
    let metadata = path.symlink_metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let kind = CacheKind::of(path.strip_prefix(folder).unwrap_or(path));
    Ok(Some(Entry { path: path.to_owned(), kind, bytes: metadata.len(), modified: metadata.modified()? }))
}

/// Whether a process has the lock of a download, or waits for it.
fn is_received(entry: &Entry) -> bool {
    let lock = entry.path.with_extension("lock");
    let is_file = lock.symlink_metadata().is_ok_and(|metadata| metadata.is_file());
    entry.kind == CacheKind::Partial && is_file && File::open(lock).is_ok_and(|lock| lock.try_lock().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Descriptor;
    use crate::store::Cache;

    fn used(folder: &Path, kind: CacheKind) -> (usize, u64) {
        let usage = cache_usage(folder).expect("a folder");
        let one = usage.iter().find(|one| one.kind == kind).expect("every kind");
        (one.files, one.bytes)
    }

    #[test]
    fn a_cache_is_counted_and_emptied() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bootsmith");
        assert_eq!(used(&path, CacheKind::Images), (0, 0), "a cache that was never made is empty");
        let cache = Cache::open(&path).expect("a cache");
        cache.pulled().keep(b"a document").expect("room");
        let blob = Descriptor::of(b"0123456789");
        let mut incoming = cache.pulled().receive(blob).expect("room").expect("it is not there");
        incoming.write(b"01234").expect("room");
        assert_eq!((used(&path, CacheKind::Images), used(&path, CacheKind::Partial)), ((1, 10), (2, 5)));
        clean_cache(&path, Duration::from_secs(60)).expect("a folder");
        assert_eq!(used(&path, CacheKind::Images), (1, 10), "nothing is so old");
        clean_cache(&path, Duration::ZERO).expect("a folder");
        assert_eq!((used(&path, CacheKind::Images), used(&path, CacheKind::Partial)), ((0, 0), (2, 5)), "it is coming");
        incoming.write(b"56789").expect("room");
        assert_eq!(incoming.complete().ok(), Some(None));
        clean_cache(&path, Duration::ZERO).expect("a folder");
        assert_eq!((used(&path, CacheKind::Images), used(&path, CacheKind::Partial)), ((0, 0), (0, 0)));
    }
}
