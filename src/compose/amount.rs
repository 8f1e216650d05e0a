//! Numbers with a meaning: durations, sizes, processors, whole numbers, switches.

use super::value::{Value, value};

/// A time span (Compose Specification, 11-extension, "Specifying durations").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    nanoseconds: u64,
}

impl Duration {
    /// In milliseconds, rounded up.
    pub fn milliseconds(self) -> u64 {
        self.nanoseconds.div_ceil(1_000_000)
    }

    /// In seconds, rounded up.
    pub fn seconds(self) -> u64 {
        self.nanoseconds.div_ceil(1_000_000_000)
    }

    /// `{number}{unit}` one after the other, as Go reads it (`time.ParseDuration`); so do Compose and `docker stack`.
    fn read(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut total = 0_u64;
        while !rest.is_empty() {
            let number_end = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
            let (number, after) = rest.split_at(number_end);
            let is_of_number = |character: char| character.is_ascii_digit() || character == '.';
            let (unit, after) = after.split_at(after.find(is_of_number).unwrap_or(after.len()));
            total = total.checked_add(Decimal::read(number)?.times(nanoseconds_of(unit)?)?)?;
            rest = after;
        }
        // Go counts in 63 bits.
        (!text.is_empty() && i64::try_from(total).is_ok()).then_some(Self { nanoseconds: total })
    }
}

fn nanoseconds_of(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        "us" | "µs" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

value!(Duration, "duration", "write a number and a unit, as in `90s` or `1m30s`", Duration::read);

/// A number of bytes (Compose Specification, 11-extension, "Specifying byte values").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize {
    /// How many.
    pub bytes: u64,
}

impl ByteSize {
    /// By the rules of Docker (`github.com/docker/go-units`, `RAMInBytes`): powers of 1024 in any case, and fractions. What is less than a byte
    /// is left out.
    fn read(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
        let shift = match &text[number.len()..] {
            "" | "b" => 0,
            "k" | "kb" | "kib" => 10,
            "m" | "mb" | "mib" => 20,
            "g" | "gb" | "gib" => 30,
            "t" | "tb" | "tib" => 40,
            "p" | "pb" | "pib" => 50,
            _ => return None,
        };
        let number = number.strip_suffix(' ').unwrap_or(number);
        Some(Self { bytes: Decimal::read(number)?.times(1 << shift)? })
    }
}

value!(ByteSize, "size", "write a number and a unit, as in `256m` or `1g`", ByteSize::read);

/// A size, or `-1` for no limit (`memswap_limit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SizeOrUnlimited;

value!(SizeOrUnlimited, "size", "write a number and a unit, as in `1g`, or `-1` for no limit", |text| {
    (text == "-1" || ByteSize::parse(text).is_some()).then_some(Self)
});

/// A number of processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpus {
    nano: u64,
}

impl Cpus {
    /// In thousandths, what is less left out.
    pub fn thousandths(self) -> u64 {
        self.nano / 1_000_000
    }
}

value!(Cpus, "number of processors", "write a number, as in `0.5`", |text| {
    /// What the engine counts in (`NanoCPUs`).
    const NANO: u64 = 1_000_000_000;
    Some(Self { nano: Decimal::read(text)?.times(NANO)? })
});

/// A decimal number without a sign.
struct Decimal<'a> {
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = is_digits(whole) && is_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
        is_number.then_some(Self { whole, fraction })
    }

    /// So many units, what is less than one left out.
    fn times(&self, unit: u64) -> Option<u64> {
        /// More digits than one in 2^50 or in an hour of nanoseconds has say nothing.
        const MAX_DIGITS: usize = 16;
        let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
        let fraction = &self.fraction[..self.fraction.len().min(MAX_DIGITS)];
        let parts_of_one = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        let unit = u128::from(unit);
        let whole = number(self.whole)?.checked_mul(unit)?;
        u64::try_from(whole.checked_add(number(fraction)? * unit / parts_of_one)?).ok()
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Integer<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Value for Integer<MIN, MAX> {
    const WHAT: &'static str = "whole number";

    fn parse(text: &str) -> Option<Self> {
        let is_plain = !text.starts_with('+');
        text.parse().ok().filter(|number| is_plain && (MIN..=MAX).contains(number)).map(Self)
    }

    fn hint(_: &str) -> String {
        match (MIN, MAX) {
            (i64::MIN, i64::MAX) => "write a whole number, as in `10`".to_owned(),
            (_, i64::MAX) => format!("write a whole number, {MIN} or more"),
            _ => format!("write a whole number from {MIN} to {MAX}"),
        }
    }
}

/// A whole number that is not negative.
pub(super) type Count = Integer<0, { i64::MAX }>;

/// A part of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio;

value!(Ratio, "ratio", "write a number from 0 to 1, as in `0.25`", |text| {
    Decimal::read(text)?.times(1_000_000).filter(|millionths| *millionths <= 1_000_000).map(|_| Self)
});

/// `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Switch(pub(super) bool);

value!(Switch, "switch", "write `true` or `false`", |text| {
    let is_false = || ["0", "f", "false", "n", "no", "off"].contains(&text.to_ascii_lowercase().as_str());
    if is_true_word(text) { Some(Self(true)) } else { is_false().then_some(Self(false)) }
});

/// The words that Compose takes for `true` (compose-go, `interpolation`).
pub fn is_true_word(text: &str) -> bool {
    ["1", "t", "true", "y", "yes", "on"].contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_compose_writes_them() {
        for (text, milliseconds) in [
            ("1m30s", 90_000),
            ("500ms", 500),
            ("2h", 7_200_000),
            ("10us", 1),
            ("0s", 0),
            ("1.5m", 90_000),
            (".5s", 500),
            ("1h0.5s", 3_600_500),
        ] {
            assert_eq!(Duration::parse(text).map(Duration::milliseconds), Some(milliseconds), "{text}");
        }
        for text in ["", "5", "s", "1 s", "-1s", "1d", "1.5.1s", ".s", "99999999999999999999s", "9999999999h"] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_bytes() {
        for (text, size) in [
            ("64m", 64 << 20),
            ("1gb", 1 << 30),
            ("1.5G", 3 << 29),
            (".5k", 512),
            ("512 KiB", 512 << 10),
            ("12", 12),
            ("12b", 12),
            ("2t", 2 << 40),
            ("0.0001k", 0),
            ("0", 0),
        ] {
            assert_eq!(ByteSize::parse(text), Some(ByteSize { bytes: size }), "{text}");
        }
        for text in ["", "m", ".", "x", "-1", "1.5.2", "1bb", "1kk", "1 000", "1e3", "99999999999999999999p"] {
            assert_eq!(ByteSize::parse(text), None, "{text}");
        }
    }

    #[test]
    fn processors_are_counted_in_thousandths() {
        for (text, thousandths) in [("0.50", 500), ("2", 2000), ("1.25", 1250), (".5", 500), ("0", 0), ("0.0001", 0)] {
            assert_eq!(Cpus::parse(text).map(Cpus::thousandths), Some(thousandths), "{text}");
        }
        assert_eq!(Cpus::parse("many"), None);
    }
}
