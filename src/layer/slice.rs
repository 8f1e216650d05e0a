//! A part of an open file, read at offsets.
//!
//! Takes in an open file; gives out readers of a part of it. The part stays readable when its name is taken by another file meanwhile, because
//! the file is held open. Opens no file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::digest::{Digest, Hasher};

/// A part of an open file.
#[derive(Clone, Debug)]
pub struct FileSlice {
    file: Arc<File>,
    /// When the file was last written to before it was read.
    modified: Option<SystemTime>,
    offset: u64,
    size: u64,
}

/// How much is hashed at once.
const HASH_SIZE: usize = 256 * 1024;
/// Writes that start at a page are the ones a kernel takes in large pieces.
const PAGE_SIZE: u64 = 4096;

impl FileSlice {
    /// The first `size` bytes of a file.
    pub fn whole(file: File, size: u64) -> Self {
        Self { modified: modified(&file), file: Arc::new(file), offset: 0, size }
    }

    /// A part of this part; `None` when it would reach beyond the end.
    pub fn part(&self, offset: u64, size: u64) -> Option<Self> {
        let fits = offset.checked_add(size).is_some_and(|end| end <= self.size);
        fits.then(|| Self { file: Arc::clone(&self.file), modified: self.modified, offset: self.offset + offset, size })
    }

    /// How many bytes the part has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of the part.
    pub fn digest(&self) -> io::Result<Digest> {
        let mut hasher = Hasher::default();
        let mut reader = self.reader();
        let mut buffer = vec![0; HASH_SIZE];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hasher.complete().digest),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// Reads the part from its start, independently of other readers.
    pub fn reader(&self) -> SliceReader<'_> {
        SliceReader { slice: self, position: 0 }
    }

    /// Whether the file was written to since it was opened.
    pub(super) fn was_written_to(&self) -> bool {
        modified(&self.file) != self.modified
    }
}

/// How far the next write starts behind the start of a page: a piece that is shorter by as much lets those after it start at a page.
pub(super) fn beyond_page(target: &mut File) -> io::Result<usize> {
    Ok(usize::try_from(target.stream_position()? % PAGE_SIZE).unwrap_or(0))
}

fn modified(file: &File) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// Reads a [`FileSlice`] at offsets, leaving the file's cursor alone.
pub struct SliceReader<'a> {
    slice: &'a FileSlice,
    position: u64,
}

impl SliceReader<'_> {
    /// Skips bytes; says whether there were as many.
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
        let read = self.slice.file.read_at(&mut buffer[..wanted], self.slice.offset + self.position)?;
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
