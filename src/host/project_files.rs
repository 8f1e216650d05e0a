//! Files of a project, kept inside the project.

use std::collections::BTreeMap;
use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use walkdir::WalkDir;

use crate::path::RelativePath;
use crate::source::{MAX_FILE_BYTES, Source, SourceFault, Sources};

/// What is at a path of the project folder.
pub(super) fn read(project: &Path, path: &str) -> Source {
    try_read(project, path).unwrap_or_else(Source::Fault)
}

/// The files of what was read that somebody may execute.
pub(super) fn executables(project: &Path, written: &str, source: &Source) -> Vec<String> {
    let names: Vec<_> = match source {
        Source::File(_) => vec![Sources::name_of(written, None)],
        Source::Folder(files) => files.keys().map(|below| Sources::name_of(written, Some(below))).collect(),
        Source::Fault(_) => Vec::new(),
    };
    names.into_iter().filter(|name| is_executable(&project.join(name))).collect()
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

fn try_read(project: &Path, path: &str) -> Result<Source, SourceFault> {
    RelativePath::parse(path).map_err(|fault| SourceFault::Outside(fault.to_string()))?;
    if Sources::is_pattern(path) && fs::symlink_metadata(project.join(path)).is_err() {
        return read_matching(project, path).map(Source::Folder);
    }
    let place = inside(project, &project.join(path))?;
    let kind = fs::metadata(&place).map_err(|error| fault(&error))?.file_type();
    if kind.is_dir() {
        return read_folder(project, path, &place).map(Source::Folder);
    }
    check_regular(kind)?;
    read_file(&place).map(Source::File)
}

/// The path with all symbolic links followed, if it is still in the project.
fn inside(project: &Path, path: &Path) -> Result<std::path::PathBuf, SourceFault> {
    let real = path.canonicalize().map_err(|error| fault(&error))?;
    let project = project.canonicalize().map_err(|error| fault(&error))?;
    if real.starts_with(&project) {
        return Ok(real);
    }
    Err(SourceFault::Outside("leaves the project folder through a symbolic link".to_owned()))
}

fn check_regular(kind: FileType) -> Result<(), SourceFault> {
    let special = [
        (kind.is_char_device(), "a character device"),
        (kind.is_block_device(), "a block device"),
        (kind.is_fifo(), "a named pipe"),
        (kind.is_socket(), "a socket"),
    ];
    match special.into_iter().find(|(is_it, _)| *is_it) {
        Some((_, what)) => Err(SourceFault::Special(what)),
        None => Ok(()),
    }
}

fn read_file(path: &Path) -> Result<Arc<[u8]>, SourceFault> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| fault(&error))?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| fault(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES { Err(SourceFault::TooLarge) } else { Ok(Arc::from(bytes)) }
}

/// The files of a folder that a pattern means, by their paths in the project.
fn read_matching(project: &Path, pattern: &str) -> Result<BTreeMap<RelativePath, Arc<[u8]>>, SourceFault> {
    let (written, wanted) = pattern.rsplit_once('/').unwrap_or((".", pattern));
    let folder = inside(project, &project.join(written))?;
    let mut files = BTreeMap::new();
    for entry in WalkDir::new(&folder).min_depth(1).max_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| walk_fault(&error, written, &folder))?;
        if !entry.file_name().to_str().is_some_and(|name| Sources::is_meant(wanted, name)) {
            continue;
        }
        let place = inside(project, entry.path())?;
        check_regular(fs::metadata(&place).map_err(|error| fault(&error))?.file_type())?;
        let path = RelativePath::parse(&shown(written, &folder, entry.path()));
        files.insert(path.map_err(|fault| SourceFault::Name(fault.to_string()))?, read_file(&place)?);
    }
    if files.is_empty() { Err(SourceFault::NotFound) } else { Ok(files) }
}

/// Every file below a folder that the spec names `written`.
fn read_folder(project: &Path, written: &str, folder: &Path) -> Result<BTreeMap<RelativePath, Arc<[u8]>>, SourceFault> {
    let mut files = BTreeMap::new();
    let mut total = 0;
    for entry in WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|error| walk_fault(&error, written, folder))?;
        let place = inside(project, entry.path())?;
        let kind = fs::metadata(&place).map_err(|error| fault(&error))?.file_type();
        if kind.is_dir() {
            if entry.path_is_symlink() {
                let link = shown(written, folder, entry.path());
                let target = shown(".", &project.canonicalize().map_err(|error| fault(&error))?, &place);
                return Err(SourceFault::Outside(format!("holds the symbolic link `{link}` to the folder `{target}`")));
            }
            continue;
        }
        check_regular(kind)?;
        let bytes = read_file(&place)?;
        total += bytes.len() as u64;
        if total > MAX_FILE_BYTES {
            return Err(SourceFault::TooLarge);
        }
        files.insert(relative(folder, entry.path())?, bytes);
    }
    Ok(files)
}

/// A path below a folder as the spec would write it: where the project lies is the machine's business.
fn shown(written: &str, folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).expect("a path below the folder").display().to_string();
    match (written, below.as_str()) {
        (_, "") => written.to_owned(),
        (".", _) => below,
        _ => format!("{}/{below}", written.trim_end_matches('/')),
    }
}

/// Without the path of the machine that the walk puts before the reason.
fn walk_fault(error: &walkdir::Error, written: &str, folder: &Path) -> SourceFault {
    let reason = error.io_error().map_or_else(|| "links in a circle".to_owned(), ToString::to_string);
    match error.path() {
        Some(path) => SourceFault::Unreadable(format!("`{}`: {reason}", shown(written, folder, path))),
        None => SourceFault::Unreadable(reason),
    }
}

fn relative(folder: &Path, path: &Path) -> Result<RelativePath, SourceFault> {
    let below = path.strip_prefix(folder).expect("a walk stays below its root");
    let text = below.to_str().ok_or_else(|| SourceFault::Name(format!("is not UTF-8: `{}`", below.display())))?;
    RelativePath::parse(text).map_err(|fault| SourceFault::Name(fault.to_string()))
}

fn fault(error: &io::Error) -> SourceFault {
    match error.kind() {
        io::ErrorKind::NotFound => SourceFault::NotFound,
        _ => SourceFault::Unreadable(error.to_string()),
    }
}
