//! Tags as versions: which comes before which.
//!
//! Takes in texts; gives out an order in which 1.9 comes before 1.10, a pre-release before its release as in Semantic Versioning, and other
//! tags after all versions. Numbers are compared as numbers, however long they are.

use std::cmp::Ordering;

/// A tag that is a version: numbers, and what follows them.
struct Version<'a> {
    numbers: Vec<&'a str>,
    suffix: &'a str,
}

/// Which of two tags comes first. Only equal tags are equal.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    let order = match (Version::parse(one), Version::parse(other)) {
        (Some(one), Some(other)) => one.compare(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => compare_words(one, other),
    };
    order.then_with(|| one.cmp(other))
}

impl<'a> Version<'a> {
    /// `1.4.2`, `v1.4`, `16`, `1.4.2-compose`, `1.5.0rc1`.
    fn parse(tag: &'a str) -> Option<Self> {
        let text = tag.strip_prefix('v').unwrap_or(tag);
        let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
        let (head, suffix) = text.split_at(end);
        let numbers: Vec<_> = head.trim_end_matches('.').split('.').collect();
        let are_numbers = numbers.iter().all(|number| !number.is_empty());
        // A letter right behind one number is more likely a part of a hash.
        let ends_well = suffix.is_empty() || suffix.starts_with(['-', '_']) || numbers.len() > 1;
        (are_numbers && ends_well).then_some(Self { numbers, suffix })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let length = self.numbers.len().max(other.numbers.len());
        let numbers = (0..length).map(|index| {
            let number = |version: &Self| version.numbers.get(index).copied().unwrap_or("0");
            compare_numbers(number(self), number(other))
        });
        let numbers = numbers.fold(Ordering::Equal, Ordering::then);
        // Without a suffix is the release itself.
        let is_release = |version: &Self| version.suffix.is_empty();
        numbers.then(is_release(self).cmp(&is_release(other))).then_with(|| compare_words(self.suffix, other.suffix))
    }
}

/// Piece by piece: digits as a number, which comes before anything else.
fn compare_words(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    while !one.is_empty() && !other.is_empty() {
        let ((left, rest), (right, other_rest)) = (first_piece(one), first_piece(other));
        let order = match (is_number(left), is_number(right)) {
            (true, true) => compare_numbers(left, right),
            (left_is_number, right_is_number) => right_is_number.cmp(&left_is_number).then(left.cmp(right)),
        };
        if order.is_ne() {
            return order;
        }
        (one, other) = (rest, other_rest);
    }
    one.len().cmp(&other.len())
}

/// The digits, or the other characters, that a text starts with.
fn first_piece(text: &str) -> (&str, &str) {
    let starts_with_number = is_number(text);
    let end = text.find(|character: char| character.is_ascii_digit() != starts_with_number);
    text.split_at(end.unwrap_or(text.len()))
}

fn is_number(text: &str) -> bool {
    text.starts_with(|character: char| character.is_ascii_digit())
}

/// Texts of digits by their value: a longer one is larger.
fn compare_numbers(one: &str, other: &str) -> Ordering {
    let [one, other] = [one, other].map(|number| number.trim_start_matches('0'));
    one.len().cmp(&other.len()).then(one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_in_their_order_and_the_rest_after_them() {
        let sorted = [
            "0.9",
            "v0.10.0",
            "1",
            "1.0",
            "1.4.2-compose",
            "1.4.2-rc.2",
            "1.4.2-rc.10",
            "1.4.2-swarm",
            "1.4.2",
            "1.5.0rc1",
            "1.5.0rc12",
            "1.5.0",
            "1.10.0",
            "v2.0.0",
            "20261121",
            "99999999999999999999999999.1",
            "1a2b3c",
            "a2",
            "a10",
            "latest",
            "sha256-00",
            "v",
        ];
        let mut tags = sorted.to_vec();
        for _ in 0..sorted.len() {
            tags.rotate_left(1);
            let mut again = tags.clone();
            again.sort_by(|one, other| compare(one, other));
            assert_eq!(again, sorted);
        }
    }

    proptest::proptest! {
        /// Sorting takes no order that contradicts itself.
        #[test]
        fn it_is_an_order(tags in proptest::collection::vec("[v01a.-]{1,6}", 3)) {
            let [a, b, c] = [&tags[0], &tags[1], &tags[2]];
            proptest::prop_assert_eq!(compare(a, b), compare(b, a).reverse());
            proptest::prop_assert_eq!(compare(a, b).is_eq(), a == b);
            if compare(a, b).is_le() && compare(b, c).is_le() {
                proptest::prop_assert!(compare(a, c).is_le(), "{} {} {}", a, b, c);
            }
        }
    }
}
