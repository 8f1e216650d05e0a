//! A folder or a tar that holds files by name: what an OCI layout and a docker-archive have in common.
//!
//! Takes in a path; gives out the files inside as parts that can be read and copied without unpacking. Names inside a tar are
//! checked before they are used; links are followed inside the tar alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{ContentFault, StoreError, disk};
use crate::layer::slice::FileSlice;
use crate::layer::unverified::Origin;

/// Something that holds files by name.
#[derive(Debug)]
pub struct Container {
    /// What messages call it.
    path: PathBuf,
    inside: Inside,
}

#[derive(Debug)]
enum Inside {
    Folder(PathBuf),
    Tar(TarIndex),
}

/// What a tar holds, by name.
#[derive(Debug)]
pub struct TarIndex {
    whole: FileSlice,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug)]
enum Entry {
    Folder,
    File(FileSlice),
    /// The name of the target, from the root of the tar.
    Link(String),
}

/// An image archive has a handful of entries a layer.
const MAX_ENTRIES: usize = 10_000;
/// Links to links in a docker-archive are at most two deep.
const MAX_LINKS: usize = 8;
/// No manifest, configuration or index of an image comes near this size.
pub const MAX_DOCUMENT_SIZE: u64 = 8 * 1024 * 1024;

impl Container {
    /// Opens a folder or an uncompressed tar.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let inside = if path.is_dir() { Inside::Folder(path.to_owned()) } else { Inside::Tar(TarIndex::open(path)?) };
        Ok(Self { path: path.to_owned(), inside })
    }

    /// The same under a name by which its user knows it.
    pub(crate) fn called(self, name: &str) -> Self {
        Self { path: PathBuf::from(name), ..self }
    }

    /// Where it is, or what it was called.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The index, when it is a tar.
    pub fn tar(&self) -> Option<&TarIndex> {
        match &self.inside {
            Inside::Folder(_) => None,
            Inside::Tar(index) => Some(index),
        }
    }

    /// Whether there is something under a name.
    pub(crate) fn has(&self, name: &str) -> bool {
        match &self.inside {
            Inside::Folder(folder) => folder.join(name).exists(),
            Inside::Tar(index) => index.entries.contains_key(name),
        }
    }

    /// A file, by a name that is made of checked parts.
    pub fn file(&self, name: &str) -> Result<FileSlice, StoreError> {
        let found = match &self.inside {
            Inside::Folder(folder) => match folder.join(name) {
                path if path.exists() => Some(disk::open(&path)?),
                _ => None,
            },
            Inside::Tar(index) => index.file(name).map_err(StoreError::content(&self.path))?,
        };
        found.ok_or_else(|| self.fault(self.missing(name)))
    }

    /// What is not there, and what is there instead.
    fn missing(&self, name: &str) -> ContentFault {
        let is_document = ["oci-layout", "index.json"].contains(&name);
        match &self.inside {
            Inside::Folder(_) if is_document && self.has("manifest.json") && self.has("version") => {
                ContentFault::DirFolder
            }
            _ => ContentFault::Missing(name.to_owned()),
        }
    }

    /// The bytes of a small file.
    pub fn document(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let slice = self.file(name)?;
        if slice.size() > MAX_DOCUMENT_SIZE {
            return Err(
                self.fault(ContentFault::Limit { what: format!("the size of `{name}`"), limit: MAX_DOCUMENT_SIZE })
            );
        }
        let mut bytes = Vec::new();
        slice.reader().read_to_end(&mut bytes).map_err(StoreError::disk("read", &self.path))?;
        Ok(bytes)
    }

    /// What something inside is called when it is not as promised.
    pub(crate) fn origin(&self, what: String) -> Origin {
        Origin { path: self.path.clone(), what }
    }

    /// An error about this container.
    pub(crate) fn fault(&self, fault: ContentFault) -> StoreError {
        StoreError::content(&self.path)(fault)
    }
}

impl TarIndex {
    /// Reads the headers of a tar, skipping the contents.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let whole = disk::open(path)?;
        Self::read(whole).map_err(StoreError::content(path))
    }

    /// Reads the headers of an open tar.
    pub fn read(whole: FileSlice) -> Result<Self, ContentFault> {
        refuse_compressed(&whole)?;
        let mut entries = BTreeMap::new();
        let read = read_entries(&whole, &mut entries);
        // Whatever else is wrong with a root file system: that it is one is what its user has to know.
        if is_root_file_system(&entries) {
            return Err(ContentFault::RootFileSystem);
        }
        read?;
        Ok(Self { whole, entries })
    }

    /// The tar itself.
    pub fn whole(&self) -> &FileSlice {
        &self.whole
    }

    /// The names of everything except folders, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let is_content = |entry: &Entry| !matches!(entry, Entry::Folder);
        self.entries.iter().filter(move |(_, entry)| is_content(entry)).map(|(name, _)| name.as_str())
    }

    /// A file by name, links followed.
    fn file(&self, name: &str) -> Result<Option<FileSlice>, ContentFault> {
        let mut name = name;
        for _ in 0..MAX_LINKS {
            match self.entries.get(name) {
                Some(Entry::File(slice)) => return Ok(Some(slice.clone())),
                Some(Entry::Link(target)) => name = target,
                Some(Entry::Folder) | None => return Ok(None),
            }
        }
        Err(ContentFault::Entry { path: name.to_owned(), reason: "it is a circular link" })
    }
}

