//! Hashes on a second thread while the data is read.
//!
//! Takes in a reader and a function that reads from it; gives out the function's result and the digest of what it read.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::block::{BLOCK_SIZE, Block};
use crate::digest::{Descriptor, Hasher};

/// As much of a block is filled by who reads through another one: several layers are looked through at once, and twice over.
const READ_SIZE: usize = BLOCK_SIZE / 4;
/// How many blocks may wait: enough that neither side waits for long.
const WAITING_BLOCKS: usize = 2;

/// Gives a reader to a function, and describes every byte that it read; another thread hashes them meanwhile.
pub(crate) fn hash_concurrently<R: Read, T>(reader: R, read: impl FnOnce(&mut dyn Read) -> T) -> (T, Descriptor) {
    hash_blocks_concurrently(|hashing| {
        let mut hashing_reader = HashingReader { reader, block: hashing.empty_block(), hashing };
        let result = read(&mut hashing_reader);
        hashing_reader.send();
        result
    })
}

/// Lets a function hand in blocks, and describes all of their bytes; another thread hashes them meanwhile.
pub(super) fn hash_blocks_concurrently<T>(work: impl FnOnce(&Hashing) -> T) -> (T, Descriptor) {
    let (full, to_hash) = sync_channel(WAITING_BLOCKS);
    let (hashed, done) = channel();
    thread::scope(|scope| {
        let hashing = scope.spawn(move || hash_blocks(&to_hash, &hashed));
        let result = work(&Hashing { full, done });
        (result, hashing.join().expect("hashing does not panic"))
    })
}

fn hash_blocks(full: &Receiver<Arc<Block>>, hashed: &Sender<Arc<Block>>) -> Descriptor {
    let mut hasher = Hasher::default();
    for block in full {
        hasher.update(block.bytes());
        // At the end nobody takes them any more.
        let _ = hashed.send(block);
    }
    hasher.complete()
}

/// The way to the thread that hashes, and back.
pub(super) struct Hashing {
    full: SyncSender<Arc<Block>>,
    done: Receiver<Arc<Block>>,
}

impl Hashing {
    /// A block to fill: one that was hashed and that nobody holds any more, so that there are never more than a few.
    pub(super) fn empty_block(&self) -> Block {
        let done = self.done.try_recv().ok().and_then(Arc::into_inner);
        done.map_or_else(Block::empty, Block::emptied)
    }

    /// Has a block hashed; it can be read meanwhile.
    pub(super) fn hash(&self, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        self.full.send(Arc::clone(&block)).expect("the hashing thread ends after this one");
        block
    }
}

/// A reader that hands on what it read, in blocks.
struct HashingReader<'a, R> {
    reader: R,
    block: Block,
    hashing: &'a Hashing,
}

impl<R> HashingReader<'_, R> {
    fn send(&mut self) {
        let block = std::mem::replace(&mut self.block, self.hashing.empty_block());
        self.hashing.hash(block);
    }
}

impl<R: Read> Read for HashingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = self.block.bytes().len();
        let read = self.block.read(&mut self.reader, READ_SIZE.min(start + buffer.len()))?;
        buffer[..read].copy_from_slice(&self.block.bytes()[start..]);
        if self.block.bytes().len() == READ_SIZE {
            self.send();
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_described() {
        for size in [0, 1, READ_SIZE - 1, READ_SIZE, READ_SIZE + 1, BLOCK_SIZE, 20 * BLOCK_SIZE + 7] {
            let bytes: Vec<u8> = (0..size).map(|index| index.to_le_bytes()[0]).collect();
            let (read, described) = hash_concurrently(bytes.as_slice(), |reader| io::copy(reader, &mut io::sink()));
            assert_eq!((read.ok(), described), (Some(size as u64), Descriptor::of(&bytes)));
        }
    }

    #[test]
    fn only_what_is_read_is_described() {
        let (read, described) = hash_concurrently(b"abc".as_slice(), |reader| reader.read(&mut [0; 2]));
        assert_eq!((read.ok(), described), (Some(2), Descriptor::of(b"ab")));
    }
}
