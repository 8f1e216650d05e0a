//! Bytes of a file that should have a digest.
//!
//! Takes in a part of a file, its promised digest and where it comes from; gives its bytes out when they are the promised ones. They
//! are hashed while they are copied, on another processor: a caller must throw the copy away on an error.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use super::block::BLOCK_SIZE;
use super::concurrent::{Hashing, hash_blocks_concurrently};
use super::slice::{self, FileSlice, SliceReader};
use crate::digest::Digest;

/// A part of a file that is verified whenever its bytes are used.
#[derive(Clone, Debug)]
pub struct Unverified {
    slice: FileSlice,
    expected: Digest,
    origin: Origin,
}

/// What bytes are called when they are not the promised ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file or folder they come from.
    pub path: PathBuf,
    /// What they are in there.
    pub what: String,
}

/// Why bytes could not be read, or not be written where they should go.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They are not the promised ones.
    #[error(transparent)]
    Wrong(Box<WrongBytes>),
}

/// Other bytes than promised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} of `{}` should have the digest {expected}, but has {actual}", origin.what, origin.path.display())]
pub struct WrongBytes {
    /// Which bytes.
    pub origin: Origin,
    /// What was promised.
    pub expected: Digest,
    /// What is there.
    pub actual: Digest,
}

impl Unverified {
    /// A part of a file whose digest is promised.
    pub fn new(slice: FileSlice, expected: Digest, origin: Origin) -> Self {
        Self { slice, expected, origin }
    }

    /// The promised digest.
    pub fn expected(&self) -> Digest {
        self.expected
    }

    /// What the bytes are called.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The bytes as they are, for a caller that compares them with the digest itself.
    pub(super) fn raw_reader(&self) -> SliceReader<'_> {
        self.slice.reader()
    }

    /// Hashes the bytes, and gives them out when they are the promised ones.
    pub fn verify(&self) -> Result<&FileSlice, ReadError> {
        self.compare(self.slice.digest()?)?;
        Ok(&self.slice)
    }

    /// Copies the bytes while another thread hashes what is copied; gives how many there were when they are the promised ones.
    pub(super) fn copy_to(&self, target: &mut File, progress: &dyn Fn(u64)) -> Result<u64, ReadError> {
        let (copied, read) = hash_blocks_concurrently(|hashing| self.copy_blocks(hashing, target, progress));
        copied?;
        self.compare(read.digest)?;
        Ok(read.size)
    }

    /// Writes large aligned pieces. The kernel's own `copy_file_range` works page by page when the two offsets differ within a page, as
    /// they do between tars: it took half as long again, left the disk more to do, and its bytes pass no hasher.
    fn copy_blocks(&self, hashing: &Hashing, target: &mut File, progress: &dyn Fn(u64)) -> io::Result<()> {
        let mut reader = self.slice.reader();
        loop {
            let mut block = hashing.empty_block();
            let beyond_page = slice::beyond_page(target)?;
            if block.read(&mut reader, BLOCK_SIZE - beyond_page)? == 0 {
                return Ok(());
            }
            let block = hashing.hash(block);
            target.write_all(block.bytes())?;
            progress(block.bytes().len() as u64);
        }
    }

    /// A file that somebody is writing to is another matter than one that was tampered with.
    fn compare(&self, actual: Digest) -> Result<(), ReadError> {
        if actual == self.expected {
            return Ok(());
        }
        if self.slice.was_written_to() {
            return Err(io::Error::from(io::ErrorKind::InvalidData).into());
        }
        let wrong = WrongBytes { origin: self.origin.clone(), expected: self.expected, actual };
        Err(ReadError::Wrong(Box::new(wrong)))
    }
}
