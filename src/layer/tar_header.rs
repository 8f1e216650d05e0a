//! The headers of our tar entries.
//!
//! Takes in a path, a kind, a size and the epoch; gives out the 512-byte blocks that stand before the content. They are our own
//! because the defaults of tar libraries take owners, times and sparse maps from the host. Plain USTAR (POSIX.1-1988), with a PAX
//! record (POSIX.1-2001) only for a value that does not fit.

use crate::epoch::Epoch;
use crate::tree::Mode;

/// The size of a tar block.
pub const BLOCK_SIZE: u64 = 512;

/// Two zero blocks end a tar.
pub const END: [u8; 1024] = [0; 1024];

const ZEROS: [u8; 512] = [0; 512];
/// The largest number in eleven octal digits.
const OCTAL_11_MAX: u64 = 0o777_7777_7777;

/// What an entry is; nothing else is ever packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File(Mode),
    /// A folder, always 0755.
    Folder,
}

/// The header blocks of one entry; the path of a folder ends in a slash.
pub fn encode(path: &str, kind: Kind, size: u64, epoch: Epoch) -> Vec<u8> {
    let place = split_path(path);
    let mut records = Vec::new();
    if place.is_none() {
        records.extend(pax_record("path", path));
    }
    if size > OCTAL_11_MAX {
        records.extend(pax_record("size", &size.to_string()));
    }
    if epoch.seconds() > OCTAL_11_MAX {
        records.extend(pax_record("mtime", &epoch.seconds().to_string()));
    }
    let mut blocks = Vec::new();
    if !records.is_empty() {
        blocks.extend(block(("", "PaxHeader"), b'x', 0o644, records.len() as u64, epoch));
        blocks.extend(&records);
        blocks.extend(padding(records.len() as u64));
    }
    let (type_flag, mode) = match kind {
        Kind::File(mode) => (b'0', mode.bits()),
        Kind::Folder => (b'5', 0o755),
    };
    blocks.extend(block(place.unwrap_or(("", "PaxContent")), type_flag, mode, size, epoch));
    blocks
}

/// The zeros that fill the last block of a content of this size.
pub fn padding(size: u64) -> &'static [u8] {
    match usize::try_from(size % BLOCK_SIZE) {
        Ok(used @ 1..) => &ZEROS[used..],
        _ => &[],
    }
}

/// Splits a path into USTAR's prefix and name; `None` when it does not fit or is not plain ASCII.
fn split_path(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= 100 {
        return Some(("", path));
    }
    let slashes = path.match_indices('/').map(|(at, _)| at);
    slashes
        .map(|at| (&path[..at], &path[at + 1..]))
        .find(|(prefix, name)| prefix.len() <= 155 && !name.is_empty() && name.len() <= 100)
}

/// `<length> <key>=<value>\n`, where the length counts its own digits.
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n").into_bytes()
}

fn block((prefix, name): (&str, &str), type_flag: u8, mode: u32, size: u64, epoch: Epoch) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, name.as_bytes());
    put(100, format!("{mode:07o}\0").as_bytes());
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, octal_11(size).as_bytes());
    put(136, octal_11(epoch.seconds()).as_bytes());
    put(148, b"        ");
    put(156, &[type_flag]);
    put(257, b"ustar\x0000");
    put(345, prefix.as_bytes());
    let checksum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{checksum:06o}\0 ").as_bytes());
    block
}

/// Eleven octal digits; zero when a PAX record carries the value.
fn octal_11(number: u64) -> String {
    let number = if number > OCTAL_11_MAX { 0 } else { number };
    format!("{number:011o}\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_path_is_one_block() {
        let header = encode("a/b", Kind::File(Mode::Plain), 5, Epoch::default());
        assert_eq!((header.len(), &header[..4], header[156]), (512, b"a/b\0".as_slice(), b'0'));
    }

    #[test]
    fn what_does_not_fit_gets_a_pax_record() {
        let late = Epoch::parse("253402300799").expect("the last second");
        let path = "n".repeat(101);
        let header = encode(&path, Kind::File(Mode::Plain), 0, late);
        let records = String::from_utf8_lossy(&header[512..700]).into_owned();
        assert_eq!(header.len(), 3 * 512);
        assert!(records.starts_with(&format!("111 path={path}\n22 mtime=253402300799\n\0")), "{records}");
    }

    #[test]
    fn a_pax_record_counts_its_own_digits() {
        let (shorter, longer) = ("x".repeat(90), "x".repeat(91));
        assert_eq!(pax_record("path", &shorter), format!("99 path={shorter}\n").into_bytes());
        assert_eq!(pax_record("path", &longer), format!("101 path={longer}\n").into_bytes());
        assert_eq!(pax_record("path", "x"), b"9 path=x\n");
    }

    #[test]
    fn padding_fills_the_block() {
        assert_eq!((padding(0).len(), padding(1).len(), padding(511).len(), padding(512).len()), (0, 511, 1, 0));
    }
}
