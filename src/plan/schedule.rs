//! When a script is started by the clock: the five fields of a crontab, as Kubernetes reads them.
//!
//! Takes in a text; gives out a [`Schedule`] that cron and Kubernetes (`ParseStandard` of robfig/cron) read alike, or the part of the text that
//! they do not.

use std::fmt;
use std::ops::Range;

/// A schedule that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule(String);

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScheduleFault {
    /// The bytes of the part.
    pub(super) range: Range<usize>,
    /// What is wrong.
    pub(super) message: String,
}

/// One of the five fields.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Words for the numbers from the least on.
    words: &'static [&'static str],
}

const FIELDS: &[Field] = &[
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day of the month", least: 1, most: 31, words: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { name: "day of the week", least: 0, most: 6, words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/// Words for whole schedules.
const NAMED: &[&str] = &["@annually", "@daily", "@hourly", "@midnight", "@monthly", "@weekly", "@yearly"];

impl Schedule {
    /// Reads a text.
    pub(super) fn parse(text: &str) -> Result<Self, ScheduleFault> {
        let whole = |message: String| ScheduleFault { range: 0..text.len(), message };
        if text.starts_with('@') {
            let is_known = NAMED.contains(&text);
            return if is_known {
                Ok(Self(text.to_owned()))
            } else {
                Err(whole(format!("`{text}` is an unknown schedule")))
            };
        }
        let parts = parts(text, 0, ' ').filter(|part| !part.is_empty()).collect::<Vec<_>>();
        if parts.len() != FIELDS.len() {
            return Err(whole(format!("a schedule has {} fields, and `{text}` has {}", FIELDS.len(), parts.len())));
        }
        for (field, part) in FIELDS.iter().zip(&parts) {
            field.check(text, part)?;
        }
        let texts: Vec<_> = parts.into_iter().map(|part| &text[part]).collect();
        Ok(Self(texts.join(" ")))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The ranges of bytes between separators; the text begins at `start`.
fn parts(text: &str, start: usize, separator: char) -> impl Iterator<Item = Range<usize>> {
    let mut at = start;
    text.split(separator).map(move |part| {
        let range = at..at + part.len();
        at = range.end + separator.len_utf8();
        range
    })
}

impl Field {
    /// A list of `*`, `N`, `N-N`, each perhaps with a step.
    fn check(&self, text: &str, part: &Range<usize>) -> Result<(), ScheduleFault> {
        for item in parts(&text[part.clone()], part.start, ',') {
            let written = &text[item.clone()];
            self.check_item(written).map_err(|message| ScheduleFault { range: item, message })?;
        }
        Ok(())
    }

    fn check_item(&self, item: &str) -> Result<(), String> {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        if let Some(step) = step
            && !step.parse::<u32>().is_ok_and(|step| (1..=self.most).contains(&step))
        {
            return Err(format!("`{step}` is an invalid step of the {}", self.name));
        }
        if range == "*" {
            return Ok(());
        }
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (self.number(first)?, self.number(last)?);
        if first > last { Err(format!("`{range}` begins behind its end")) } else { Ok(()) }
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let word = self.words.iter().zip(self.least..).find(|(word, _)| word.eq_ignore_ascii_case(text));
        let number = word.map(|(_, number)| number).or_else(|| text.parse().ok().filter(|_| !text.starts_with('+')));
        number.filter(|number| (self.least..=self.most).contains(number)).ok_or_else(|| {
            format!("`{text}` is an invalid {}: it is a number from {} to {}", self.name, self.least, self.most)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cron_and_kubernetes_read_alike_is_taken() {
        for (written, read) in [
            ("0 3 * * *", "0 3 * * *"),
            ("*/15  8-18 * jan-MAR mon,wed,FRI", "*/15 8-18 * jan-MAR mon,wed,FRI"),
            ("5/20 0 1,15 * 0-6", "5/20 0 1,15 * 0-6"),
            ("@daily", "@daily"),
        ] {
            assert_eq!(Schedule::parse(written).map(|schedule| schedule.to_string()), Ok(read.to_owned()));
        }
    }

    #[test]
    fn the_part_that_is_wrong_is_shown() {
        for (written, part) in [
            ("60 3 * * *", "60"),
            ("0 24 * * *", "24"),
            ("0 3 0 * *", "0"),
            ("0 3 * 13 *", "13"),
            ("0 3 * * 7", "7"),
            ("0 3 * * mon,funday", "funday"),
            ("0 5-3 * * *", "5-3"),
            ("*/0 3 * * *", "*/0"),
            ("0 +3 * * *", "+3"),
            ("0 3 * *", "0 3 * *"),
            ("0 0 3 * * *", "0 0 3 * * *"),
            ("@reboot", "@reboot"),
            ("TZ=UTC 0 3 * * *", "TZ=UTC 0 3 * * *"),
            ("", ""),
        ] {
            let fault = Schedule::parse(written).expect_err(written);
            assert_eq!(&written[fault.range], part, "{}", fault.message);
        }
    }
}
