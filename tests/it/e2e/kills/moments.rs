//! Random moments that can be had again.

use std::time::Duration;

use crate::dice::{Dice, number_of, seed};
use crate::skip;

/// Moments that follow from a seed.
pub(crate) struct Moments(Dice);

impl Moments {
    /// How many are asked for by a variable of the environment, and where they come from; `None`, and a word about it, where none are.
    pub(crate) fn asked_by(variable: &str) -> Option<(u64, Self)> {
        let Some(number) = number_of(variable) else {
            skip::not_asked_for(format!("it takes long; {variable} says how often to do it"));
            return None;
        };
        let seed = seed();
        println!("{variable}={number} BOOTSMITH_SEED={seed}");
        Some((number, Self(Dice::of_seed(seed))))
    }

    /// A moment of a span of time, each as likely as any other.
    pub(crate) fn within(&mut self, span: Duration) -> Duration {
        let parts = u32::try_from(self.0.next() >> 32).expect("32 bits are left");
        span.mul_f64(f64::from(parts) / f64::from(u32::MAX))
    }
}
