//! Sizes as Compose writes them: `64m`, `1.5gb`, `512KiB`.

/// The number of bytes, by the rules of Docker (`github.com/docker/go-units`, `RAMInBytes`): powers of 1024 in any case, and fractions. What is
/// less than a byte is left out.
pub(super) fn bytes(text: &str) -> Option<u64> {
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
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let part = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<u128>().ok() };
    // More digits than a byte in the largest unit has say nothing.
    let fraction = &fraction[..fraction.len().min(MAX_FRACTION_DIGITS)];
    let parts_of_one = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let bytes = part(whole)?.checked_mul(1 << shift)? + (part(fraction)? << shift) / parts_of_one;
    u64::try_from(bytes).ok()
}

/// 2^-50 is more than 10^-16.
const MAX_FRACTION_DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(bytes(text), Some(size), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_none() {
        for text in ["", "m", ".", "x", "-1", "1.5.2", "1bb", "1kk", "1 000", "1e3", "99999999999999999999p"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
