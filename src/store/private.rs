//! Folders and files that nobody but this user may change.
//!
//! Takes in paths below a folder of the cache; gives out open files. Others who could write there would decide what a build finds, and names
//! that can be predicted would lead it, by a symbolic link, to files of this user. So folders have the mode 0700 whatever the umask, one that
//! others may write to or that belongs to somebody else is not used, and no link is followed.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::disk::{self, no_link};
use super::error::{NotPrivate, StoreError};
use crate::layer::slice::FileSlice;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const OTHERS_MAY_WRITE: u32 = 0o022;

/// Makes a folder, or looks whether the one that is there is private. Those above it are made too, and not looked at.
pub(super) fn make_folder(path: &Path) -> Result<(), StoreError> {
    if let Some(above) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(above);
        made.map_err(StoreError::disk("create the folder", above))?;
    }
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        // A umask can only take away from the mode; what it took away is needed.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
            .map_err(StoreError::disk("create the folder", path)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => look_at_folder(path),
        // Where nothing can be written, what is there can still be read.
        Err(error) => look_at_folder(path).map_err(|_| StoreError::disk("create the folder", path)(error)),
    }
}

/// The folder of some names below a private folder, made where it is missing.
pub(super) fn folder_below(root: &Path, names: &str) -> Result<PathBuf, StoreError> {
    let mut folder = root.to_owned();
    for name in names.split('/') {
        folder.push(name);
        make_folder(&folder)?;
    }
    Ok(folder)
}

/// Whether nobody else may change what is in a folder.
pub fn look_at_folder(path: &Path) -> Result<(), StoreError> {
    let metadata = fs::symlink_metadata(path).map_err(StoreError::disk("read", path))?;
    match fault(&metadata) {
        None => Ok(()),
        Some(fault) => Err(StoreError::NotPrivate { path: path.to_owned(), fault }),
    }
}

fn fault(metadata: &Metadata) -> Option<NotPrivate> {
    let mode = metadata.mode() & 0o7777;
    if metadata.is_symlink() {
        Some(NotPrivate::Link)
    } else if !metadata.is_dir() {
        Some(NotPrivate::NoFolder)
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        Some(NotPrivate::Owner(metadata.uid()))
    } else {
        (mode & OTHERS_MAY_WRITE != 0).then_some(NotPrivate::Mode(mode))
    }
}

/// Opens a regular file for reading.
pub(super) fn open(path: &Path) -> Result<FileSlice, StoreError> {
    disk::open_no_link(path)
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Option<String> {
    let mut text = String::new();
    open(path).ok()?.reader().read_to_string(&mut text).ok()?;
    Some(text)
}

/// Opens a file for reading and writing, and makes it where it is missing. Where something else has its name, a link or a second name of
/// another file, that name is removed, and what it led to is as it was.
pub(super) fn open_to_write(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(FILE_MODE).custom_flags(no_link());
    match options.clone().create(true).truncate(false).open(path) {
        Ok(file) if is_alone(&file.metadata()?) => Ok(file),
        Err(error) if !leads_elsewhere(&error) => Err(error),
        Ok(_) | Err(_) => {
            fs::remove_file(path)?;
            options.create_new(true).open(path)
        }
    }
}

fn is_alone(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.nlink() == 1
}

fn leads_elsewhere(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a folder").mode() & 0o7777
    }

    #[test]
    fn a_folder_is_made_for_this_user_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = folder_below(place.path(), "a/b").expect("room");
        assert_eq!((mode(&folder), mode(&place.path().join("a"))), (0o700, 0o700));
    }

    #[test]
    fn a_folder_that_others_may_change_is_not_used() {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path();
        fs::create_dir(root.join("wide")).expect("room");
        fs::create_dir(root.join("real")).expect("room");
        fs::write(root.join("file"), b"").expect("room");
        symlink("real", root.join("link")).expect("room");
        let seen = |name: &str| folder_below(root, name).map(drop).map_err(|error| error.to_string());
        let refused = |name: &str, why: &str| Err(format!("`{}` {why}", root.join(name).display()));
        for (bits, expected) in [(0o777, "0777"), (0o770, "0770"), (0o720, "0720"), (0o1703, "1703")] {
            fs::set_permissions(root.join("wide"), Permissions::from_mode(bits)).expect("an own folder");
            assert_eq!(seen("wide"), refused("wide", &format!("may be written to by other users (mode {expected})")));
        }
        assert_eq!(seen("link"), refused("link", "is a symbolic link"));
        assert_eq!(seen("link/below"), refused("link", "is a symbolic link"));
        assert_eq!(seen("file"), refused("file", "is not a folder"));
        fs::set_permissions(root.join("wide"), Permissions::from_mode(0o755)).expect("an own folder");
        assert_eq!(seen("wide"), Ok(()), "others may read");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_not_followed() {
        let place = tempfile::tempdir().expect("a folder");
        let (victim, name) = (place.path().join("victim"), place.path().join("name"));
        fs::write(&victim, b"precious").expect("room");
        let makes: [&dyn Fn(); 2] = [&|| symlink(&victim, &name).expect("room"), &|| {
            fs::hard_link(&victim, &name).expect("room");
        }];
        for make in makes {
            make();
            open_to_write(&name).and_then(|file| file.set_len(0)).expect("a file of its own");
            assert_eq!(fs::read(&victim).ok(), Some(b"precious".to_vec()));
            assert_eq!(fs::read(&name).ok(), Some(Vec::new()));
            fs::remove_file(&name).expect("a file");
        }
        symlink(&victim, &name).expect("room");
        assert!(open(&name).is_err() && read_text(&name).is_none(), "nor read");
    }
}
