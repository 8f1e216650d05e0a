//! Faults that a test injects: which request, and what happens to it.

use std::time::Duration;

use super::status::Status;

/// What happens instead of an answer, or before it.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// The request is refused.
    Refuse(Status),
    /// The connection is closed without a word, before the request has done anything.
    Reset,
    /// The request is done, and the connection closed without a word.
    ResetAfterwards,
    /// Nothing is ever answered.
    Hang,
    /// The answer is late.
    Delay(Duration),
}

/// A rule: the requests that it fits, and which of them it strikes.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    method: String,
    part: String,
    skip: usize,
    times: usize,
    effect: Effect,
}

impl Rule {
    /// For requests whose method is this one (or `*`) and whose path and query have this part; the first is struck.
    pub(crate) fn new(method: &str, part: &str, effect: Effect) -> Self {
        Self { method: method.to_owned(), part: part.to_owned(), skip: 0, times: 1, effect }
    }

    /// Lets so many requests pass before.
    pub(crate) fn after(mut self, passed: usize) -> Self {
        self.skip = passed;
        self
    }

    /// Strikes so many requests.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Strikes every request.
    pub(crate) fn always(self) -> Self {
        self.times(usize::MAX)
    }

    fn fits(&self, method: &str, target: &str) -> bool {
        self.times > 0 && (self.method == "*" || self.method == method) && target.contains(&self.part)
    }
}

/// What strikes a request; rules count.
pub(super) fn strike(rules: &mut [Rule], method: &str, target: &str) -> Option<Effect> {
    let rule = rules.iter_mut().find(|rule| rule.fits(method, target))?;
    if rule.skip > 0 {
        rule.skip -= 1;
        return None;
    }
    rule.times = rule.times.saturating_sub(usize::from(rule.times != usize::MAX));
    Some(rule.effect.clone())
}
