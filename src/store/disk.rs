//! Files: opened as parts that can be read and copied, written so that they appear whole or not at all.
//!
//! Takes in paths; gives out [`FileSlice`]s and atomic writers. Knows nothing of images.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use rustix::fs::{FallocateFlags, OFlags};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::error::{ContentFault, StoreError};
use crate::layer::slice::FileSlice;

/// Opens a regular file for reading; a pipe or a device would block or never end.
pub fn open(path: &Path) -> Result<FileSlice, StoreError> {
    let metadata = fs::metadata(path).map_err(StoreError::disk("read", path))?;
    if !metadata.is_file() {
        return Err(StoreError::content(path)(ContentFault::FileType));
    }
    let file = File::open(path).map_err(StoreError::disk("read", path))?;
    let size = file.metadata().map_err(StoreError::disk("read", path))?.len();
    Ok(FileSlice::whole(file, size))
}

/// The same, of a name that is the file's own: no symbolic link is followed.
pub fn open_no_link(path: &Path) -> Result<FileSlice, StoreError> {
    let file = File::options().read(true).custom_flags(no_link()).open(path);
    let file = file.map_err(StoreError::disk("read", path))?;
    let metadata = file.metadata().map_err(StoreError::disk("read", path))?;
    if !metadata.is_file() {
        return Err(StoreError::content(path)(ContentFault::FileType));
    }
    Ok(FileSlice::whole(file, metadata.len()))
}

/// A pipe that has the name of a file must not be waited for.
pub(super) fn no_link() -> i32 {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    i32::try_from(flags.bits()).expect("flags of Linux fit")
}

/// Makes a folder and those above it.
pub fn create_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(StoreError::disk("create the folder", path))
}

/// Puts bytes under a name at once: a reader sees the old file or the new one. An identical file is left alone.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if has_bytes(path, bytes) {
        return Ok(());
    }
    let mut file = AtomicFile::create(path)?;
    file.as_file().write_all(bytes).map_err(StoreError::disk("write", path))?;
    file.complete()
}

fn has_bytes(path: &Path, bytes: &[u8]) -> bool {
    let mut old = Vec::new();
    let file = open_no_link(path).ok().filter(|file| file.size() == bytes.len() as u64);
    file.is_some_and(|file| file.reader().read_to_end(&mut old).is_ok()) && old == bytes
}

/// A file that gets its name when it is complete. Until then it is next to its target, as `.<name>.<random>.tmp`, locked;
/// dropped, it is removed; left behind by a killed process, it is removed by the next writer of the same target.
pub struct AtomicFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl AtomicFile {
    /// Starts a file next to `target`.
    pub fn create(target: &Path) -> Result<Self, StoreError> {
        let folder = folder_of(target);
        let prefix = format!(".{}.", target.file_name().unwrap_or_default().to_string_lossy());
        sweep(folder, &prefix);
        let temporary = create_locked(folder, &prefix).map_err(StoreError::disk("write", target))?;
        Ok(Self { temporary, target: target.to_owned() })
    }

    /// Writes so many bytes. There is room for all of them before the first is written, and what `write` says it has written is carried
    /// to the disk meanwhile, so that the end waits for little.
    pub fn write<E: From<io::Error>>(
        &mut self,
        size: u64,
        write: impl FnOnce(&mut File, &dyn Fn(u64)) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = self.temporary.as_file_mut();
        reserve(file, size)?;
        let synced = file.try_clone()?;
        let (wake, woken) = mpsc::sync_channel(1);
        thread::scope(|scope| {
            let syncing = scope.spawn(move || woken.iter().try_for_each(|()| synced.sync_data()));
            let waiting = Cell::new(0);
            let written = |bytes| {
                waiting.set(waiting.get() + bytes);
                if waiting.get() >= SYNC_SIZE && wake.try_send(()).is_ok() {
                    waiting.set(0);
                }
            };
            let result = write(file, &written);
            drop(wake);
            // An error that was reported to this thread is not reported again by the sync at the end.
            let synced = syncing.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            result.and(synced.map_err(E::from))
        })
    }

    /// The file to write to.
    pub fn as_file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// Chooses another name in the same folder, for a file that is named after its content.
    pub fn rename_target(&mut self, target: &Path) {
        target.clone_into(&mut self.target);
    }

