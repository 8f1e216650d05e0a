//! The SHA-256 digest by which content is named, and the ways to compute one.
//!
//! Takes in text from manifests and bytes from streams; gives out a checked [`Digest`], which is therefore safe as a file name,
//! and a [`Descriptor`]: digest and size. Knows no image format.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest, written `sha256:` and 64 lower-case hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The text is not a SHA-256 digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid digest `{}`: expected `sha256:` and 64 lower-case hexadecimal characters", .0.escape_debug())]
pub struct DigestFault(String);

impl Digest {
    /// Reads `sha256:<64 lower-case hexadecimal characters>`.
    pub fn parse(text: &str) -> Result<Self, DigestFault> {
        text.strip_prefix("sha256:").and_then(decode_hex).map(Self).ok_or_else(|| DigestFault(text.to_owned()))
    }

    /// Reads the 64 hexadecimal characters alone, as file names in an image have them.
    pub fn from_hex(text: &str) -> Result<Self, DigestFault> {
        decode_hex(text).map(Self).ok_or_else(|| DigestFault(text.to_owned()))
    }

    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 64 hexadecimal characters alone.
    pub fn hex(&self) -> String {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(HEX_DIGITS[usize::from(digit)])).collect()
    }
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
    }
    Some(bytes)
}

fn hex_value(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Digest {
    type Err = DigestFault;

    fn from_str(text: &str) -> Result<Self, DigestFault> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestFault;

    fn try_from(text: String) -> Result<Self, DigestFault> {
        Self::parse(&text)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// What content is expected to be: its digest and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Descriptor {
    /// The digest of the bytes.
    pub digest: Digest,
    /// How many bytes there are.
    pub size: u64,
}

impl Descriptor {
    /// Describes some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { digest: Digest::of(bytes), size: bytes.len() as u64 }
    }
}

/// Counts and hashes what passes.
#[derive(Clone, Default)]
pub struct Hasher {
    state: Sha256,
    size: u64,
}

impl Hasher {
    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// How many bytes were taken in so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Describes everything that was taken in.
    pub fn complete(self) -> Descriptor {
        Descriptor { digest: Digest(self.state.finalize().into()), size: self.size }
    }
}

/// A writer that hashes what it passes on.
pub struct HashingWriter<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> HashingWriter<W> {
    /// Hashes everything written to `inner` from now on.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::default() }
    }

    /// The writer below, and what was written.
    pub fn complete(self) -> (W, Descriptor) {
        (self.inner, self.hasher.complete())
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A reader that hashes what it passes on.
pub struct HashingReader<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> HashingReader<R> {
    /// Hashes everything read from `inner` from now on.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::default() }
    }

    /// The reader below.
    pub fn inner(&self) -> &R {
        &self.inner
    }

    /// Describes what was read.
    pub fn complete(self) -> Descriptor {
        self.hasher.complete()
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = Digest::parse(OF_NOTHING).expect("a digest");
        assert_eq!(digest, Digest::of(b""));
        assert_eq!(digest.to_string(), OF_NOTHING);
        assert_eq!(Digest::from_hex(&digest.hex()), Ok(digest));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let upper = OF_NOTHING.to_uppercase().replace("SHA256", "sha256");
        let short = &OF_NOTHING[..70];
        let long = format!("{OF_NOTHING}0");
        for text in ["", "sha256:", "sha256:../../etc/passwd", "sha512:00", &upper, short, &long, &OF_NOTHING[7..]] {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn readers_and_writers_hash_what_passes() {
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"two ").expect("memory takes everything");
        writer.write_all(b"parts").expect("memory takes everything");
        let (bytes, written) = writer.complete();
        let mut reader = HashingReader::new(bytes.as_slice());
        io::copy(&mut reader, &mut io::sink()).expect("memory gives everything");
        assert_eq!((written, reader.complete()), (Descriptor::of(b"two parts"), Descriptor::of(b"two parts")));
    }
}
