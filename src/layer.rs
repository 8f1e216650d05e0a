//! File trees become layers.
//!
//! Takes in a [`FileTree`] or a finished tar; gives out the gzip-compressed tar of a layer with its two digests: that of the tar
//! (the diffID) and that of the blob. Same tree and epoch, same bytes, on any machine. Knows no platform and opens no file.

mod block;
pub(crate) mod concurrent;
pub mod content;
pub mod gzip;
pub mod slice;
pub mod tar_header;
pub mod unverified;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use crate::digest::{Descriptor, HashingWriter};
use crate::epoch::Epoch;
use crate::path::RelativePath;
use crate::tree::{File, FileTree};
use content::Content;
use gzip::LayerWriter;
pub use gzip::Packed;
use tar_header::{Kind, padding};

/// One layer of an image: an immutable value whose digests are known.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What the layer holds, in one word: `base`, `entrypoint`, `scripts` …
    pub role: String,
    /// The digests and sizes.
    pub packed: Packed,
    /// Where the bytes of the blob are.
    pub content: Content,
}

/// Why a tree cannot become a layer.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A path is used as a file and as a folder.
    #[error("`{0}` is a file and a folder at once")]
    FileIsFolder(RelativePath),
    /// The writer below failed.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Packs a tree into `sink`, in one pass and with a bounded amount of memory.
pub fn pack(tree: &FileTree, epoch: Epoch, sink: impl Write) -> Result<Packed, PackError> {
    let mut writer = LayerWriter::new(sink);
    write_tar(tree, epoch, &mut writer)?;
    Ok(writer.complete()?)
}

/// Describes the tar of a tree without compressing it, which is what takes time.
pub fn describe_tar(tree: &FileTree, epoch: Epoch) -> Result<Descriptor, PackError> {
    let mut writer = HashingWriter::new(io::sink());
    write_tar(tree, epoch, &mut writer)?;
    Ok(writer.complete().1)
}

fn write_tar(tree: &FileTree, epoch: Epoch, writer: &mut impl Write) -> Result<(), PackError> {
    for (path, file) in entries(tree)? {
        match file {
            None => writer.write_all(&tar_header::encode(&path, Kind::Folder, 0, epoch))?,
            Some(file) => write_file(writer, &path, file, epoch)?,
        }
    }
    Ok(writer.write_all(&tar_header::END)?)
}

/// Packs a tree into memory.
pub fn pack_in_memory(role: &str, tree: &FileTree, epoch: Epoch) -> Result<Layer, PackError> {
    let mut bytes = Vec::new();
    let packed = pack(tree, epoch, &mut bytes)?;
    Ok(Layer { role: role.to_owned(), packed, content: Content::Memory(bytes.into()) })
}

/// Compresses a finished tar, byte for byte as it is, into `sink`.
pub fn compress(mut tar: impl Read, sink: impl Write) -> io::Result<Packed> {
    let mut writer = LayerWriter::new(sink);
    io::copy(&mut tar, &mut writer)?;
    writer.complete()
}

/// Every folder and file of a tree, sorted by the bytes of the path; a folder has no file, and its path ends in a slash.
fn entries(tree: &FileTree) -> Result<BTreeMap<String, Option<&File>>, PackError> {
    let mut entries = BTreeMap::new();
    for (path, file) in tree.iter() {
        for folder in path.parents() {
            if tree.get(&folder).is_some() {
                return Err(PackError::FileIsFolder(folder));
            }
            entries.insert(format!("{folder}/"), None);
        }
        entries.insert(path.to_string(), Some(file));
    }
    Ok(entries)
}

fn write_file(writer: &mut impl Write, path: &str, file: &File, epoch: Epoch) -> io::Result<()> {
    let size = file.bytes.len() as u64;
    writer.write_all(&tar_header::encode(path, Kind::File(file.mode), size, epoch))?;
    writer.write_all(&file.bytes)?;
    writer.write_all(padding(size))
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Memory(Arc::from(bytes))
    }
}

#[cfg(test)]
mod tests {
    use flate2::read::GzDecoder;

    use super::*;
    use crate::tree::Mode;

