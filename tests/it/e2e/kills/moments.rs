//! Random moments that can be had again.

use crate::skip;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Moments that follow from a seed (splitmix64).
pub(crate) struct Moments {
    seed: u64,
    state: u64,
}

impl Moments {
    /// How many are asked for by a variable of the environment, and where they come from; `None`, and a word about it, where none are.
    pub(crate) fn asked_by(variable: &str) -> Option<(u64, Self)> {
        let Some(number) = number_of(variable) else {
            skip::not_asked_for(format!("it takes long; {variable} says how often to do it"));
            return None;
        };
        let moments = Self::of_seed(number_of("BOOTSMITH_SEED").unwrap_or_else(new_seed));
        println!("{variable}={number} BOOTSMITH_SEED={}", moments.seed);
        Some((number, moments))
    }

    fn of_seed(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// A moment of a span of time, each as likely as any other.
    pub(crate) fn within(&mut self, span: Duration) -> Duration {
        let parts = u32::try_from(self.next() >> 32).expect("32 bits are left");
        span.mul_f64(f64::from(parts) / f64::from(u32::MAX))
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What every hash map of a process starts from is random.
fn new_seed() -> u64 {
    RandomState::new().hash_one(0) >> 32
}

/// A number of the environment.
fn number_of(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{variable}` is no number: {text}")))
}
