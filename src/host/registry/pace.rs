//! A floor under the rate of a transfer: a registry that sends a byte now and then is never idle, and never done.
//!
//! Takes in a reader, a clock and how long a transfer may be slow; gives out the same bytes, or that they come too slowly. Only the time that
//! the network takes counts, not what is done with the bytes.

use std::io::{self, Read};
use std::time::Duration;

use crate::registry::TooSlow;

/// A layer of 30 MB takes eight hours at this rate: nobody waits for that.
const MIN_BYTES_PER_SECOND: u64 = 1024;

/// On which side of a reader the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Bytes are read from it.
    Before,
    /// Bytes that were read are sent to it before the next are read.
    Behind,
}

/// A reader that must not be too slow.
pub(super) struct Paced<R, C> {
    inner: R,
    clock: C,
    network: Network,
    window: Duration,
    /// What the network has taken in this window, of time and of bytes.
    time: Duration,
    bytes: u64,
    /// When the last bytes were given out.
    given: Option<Duration>,
}

impl<R: Read, C: Fn() -> Duration> Paced<R, C> {
    /// Measures over such windows.
    pub(super) fn new(inner: R, network: Network, window: Duration, clock: C) -> Self {
        Self { inner, clock, network, window, time: Duration::ZERO, bytes: 0, given: None }
    }

    /// Counts what the network took; whether that was too long.
    fn count(&mut self, time: Duration, bytes: u64) -> io::Result<()> {
        self.time += time;
        self.bytes += bytes;
        if self.time < self.window {
            return Ok(());
        }
        if u128::from(self.bytes) * 1000 < u128::from(MIN_BYTES_PER_SECOND) * self.window.as_millis() {
            let fault = TooSlow { bytes: self.bytes, seconds: self.time.as_secs(), least: MIN_BYTES_PER_SECOND };
            return Err(io::Error::other(fault));
        }
        (self.time, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

impl<R: Read, C: Fn() -> Duration> Read for Paced<R, C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let started = (self.clock)();
        if let (Network::Behind, Some(given)) = (self.network, self.given) {
            self.count(started.saturating_sub(given), 0)?;
        }
        let read = self.inner.read(buffer)?;
        let ended = (self.clock)();
        self.given = Some(ended);
        match self.network {
            // The end is not late.
            Network::Before if read > 0 => self.count(ended.saturating_sub(started), read as u64)?,
            Network::Before => {}
            Network::Behind => self.bytes += read as u64,
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    /// Gives so many bytes at a time, and each time takes so long.
    struct Slow<'a> {
        bytes: usize,
        time: Duration,
        clock: &'a Cell<Duration>,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.clock.set(self.clock.get() + self.time);
            buffer[..self.bytes].fill(7);
            Ok(self.bytes)
        }
    }

    /// How often it may be read before it is too slow, up to a hundred times; in between somebody does something for so long.
    fn reads(network: Network, bytes: usize, time: Duration, between: Duration) -> usize {
        let clock = Cell::new(Duration::from_secs(5));
        let mut paced = Paced::new(Slow { bytes, time, clock: &clock }, network, WINDOW, || clock.get());
        let mut buffer = vec![0; 64 * 1024];
        let is_good = |result: io::Result<usize>| {
            clock.set(clock.get() + between);
            result.is_ok()
        };
        (0..100).take_while(|_| is_good(paced.read(&mut buffer))).count()
    }

    #[test]
    fn who_sends_a_byte_now_and_then_is_given_up() {
        assert_eq!(reads(Network::Before, 1, Duration::from_secs(1), Duration::ZERO), 9, "one window");
        assert_eq!(reads(Network::Before, 1023, Duration::from_secs(1), Duration::ZERO), 9);
    }

    #[test]
    fn who_is_as_fast_as_a_modem_is_waited_for() {
        assert_eq!(reads(Network::Before, 1024, Duration::from_secs(1), Duration::ZERO), 100);
        assert_eq!(reads(Network::Before, 10_240, Duration::from_secs(10), Duration::ZERO), 100, "in large pieces");
    }

    #[test]
    fn a_slow_disk_is_not_a_slow_network() {
        let long = Duration::from_secs(60);
        assert_eq!(reads(Network::Before, 1, Duration::from_millis(1), long), 100, "what is received is written");
        assert_eq!(reads(Network::Behind, 1, long, Duration::from_millis(1)), 100, "what is sent is read");
    }

    #[test]
    fn who_takes_in_a_byte_now_and_then_is_given_up() {
        assert_eq!(reads(Network::Behind, 1, Duration::ZERO, Duration::from_secs(1)), 10);
        assert_eq!(reads(Network::Behind, 1024, Duration::ZERO, Duration::from_secs(1)), 100);
    }

    #[test]
    fn every_window_counts_for_itself() {
        let clock = Cell::new(Duration::ZERO);
        let mut paced = Paced::new(
            Slow { bytes: 60_000, time: Duration::from_secs(5), clock: &clock },
            Network::Before,
            WINDOW,
            || clock.get(),
        );
        let mut buffer = vec![0; 64 * 1024];
        assert!(paced.read(&mut buffer).is_ok() && paced.read(&mut buffer).is_ok());
        paced.inner.bytes = 1;
        assert!(paced.read(&mut buffer).is_ok());
        let fault = paced.read(&mut buffer).expect_err("two bytes in ten seconds").to_string();
        assert_eq!(fault, "2 bytes in 10 s, where 1024 a second is the least");
    }
}
