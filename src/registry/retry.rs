//! How often and how soon a request is retried.

use std::time::Duration;

use super::RegistryError;

/// Give up after this many attempts.
const ATTEMPTS: u32 = 5;
/// Before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Do not wait longer than this for `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// How long to wait after an attempt, counted from 1; `None` when trying again makes no sense.
pub(super) fn pause_after(attempt: u32, error: &RegistryError) -> Option<Duration> {
    if attempt >= ATTEMPTS || !error.passes() {
        return None;
    }
    let own = FIRST_PAUSE * 2_u32.pow(attempt - 1);
    let wanted = match error {
        RegistryError::Refused(refusal) => refusal.retry_after,
        _ => None,
    };
    Some(wanted.unwrap_or(own)).filter(|pause| *pause <= LONGEST_PAUSE)
}

/// What `Retry-After` says: seconds, or a date that is read against the date of the same answer.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let later = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(date?).ok()?;
    Some(later.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::Refusal;
    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> RegistryError {
        RegistryError::Refused(Box::new(Refusal {
            what: "ask".to_owned(),
            host: "r.example".to_owned(),
            status,
            said: Vec::new(),
            retry_after: retry_after.map(Duration::from_secs),
            without_login: None,
        }))
    }

    #[test]
    fn pauses_grow_and_end() {
        let error = refused(503, None);
        let pauses: Vec<_> = (1..=5).map(|attempt| pause_after(attempt, &error).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(4), Some(8), None]);
    }

    #[test]
    fn a_registry_says_when_to_come_back() {
        assert_eq!(pause_after(1, &refused(429, Some(7))), Some(Duration::from_secs(7)));
        assert_eq!(pause_after(1, &refused(429, Some(3600))), None);
        for status in [400, 401, 403, 404, 413, 501, 505] {
            assert_eq!(pause_after(1, &refused(status, Some(7))), None, "{status}");
        }
    }

    #[test]
    fn a_date_is_read_against_the_date_of_the_answer() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        for (value, date, seconds) in [
            ("120", None, Some(120)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", date, Some(3)),
            ("Sun, 06 Nov 1994 08:49:30 GMT", date, Some(0)),
            ("Sun, 06 Nov 1994 08:49:40 GMT", None, None),
            ("soon", date, None),
            ("-1", None, None),
        ] {
            assert_eq!(retry_after(value, date), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