    fn tree(files: &[(&str, Mode, &str)]) -> FileTree {
        let mut tree = FileTree::default();
        for (path, mode, text) in files {
            let path = RelativePath::parse(path).expect("a path of the test");
            tree.insert(path, File { mode: *mode, bytes: text.as_bytes().into() }).expect("a path of its own");
        }
        tree
    }

    fn example() -> FileTree {
        let long = format!("bootstrap/{}/{}", "d".repeat(140), "f".repeat(99));
        let longer = format!("bootstrap/{}", "x".repeat(120));
        tree(&[
            ("bootstrap/bin/bootstrap", Mode::Executable, "#!/bin/sh\n"),
            ("bootstrap/bin-x", Mode::Plain, ""),
            (&long, Mode::Plain, "ustar prefix"),
            (&longer, Mode::Plain, "pax"),
            ("bootstrap/Ünïcode", Mode::Plain, "pax"),
        ])
    }

    fn bytes_of(layer: &Layer) -> Vec<u8> {
        let mut bytes = Vec::new();
        GzDecoder::new(layer.content.reader().expect("memory")).read_to_end(&mut bytes).expect("our own gzip");
        bytes
    }

    #[test]
    fn a_layer_lists_folders_and_files_sorted_with_fixed_metadata() {
        let epoch = Epoch::parse("1700000000").expect("an epoch");
        let layer = pack_in_memory("test", &example(), epoch).expect("a tree that packs");
        let bytes = bytes_of(&layer);
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut paths = Vec::new();
        for entry in archive.entries().expect("a tar") {
            let entry = entry.expect("an entry");
            let header = entry.header();
            assert_eq!(
                (header.uid().ok(), header.gid().ok(), header.mtime().ok()),
                (Some(0), Some(0), Some(1_700_000_000))
            );
            assert_eq!((header.username().ok(), header.groupname().ok()), (Some(Some("")), Some(Some(""))));
            paths.push(format!("{:o} {}", header.mode().expect("a mode"), entry.path().expect("a path").display()));
        }
        let long = format!("bootstrap/{}", "d".repeat(140));
        assert_eq!(
            paths,
            [
                "755 bootstrap/".to_owned(),
                "644 bootstrap/bin-x".to_owned(),
                "755 bootstrap/bin/".to_owned(),
                "755 bootstrap/bin/bootstrap".to_owned(),
                format!("755 {long}/"),
                format!("644 {long}/{}", "f".repeat(99)),
                format!("644 bootstrap/{}", "x".repeat(120)),
                "644 bootstrap/Ünïcode".to_owned(),
            ]
        );
    }

    #[test]
    fn the_digests_are_those_of_the_bytes() {
        let layer = pack_in_memory("test", &example(), Epoch::default()).expect("a tree that packs");
        let mut blob = Vec::new();
        layer.content.reader().expect("memory").read_to_end(&mut blob).expect("memory");
        assert_eq!(layer.packed.blob, Descriptor::of(&blob));
        assert_eq!(layer.packed.tar, Descriptor::of(&bytes_of(&layer)));
        assert_eq!(describe_tar(&example(), Epoch::default()).ok(), Some(layer.packed.tar));
    }

    #[test]
    fn the_bytes_are_golden() {
        let layer = pack_in_memory("test", &example(), Epoch::default()).expect("a tree that packs");
        assert_eq!(
            layer.packed.tar.digest.to_string(),
            "sha256:12e1684bf4ab81304cab9d7e7e06b257e0c773b0fa242bd4f7e178b0dcd9582e"
        );
        assert_eq!(
            layer.packed.blob.digest.to_string(),
            "sha256:5f583037c5109f0c289ea87a58c4d44c1e57037b1aba899fc16b329d4bb744af"
        );
    }

    #[test]
    fn a_file_cannot_be_a_folder() {
        let tree = tree(&[("a/b", Mode::Plain, ""), ("a/b/c", Mode::Plain, "")]);
        let error = pack_in_memory("test", &tree, Epoch::default()).expect_err("a/b is both");
        assert_eq!(error.to_string(), "`a/b` is a file and a folder at once");
    }
}
