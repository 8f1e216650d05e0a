//! One pass from tar bytes to a blob: hash, compress, hash, write.
//!
//! Takes in the bytes of a tar in pieces of any size; gives out the gzip stream and both digests. zlib-rs gives other bytes for
//! other write sizes, so the compressor is fed blocks of one size whatever the caller writes.

use std::io::{self, Write};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use crate::digest::{Descriptor, Digest, Hasher, HashingWriter};

/// Names compressor, level and block size: whatever changes the bytes changes this, and cached blobs with another name are not used.
pub const COMPRESSOR: &str = "zlib-rs 0.6, level 6, blocks of 65536";

const LEVEL: u32 = 6;
const FEED_SIZE: usize = 65536;

/// The digests and sizes of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Packed {
    /// The digest and size of the uncompressed tar; the digest is what an image configuration calls the diffID.
    pub tar: Descriptor,
    /// The digest and size of the compressed tar.
    pub blob: Descriptor,
}

impl Packed {
    /// The digest of the uncompressed tar.
    pub fn diff_id(&self) -> Digest {
        self.tar.digest
    }
}

/// Takes in a tar, writes a gzip blob.
pub struct LayerWriter<W: Write> {
    feed: Vec<u8>,
    tar: Hasher,
    encoder: GzEncoder<HashingWriter<W>>,
}

impl<W: Write> LayerWriter<W> {
    /// Writes the blob to `sink`.
    pub fn new(sink: W) -> Self {
        // No name, time zero, operating system 255 (unknown): the header says nothing of the host.
        let encoder =
            GzBuilder::new().mtime(0).operating_system(255).write(HashingWriter::new(sink), Compression::new(LEVEL));
        Self { feed: Vec::with_capacity(FEED_SIZE), tar: Hasher::default(), encoder }
    }

    /// Writes what is left; without it the blob is not whole.
    pub fn complete(mut self) -> io::Result<Packed> {
        self.drain()?;
        let (mut sink, blob) = self.encoder.finish()?.complete();
        sink.flush()?;
        Ok(Packed { tar: self.tar.complete(), blob })
    }

    fn drain(&mut self) -> io::Result<()> {
        self.tar.update(&self.feed);
        self.encoder.write_all(&self.feed)?;
        self.feed.clear();
        Ok(())
    }
}

impl<W: Write> Write for LayerWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(FEED_SIZE - self.feed.len());
        self.feed.extend_from_slice(&bytes[..taken]);
        if self.feed.len() == FEED_SIZE {
            self.drain()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text-like bytes from a linear congruential generator: compressible, and longer than several blocks.
    fn sample() -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        (0..300_000).map(|_| b"etaoin shrdlu\n"[next() as usize % 14]).collect()
    }

    fn blob(bytes: &[u8], chunk_size: usize) -> (Vec<u8>, Packed) {
        let mut blob = Vec::new();
        let mut writer = LayerWriter::new(&mut blob);
        for chunk in bytes.chunks(chunk_size) {
            writer.write_all(chunk).expect("memory takes everything");
        }
        let packed = writer.complete().expect("memory takes everything");
        (blob, packed)
    }

    #[test]
    fn the_blob_does_not_depend_on_how_it_was_written() {
        let bytes = sample();
        let whole = blob(&bytes, bytes.len());
        for chunk_size in [1, 7, 511, 512, 4096, 65535, 65536, 65537, 100_000] {
            assert_eq!(blob(&bytes, chunk_size), whole, "{chunk_size}");
        }
    }

    #[test]
    fn the_header_says_nothing_of_the_host() {
        assert_eq!(blob(b"", 1).0[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }
}
