//! Reading on another processor, ahead of the work that writes the bytes.
//!
//! Takes in a reader and a function that takes its blocks, one after the other.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use super::block::{BLOCK_SIZE, Block};

/// How many blocks may wait: enough that neither side waits for long.
const WAITING_BLOCKS: usize = 2;

/// Gives every block to a function while another thread reads the next ones. The first block has a size of its own, so that those after it may start
/// where they are written best.
pub(super) fn read_ahead<R: Read + Send>(
    mut reader: R,
    first: usize,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut block = Block::empty();
    let may_go_on = block.fill(&mut reader, first)?;
    take(block.bytes())?;
    if !may_go_on {
        return Ok(());
    }
    let (full, blocks) = sync_channel(WAITING_BLOCKS);
    let (done, empty) = channel();
    thread::scope(|scope| {
        scope.spawn(move || read_blocks(reader, &full, &empty));
        for block in blocks {
            let block: Block = block?;
            take(block.bytes())?;
            // At the end nobody fills it any more.
            let _ = done.send(block);
        }
        Ok(())
    })
}

/// Ends with the bytes, with an error, or when nobody takes them any more.
fn read_blocks(mut reader: impl Read, full: &SyncSender<io::Result<Block>>, empty: &Receiver<Block>) {
    loop {
        let mut block = empty.try_recv().map_or_else(|_| Block::empty(), Block::emptied);
        let filled = block.fill(&mut reader, BLOCK_SIZE);
        let is_last = !matches!(filled, Ok(true));
        if full.send(filled.map(|_| block)).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(reader: impl Read + Send, first: usize) -> (Vec<u8>, io::Result<()>) {
        let mut taken = Vec::new();
        let result = read_ahead(reader, first, |bytes| {
            taken.extend(bytes);
            Ok(())
        });
        (taken, result)
    }

    #[test]
    fn every_byte_comes_once_and_in_order() {
        for size in [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 20 * BLOCK_SIZE + 7] {
            let bytes: Vec<u8> = (0..size).map(|index| (index / 3).to_le_bytes()[0]).collect();
            for first in [1, 512, BLOCK_SIZE] {
                let (taken, result) = taken(bytes.as_slice(), first);
                assert!(result.is_ok() && taken == bytes, "{size} {first}");
            }
        }
    }

    #[test]
    fn an_error_of_the_reader_comes_after_its_bytes() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _buffer: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        for size in [0, BLOCK_SIZE, 3 * BLOCK_SIZE] {
            let bytes = vec![7; size];
            let (taken, result) = taken(bytes.as_slice().chain(Broken), BLOCK_SIZE);
            assert_eq!((taken, result.map_err(|error| error.kind())), (bytes, Err(io::ErrorKind::UnexpectedEof)));
        }
    }

    #[test]
    fn who_cannot_take_more_ends_the_reading() {
        let mut blocks = 0;
        let result = read_ahead(io::repeat(7), BLOCK_SIZE, |_| {
            blocks += 1;
            if blocks < 5 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        });
        assert_eq!(result.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
    }
}
