//! Chances that can be had again: they follow from a seed.

use std::hash::{BuildHasher as _, RandomState};

/// Numbers from a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn of_seed(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, each as likely as any other.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a limit fits");
        usize::try_from(self.next() % limit).expect("what is below a limit fits")
    }

    /// True once in `times` cases.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// The seed of `BOOTSMITH_SEED`, or a new one: what every hash map of a process starts from is random.
pub(crate) fn seed() -> u64 {
    number_of("BOOTSMITH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 32)
}

/// A number of the environment.
pub(crate) fn number_of(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("invalid number in `{variable}`: {text}")))
}
