//! The one instant an image knows.
//!
//! Takes in seconds since 1970 (`SOURCE_DATE_EPOCH`); gives out the time of every tar entry and of `created`. Knows no clock.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

/// Seconds since 1970-01-01T00:00:00Z, as <https://reproducible-builds.org/specs/source-date-epoch/> has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(u64);

/// The text is not a whole number of seconds between 1970 and 9999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid time `{0}`: expected seconds since 1970 (0 to {max})", max = Epoch::MAX_SECONDS)]
pub struct EpochFault(String);

impl Epoch {
    /// The last second of the year 9999: RFC 3339 has four digits for a year.
    pub const MAX_SECONDS: u64 = 253_402_300_799;

    /// Reads decimal seconds.
    pub fn parse(text: &str) -> Result<Self, EpochFault> {
        match text.parse() {
            Ok(seconds) if seconds <= Self::MAX_SECONDS => Ok(Self(seconds)),
            _ => Err(EpochFault(text.to_owned())),
        }
    }

    /// Reads what [`Display`](fmt::Display) prints.
    pub fn parse_rfc_3339(text: &str) -> Result<Self, EpochFault> {
        let time = humantime::parse_rfc3339(text).ok();
        let since_1970 = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        since_1970.map(|age| Self(age.as_secs())).ok_or_else(|| EpochFault(text.to_owned()))
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> u64 {
        self.0
    }
}

/// RFC 3339 in UTC with whole seconds: `2026-11-21T06:00:00Z`.
impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.0)).fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_printed_as_rfc_3339() {
        assert_eq!(Epoch::default().to_string(), "1970-01-01T00:00:00Z");
        let last = Epoch::parse("253402300799").expect("the last second");
        assert_eq!(last.to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn what_is_no_epoch_is_refused() {
        for text in ["", "-1", "1.5", "now", "253402300800"] {
            assert!(Epoch::parse(text).is_err(), "{text}");
        }
    }
}
