//! Lists that come in pages: each says where the next one is, by `Link: <…>; rel="next"` (RFC 8288).
//!
//! Takes in the request for the first page; gives out what all of them hold. The next page is asked for as any redirect is followed: with
//! credentials on the same origin alone, and never out of https. A list has an end.

use std::collections::BTreeSet;

use super::operation::{Operation, no_sense, stay_encrypted};
use super::session::Session;
use super::transport::Response;
use super::{RegistryError, Url};

/// More pages than any list has.
const MAX_PAGES: usize = 1000;
/// More entries than anybody reads.
const MAX_ENTRIES: usize = 100_000;
const MAX_PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// Everything that the pages of a list hold; `None` when the first response is not a list. `list` is what it is; `read` takes the bytes of a page.
pub(super) fn pages<T>(
    session: &Session<'_>,
    list: &str,
    mut operation: Operation<'_>,
    is_list: impl Fn(&Response) -> bool,
    read: impl Fn(&[u8]) -> Result<Vec<T>, RegistryError>,
) -> Result<Option<Vec<T>>, RegistryError> {
    let what = operation.what.clone();
    let (mut entries, mut seen) = (Vec::new(), BTreeSet::from([operation.url.whole()]));
    loop {
        let page = session.repeat(|| {
            let response = session.ask_once(&operation)?;
            if !is_list(&response) {
                return Ok(None);
            }
            let next = next_page(&what, &operation.url, &response)?;
            Ok(Some((response.document(list, MAX_PAGE_BYTES)?, next)))
        })?;
        let Some((bytes, next)) = page else {
            let is_first = seen.len() == 1;
            return if is_first { Ok(None) } else { Err(no_sense(&what, "a page of the list is missing")) };
        };
        entries.extend(read(&bytes)?);
        let Some(next) = next else { return Ok(Some(entries)) };
        if entries.len() > MAX_ENTRIES || seen.len() >= MAX_PAGES || !seen.insert(next.whole()) {
            return Err(no_sense(&what, "the list has no end"));
        }
        operation.url = next;
    }
}

fn next_page(what: &str, here: &Url, response: &Response) -> Result<Option<Url>, RegistryError> {
    let Some(target) = response.all("link").find_map(next_target) else { return Ok(None) };
    let next = here.join(target).ok_or_else(|| no_sense(what, "invalid `Link`"))?;
    stay_encrypted(what, here, &next)?;
    Ok(Some(next))
}

/// Where the link of a header leads whose relation is `next`.
fn next_target(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (parameters, behind) = after.split_at(end_of_link(after));
        if parameters.split(';').any(is_next) {
            return Some(target);
        }
        rest = behind;
    }
}

/// Links are separated by commas, which may stand in quotes too.
fn end_of_link(text: &str) -> usize {
    let mut is_quoted = false;
    let end = text.bytes().position(|byte| {
        is_quoted ^= byte == b'"';
        byte == b',' && !is_quoted
    });
    end.unwrap_or(text.len())
}

/// `rel=next`, `rel="next"`, and one of several relations.
fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let relations = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel") && relations.split(' ').any(|of| of.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (header, expected) in [
            ("</v2/a/tags/list?last=b&n=2>; rel=\"next\"", Some("/v2/a/tags/list?last=b&n=2")),
            ("<https://r/x>;rel=next", Some("https://r/x")),
            ("</a>; rel=\"prev\", </b>; title=\"x, <y>\"; Rel=\"last next\"", Some("/b")),
            ("</a>; rel=\"prev\"", None),
            ("/a; rel=next", None),
            ("</a", None),
            ("", None),
        ] {
            assert_eq!(next_target(header), expected, "{header}");
        }
    }
}
