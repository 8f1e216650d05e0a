//! Where the bytes of a blob are: in memory, or a part of an open file.
//!
//! Takes in bytes or an open file; gives out readers, and a fast way to copy. Bytes of a file are compared with their digest whenever they
//! are used: what a file had a moment ago proves nothing about what a disk or a network returns now. Opens no file.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;

use super::unverified::{ReadError, Unverified};

/// The bytes of a blob.
#[derive(Clone, Debug)]
pub enum Content {
    /// Bytes in memory.
    Memory(Arc<[u8]>),
    /// A part of a file, verified whenever its bytes are used.
    File(Unverified),
}

impl Content {
    /// Reads the bytes from their start; those of a file are verified first.
    pub fn reader(&self) -> Result<Box<dyn Read + Send + '_>, ReadError> {
        Ok(match self {
            Self::Memory(bytes) => Box::new(bytes.as_ref()),
            Self::File(unverified) => Box::new(unverified.verify()?.reader()),
        })
    }

    /// Reads the bytes as they are, for a caller that compares them with their digest itself.
    pub(crate) fn raw_reader(&self) -> Box<dyn Read + Send + '_> {
        match self {
            Self::Memory(bytes) => Box::new(bytes.as_ref()),
            Self::File(unverified) => Box::new(unverified.raw_reader()),
        }
    }

    /// Copies the bytes to a file, calling `progress` with the size of each piece; returns how many bytes there were. Those of a file are
    /// verified while they are copied: only when this succeeds, the target is worth something. A file that was written to since it
    /// was opened is [`std::io::ErrorKind::InvalidData`].
    pub fn copy_to(&self, target: &mut File, progress: &dyn Fn(u64)) -> Result<u64, ReadError> {
        match self {
            Self::Memory(bytes) => {
                target.write_all(bytes)?;
                progress(bytes.len() as u64);
                Ok(bytes.len() as u64)
            }
            Self::File(unverified) => unverified.copy_to(target, progress),
        }
    }
}
