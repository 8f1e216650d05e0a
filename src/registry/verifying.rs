//! Bytes that are checked against their digest while they are read.

use std::io::{self, Read};

use crate::digest::{Descriptor, Hasher};

use super::error::SourceFault;

/// Gives out exactly the expected bytes: the last of them only when all together have the digest, so that nobody who reads ever has other
/// content as a whole.
pub(super) struct VerifyingReader<'a> {
    inner: Box<dyn Read + 'a>,
    expected: Descriptor,
    hasher: Hasher,
    fault: Option<SourceFault>,
    tell: &'a dyn Fn(u64),
}

impl<'a> VerifyingReader<'a> {
    /// Calls `tell` with the size of each piece.
    pub(super) fn new(inner: Box<dyn Read + 'a>, expected: Descriptor, tell: &'a dyn Fn(u64)) -> Self {
        Self { inner, expected, hasher: Hasher::default(), fault: None, tell }
    }

    /// How many bytes were given out or held back.
    pub(super) fn position(&self) -> u64 {
        self.hasher.size()
    }

    /// Why reading failed, when it did.
    pub(super) fn into_fault(self) -> Option<SourceFault> {
        self.fault
    }

    fn fail(&mut self, fault: SourceFault) -> io::Result<usize> {
        let error = io::Error::new(io::ErrorKind::InvalidData, fault.to_string());
        self.fault = Some(fault);
        Err(error)
    }
}

impl Read for VerifyingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.expected.size - self.position()).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let read = match self.inner.read(&mut buffer[..wanted]) {
            Ok(0) => return self.fail(SourceFault::Short(self.position())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return self.fail(SourceFault::Read(error.to_string())),
        };
        self.hasher.update(&buffer[..read]);
        if self.position() == self.expected.size {
            let actual = self.hasher.clone().complete().digest;
            if actual != self.expected.digest {
                return self.fail(SourceFault::Digest(actual));
            }
        }
        (self.tell)(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn read(bytes: &'static [u8], expected: Descriptor) -> (Vec<u8>, Option<String>) {
        let mut reader = VerifyingReader::new(
            Box::new(
                bytes.chunks(4).fold(Box::new(io::empty()) as Box<dyn Read>, |all, chunk| Box::new(all.chain(chunk))),
            ),
            expected,
            &|_| (),
        );
        let mut seen = Vec::new();
        let result = reader.read_to_end(&mut seen);
        let fault = reader.into_fault().map(|fault| fault.to_string());
        assert_eq!(result.is_err(), fault.is_some());
        (seen, fault)
    }

    #[test]
    fn good_bytes_pass_and_what_follows_them_does_not() {
        let expected = Descriptor::of(b"0123456789");
        assert_eq!(read(b"0123456789", expected), (b"0123456789".to_vec(), None));
        assert_eq!(read(b"0123456789 and more", expected), (b"0123456789".to_vec(), None));
    }

    #[test]
    fn bad_bytes_never_pass_as_a_whole() {
        let expected = Descriptor::of(b"0123456789");
        let (seen, fault) = read(b"0123x56789", expected);
        assert!(seen.len() < 10, "{seen:?}");
        assert_eq!(fault, Some(format!("it is damaged: its bytes have the digest {}", Digest::of(b"0123x56789"))));
        assert_eq!(read(b"01234", expected), (b"01234".to_vec(), Some("it is truncated to 5 bytes".to_owned())));
    }
}