fn read_entries(whole: &FileSlice, entries: &mut BTreeMap<String, Entry>) -> Result<(), ContentFault> {
    let mut archive = tar::Archive::new(whole.reader());
    for entry in archive.entries_with_seek().map_err(|error| tar_fault(&error))? {
        let entry = entry.map_err(|error| tar_fault(&error))?;
        let Some((name, entry)) = read_entry(&entry, whole)? else {
            continue;
        };
        let is_folder = matches!(entry, Entry::Folder);
        let before = entries.insert(name.clone(), entry);
        if before.is_some_and(|before| !(is_folder && matches!(before, Entry::Folder))) {
            return Err(ContentFault::Entry { path: name, reason: "its path occurs twice" });
        }
        if entries.len() > MAX_ENTRIES {
            return Err(ContentFault::Limit { what: "the number of entries".to_owned(), limit: MAX_ENTRIES as u64 });
        }
    }
    Ok(())
}

/// What `docker export` writes: the files of a container, and no document of an image.
fn is_root_file_system(entries: &BTreeMap<String, Entry>) -> bool {
    const DOCUMENTS: [&str; 3] = ["index.json", "manifest.json", "oci-layout"];
    const FOLDERS: [&str; 9] = ["bin", "dev", "etc", "lib", "proc", "sbin", "sys", "usr", "var"];
    /// A container of one program has few.
    const ENOUGH: usize = 2;
    let first = |name: &String| name.split('/').next().unwrap_or_default().to_owned();
    let tops: BTreeSet<_> = entries.keys().map(first).collect();
    !DOCUMENTS.iter().any(|name| tops.contains(*name))
        && FOLDERS.iter().filter(|name| tops.contains(**name)).count() >= ENOUGH
}

fn read_entry<R: Read>(entry: &tar::Entry<'_, R>, whole: &FileSlice) -> Result<Option<(String, Entry)>, ContentFault> {
    let kind = entry.header().entry_type();
    let path = String::from_utf8(entry.path_bytes().into_owned());
    let path =
        path.map_err(|_| ContentFault::Entry { path: lossy(&entry.path_bytes()), reason: "its path is not UTF-8" })?;
    if kind.is_pax_global_extensions() {
        return Ok(None);
    }
    let Some(name) = normalise("", &path).map_err(|reason| ContentFault::Entry { path: path.clone(), reason })? else {
        return Ok(None);
    };
    let bad = |reason| ContentFault::Entry { path: path.clone(), reason };
    let content = match kind {
        tar::EntryType::Directory => Entry::Folder,
        tar::EntryType::Regular | tar::EntryType::Continuous => {
            let slice = whole.part(entry.raw_file_position(), entry.size());
            Entry::File(slice.ok_or_else(|| ContentFault::Truncated(path.clone()))?)
        }
        tar::EntryType::Symlink | tar::EntryType::Link => {
            let folder = if kind == tar::EntryType::Symlink {
                name.rsplit_once('/').map_or("", |(folder, _)| folder)
            } else {
                ""
            };
            let target = entry.link_name_bytes().and_then(|target| String::from_utf8(target.into_owned()).ok());
            let target = target.ok_or_else(|| bad("its link has no target"))?;
            Entry::Link(normalise(folder, &target).map_err(bad)?.ok_or_else(|| bad("it is a link to the root"))?)
        }
        _ => return Err(bad("it is neither a file, a folder nor a link")),
    };
    Ok(Some((name, content)))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn tar_fault(error: &std::io::Error) -> ContentFault {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ContentFault::Truncated("a header or an entry".to_owned()),
        _ => ContentFault::tar(error),
    }
}

/// The name from the root, `.` and `..` resolved; `None` for the root itself.
fn normalise(folder: &str, path: &str) -> Result<Option<String>, &'static str> {
    if path.starts_with('/') {
        return Err("its path is absolute");
    }
    let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop().ok_or("its path leaves the archive")?),
            _ => segments.push(segment),
        }
    }
    Ok((!segments.is_empty()).then(|| segments.join("/")))
}

/// gzip, bzip2, xz and zstd, by their first bytes.
fn refuse_compressed(whole: &FileSlice) -> Result<(), ContentFault> {
    const MAGICS: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"];
    let mut start = [0; 5];
    let part = whole.part(0, start.len() as u64).ok_or(ContentFault::Truncated("a header".to_owned()))?;
    part.reader().read_exact(&mut start).map_err(|error| tar_fault(&error))?;
    if MAGICS.iter().any(|magic| start.starts_with(magic)) {
        return Err(ContentFault::Compressed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_from_the_root() {
        assert_eq!(normalise("", "./a//b/"), Ok(Some("a/b".to_owned())));
        assert_eq!(normalise("x/y", "../z/layer.tar"), Ok(Some("x/z/layer.tar".to_owned())));
        assert_eq!(normalise("", "./"), Ok(None));
        assert!(normalise("a", "../../etc").is_err());
        assert!(normalise("", "/etc").is_err());
    }
}
