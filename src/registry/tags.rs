//! The tags of a repository.
//!
//! Takes in a repository; gives out its tags as their versions come one after the other. What the registry calls a tag has to be one.

use serde::Deserialize;

use super::RegistryError;
use super::operation::{Operation, no_sense};
use super::pages::pages;
use super::session::Session;
use super::transport::Method;
use super::version_order::compare;
use crate::reference::is_tag;

/// What a registry is asked to put on a page; it may do otherwise.
const PAGE_SIZE: &str = "1000";

/// A page, as the protocol has it; a repository without tags has none.
#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

/// Every tag of a repository once: versions from the lowest, then other tags.
pub fn tags(session: &Session<'_>, repository: &str) -> Result<Vec<String>, RegistryError> {
    let list = format!("the tags of `{}/{repository}`", session.name());
    let what = format!("list {list}");
    let url = session.origin().url(&format!("/v2/{repository}/tags/list")).with_parameter("n", PAGE_SIZE);
    let scope = [format!("repository:{repository}:pull")];
    let operation = Operation {
        what: what.clone(),
        method: Method::Get,
        url,
        headers: Vec::new(),
        body: &[],
        scope: &scope,
        good: &[200],
    };
    let mut tags = pages(session, &format!("the list of {list}"), operation, |_| true, |page| read(&what, page))?
        .unwrap_or_default();
    tags.sort_by(|one, other| compare(one, other));
    tags.dedup();
    Ok(tags)
}

fn read(what: &str, page: &[u8]) -> Result<Vec<String>, RegistryError> {
    let page: Page = serde_json::from_slice(page).map_err(|_| no_sense(what, "the response is not a list of tags"))?;
    let tags = page.tags.unwrap_or_default();
    let are_tags = tags.iter().all(|tag| is_tag(tag));
    if are_tags { Ok(tags) } else { Err(no_sense(what, "the response contains an invalid tag")) }
}
