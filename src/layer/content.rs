//! Where the bytes of a blob are: in memory, or a part of an open file.
//!
//! Takes in bytes or an open file; gives out readers, and a fast way to copy. A part of a file stays readable when its name is
//! taken by another file meanwhile, because the file is held open. Opens no file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

/// The bytes of a blob.
#[derive(Clone, Debug)]
pub enum Content {
    /// Bytes in memory.
    Memory(Arc<[u8]>),
    /// A part of a file.
    File(FileSlice),
}

impl Content {
    /// Reads the bytes from their start.
    pub fn reader(&self) -> Box<dyn Read + Send + '_> {
        match self {
            Self::Memory(bytes) => Box::new(bytes.as_ref()),
            Self::File(slice) => Box::new(slice.reader()),
        }
    }

    /// Copies the bytes to a file, calling `progress` with the size of each piece; gives how many bytes there were.
    pub fn copy_to(&self, target: &mut File, progress: &dyn Fn(u64)) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => {
                io::Write::write_all(target, bytes)?;
                progress(bytes.len() as u64);
                Ok(bytes.len() as u64)
            }
            Self::File(slice) => slice.copy_to(target, progress),
        }
    }
}

/// A file that several slices read.
#[derive(Debug)]
struct Shared {
    file: File,
    /// Held while the file's one cursor is in use; reading at an offset does not need it.
    cursor: Mutex<()>,
}

/// A part of an open file.
#[derive(Clone, Debug)]
pub struct FileSlice {
    shared: Arc<Shared>,
    offset: u64,
    size: u64,
}

/// How much is copied between two calls of `progress`.
const COPY_SIZE: u64 = 16 * 1024 * 1024;

impl FileSlice {
    /// The first `size` bytes of a file.
    pub fn whole(file: File, size: u64) -> Self {
        Self { shared: Arc::new(Shared { file, cursor: Mutex::new(()) }), offset: 0, size }
    }

    /// A part of this part; `None` when it would reach beyond the end.
    pub fn part(&self, offset: u64, size: u64) -> Option<Self> {
        let fits = offset.checked_add(size).is_some_and(|end| end <= self.size);
        fits.then(|| Self { shared: Arc::clone(&self.shared), offset: self.offset + offset, size })
    }

    /// Where the part starts in its file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many bytes the part has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.shared.file
    }

    /// Reads the part from its start, independently of other readers.
    pub fn reader(&self) -> SliceReader<'_> {
        SliceReader { slice: self, position: 0 }
    }

    /// The kernel copies between two files without the bytes passing through here (`copy_file_range`, `sendfile`).
    fn copy_to(&self, target: &mut File, progress: &dyn Fn(u64)) -> io::Result<u64> {
        let _guard = self.shared.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let mut source = &self.shared.file;
        source.seek(SeekFrom::Start(self.offset))?;
        let mut copied = 0;
        while copied < self.size {
            let piece = io::copy(&mut source.take(COPY_SIZE.min(self.size - copied)), target)?;
            if piece == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            copied += piece;
            progress(piece);
        }
        Ok(copied)
    }
}

/// Reads a [`FileSlice`] at offsets, leaving the file's cursor alone.
pub struct SliceReader<'a> {
    slice: &'a FileSlice,
    position: u64,
}

impl SliceReader<'_> {
    /// Passes over bytes; says whether there were as many.
    pub fn skip(&mut self, bytes: u64) -> bool {
        let fits = bytes <= self.slice.size - self.position;
        self.position += if fits { bytes } else { 0 };
        fits
    }
}

impl Read for SliceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.slice.size - self.position).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.slice.shared.file.read_at(&mut buffer[..wanted], self.slice.offset + self.position)?;
        if read == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SliceReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.slice.size.checked_add_signed(by),
        };
        let target = target.filter(|position| *position <= self.slice.size).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.position = target;
        Ok(target)
    }
}