    /// Makes the bytes durable, then gives them their name.
    pub fn complete(self) -> Result<(), StoreError> {
        let Self { temporary, target } = self;
        let path = target.as_path();
        temporary.as_file().sync_all().map_err(StoreError::disk("write", path))?;
        let file = temporary.persist(path).map_err(|error| StoreError::disk("write", path)(error.error))?;
        drop(file);
        sync_folder(folder_of(path)).map_err(StoreError::disk("write", path))
    }

    /// Gives the bytes their name without waiting for the disk, for content that is verified whenever it is read.
    pub fn complete_unsynced(self) -> Result<(), StoreError> {
        let Self { temporary, target } = self;
        temporary.persist(&target).map_err(|error| StoreError::disk("write", &target)(error.error))?;
        Ok(())
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some network file systems cannot sync a folder.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) => Ok(()),
        other => other,
    }
}

/// Reserves the space: a full disk is reported at once, and the file system writes faster.
fn reserve(file: &File, size: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, size) {
        // Some file systems find it byte by byte only.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        reserved => Ok(reserved?),
    }
}

const SUFFIX: &str = ".tmp";
/// How much is written between two syncs.
const SYNC_SIZE: u64 = 8 * 1024 * 1024;

/// Between creating and locking, a sweep may take the file for a left-over one: then another is created.
fn create_locked(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    loop {
        let file = create_temporary(folder, prefix)?;
        match file.as_file().try_lock() {
            // A file system without locks: nothing is swept there either.
            Err(fs::TryLockError::Error(_)) => return Ok(file),
            Ok(()) if file.as_file().metadata()?.nlink() > 0 => return Ok(file),
            Ok(()) | Err(fs::TryLockError::WouldBlock) => {}
        }
    }
}

/// What the system says is kept as it is: tempfile would put the random name around it.
fn create_temporary(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let mut said = None;
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(prefix).suffix(SUFFIX);
    let created = builder.make_in(folder, |path| {
        let file = File::options().write(true).create_new(true).open(path);
        file.inspect_err(|error| said = error.raw_os_error())
    });
    created.map_err(|error| said.map_or(error, io::Error::from_raw_os_error))
}

/// Removes what killed processes left: temporary files that nobody holds a lock on. Failing is harmless. The lock is held until the file is gone:
/// a process that has just created it must not find it locked in between.
fn sweep(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.starts_with(prefix) && name.ends_with(SUFFIX);
        let open = || File::options().read(true).custom_flags(no_link()).open(entry.path());
        if !is_ours {
            continue;
        }
        if let Some(_locked) = open().ok().filter(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder of the test");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("out.tar");
        let mut file = AtomicFile::create(&target).expect("a file");
        file.as_file().write_all(b"new").expect("room");
        assert!(!target.exists());
        file.complete().expect("a rename");
        assert_eq!((fs::read(&target).ok(), names(folder.path())), (Some(b"new".to_vec()), vec!["out.tar".to_owned()]));
    }

    #[test]
    fn an_abandoned_file_leaves_the_old_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("out.tar");
        fs::write(&target, b"old").expect("room");
        let mut file = AtomicFile::create(&target).expect("a file");
        file.as_file().write_all(b"half").expect("room");
        drop(file);
        assert_eq!((fs::read(&target).ok(), names(folder.path())), (Some(b"old".to_vec()), vec!["out.tar".to_owned()]));
    }

    #[test]
    fn what_a_killed_process_left_is_swept_and_what_is_in_use_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("out.tar");
        fs::write(folder.path().join(".out.tar.abc.tmp"), b"left over").expect("room");
        fs::write(folder.path().join(".other.tar.abc.tmp"), b"not ours").expect("room");
        let first = AtomicFile::create(&target).expect("a file");
        let second = AtomicFile::create(&target).expect("another file");
        assert_eq!(names(folder.path()).len(), 3);
        first.complete().expect("a rename");
        second.complete().expect("a rename");
        assert_eq!(names(folder.path()), [".other.tar.abc.tmp", "out.tar"]);
    }

    /// A sweep that looked at a file before it was locked must not remove it afterwards.
    #[test]
    fn a_file_that_begins_during_a_sweep_is_not_swept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let target = folder.path().join("out.tar");
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_done.load(Ordering::Relaxed) {
                        sweep(folder.path(), ".out.tar.");
                    }
                });
            }
            let files = (0..2000).map(|_| AtomicFile::create(&target).and_then(AtomicFile::complete_unsynced));
            let lost = files.filter(Result::is_err).count();
            is_done.store(true, Ordering::Relaxed);
            assert_eq!(lost, 0);
        });
    }
}
