//! Work on several processors: items side by side, and hashing beside reading.
//!
//! Takes in work that shares nothing; gives out results in the order of the items, whichever was done first.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::digest::{Descriptor, Hasher};

/// Does the same to every item, as many at a time as there are processors.
pub(super) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let take = || {
        let indexes = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let taken = indexes.map_while(|index| Some((index, items.get(index)?)));
        taken.map(|(index, item)| (index, work(item))).collect::<Vec<_>>()
    };
    let mut done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..processors.min(items.len())).map(|_| scope.spawn(take)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("work does not panic")).collect()
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Blocks are hashed in pieces of this size.
const BLOCK_SIZE: usize = 256 * 1024;
/// How many blocks may wait: enough that neither side waits for long.
const WAITING_BLOCKS: usize = 4;

/// Gives a reader to a function, and describes every byte that it read; another thread hashes them meanwhile.
pub(super) fn hash_beside<R: Read, T>(reader: R, read: impl FnOnce(&mut dyn Read) -> T) -> (T, Descriptor) {
    let (full, to_hash) = sync_channel::<Vec<u8>>(WAITING_BLOCKS);
    let (hashed, empty) = channel();
    thread::scope(|scope| {
        let hashing = scope.spawn(move || hash_blocks(&to_hash, &hashed));
        let mut beside = Beside { reader, block: Vec::with_capacity(BLOCK_SIZE), full, empty };
        let result = read(&mut beside);
        beside.send();
        drop(beside);
        (result, hashing.join().expect("hashing does not panic"))
    })
}

/// Blocks go back empty, so that there are never more than a few.
fn hash_blocks(full: &Receiver<Vec<u8>>, hashed: &Sender<Vec<u8>>) -> Descriptor {
    let mut hasher = Hasher::default();
    for mut block in full {
        hasher.update(&block);
        block.clear();
        // At the end nobody takes them any more.
        let _ = hashed.send(block);
    }
    hasher.complete()
}

/// A reader that hands on what it read, in blocks.
struct Beside<R> {
    reader: R,
    block: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
}

impl<R> Beside<R> {
    fn send(&mut self) {
        let empty = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK_SIZE));
        let block = std::mem::replace(&mut self.block, empty);
        self.full.send(block).expect("the hashing thread ends after this one");
    }
}

impl<R: Read> Read for Beside<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.block.extend_from_slice(&buffer[..read]);
        if self.block.len() >= BLOCK_SIZE {
            self.send();
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(in_parallel(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert!(in_parallel(&[], |item: &u32| *item).is_empty());
    }

    #[test]
    fn what_is_read_is_described() {
        for size in [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 20 * BLOCK_SIZE + 7] {
            let bytes: Vec<u8> = (0..size).map(|index| index.to_le_bytes()[0]).collect();
            let (read, described) = hash_beside(bytes.as_slice(), |reader| io::copy(reader, &mut io::sink()));
            assert_eq!((read.ok(), described), (Some(size as u64), Descriptor::of(&bytes)));
        }
    }

    #[test]
    fn only_what_is_read_is_described() {
        let (read, described) = hash_beside(b"abc".as_slice(), |reader| reader.read(&mut [0; 2]));
        assert_eq!((read.ok(), described), (Some(2), Descriptor::of(b"ab")));
    }
}
