//! Memory that threads hand to each other.

use std::io::{self, Read};

/// Bytes are handed over, and written by who copies, in blocks of this size. Measured on ext4 (Linux 6.18) with a concurrent sync of the
/// writes: half or twice as much cost the kernel up to twice the time.
pub(super) const BLOCK_SIZE: usize = 1024 * 1024;

/// Some bytes, and room for more.
pub(super) struct Block {
    memory: Box<[u8]>,
    size: usize,
}

impl Block {
    /// A new one.
    pub(super) fn empty() -> Self {
        Self { memory: vec![0; BLOCK_SIZE].into(), size: 0 }
    }

    /// The same memory, without bytes.
    pub(super) fn emptied(self) -> Self {
        Self { size: 0, ..self }
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[..self.size]
    }

    /// Reads more bytes once, up to a size of the whole.
    pub(super) fn read(&mut self, reader: &mut impl Read, up_to: usize) -> io::Result<usize> {
        let read = reader.read(&mut self.memory[self.size..up_to])?;
        self.size += read;
        Ok(read)
    }
}
