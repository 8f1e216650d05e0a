//! What is known of a thing before and after, and what differs of it.
//!
//! Takes in facts by name; gives out items and changes. A fact that must not be shown, or says nothing to a reader, differs without its value.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Change, Item, Status};

/// What is known of a thing, by name.
pub(super) type Facts = BTreeMap<String, Fact>;

/// One thing that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// Shown as it is.
    Shown(String),
    /// Shown as something that is the same for many values.
    Hidden {
        /// What stands for the value.
        shown: String,
        /// What distinguishes one value from another.
        exact: String,
    },
    /// A digest over other facts: shown only where none of them differs.
    Digest(String),
}

impl Fact {
    /// A value that is not shown.
    pub(super) fn hidden(shown: &str, exact: impl Into<String>) -> Self {
        Self::Hidden { shown: shown.to_owned(), exact: exact.into() }
    }

    /// What a reader sees.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Shown(text) | Self::Hidden { shown: text, .. } => text,
            Self::Digest(_) => "set",
        }
    }

    /// Whether it is this text.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self, Self::Shown(shown) if shown == text)
    }
}

impl From<String> for Fact {
    fn from(text: String) -> Self {
        Self::Shown(text)
    }
}

/// Things by name, each with its facts.
pub(super) fn by_name<'a, T: 'a>(
    things: impl IntoIterator<Item = &'a T>,
    read: impl Fn(&'a T) -> (&'a String, Facts),
) -> BTreeMap<String, Facts> {
    things.into_iter().map(read).map(|(name, facts)| (name.clone(), facts)).collect()
}

/// What differs of things by name, each with its facts by name.
pub(super) fn items(
    old: &BTreeMap<String, Facts>,
    new: &BTreeMap<String, Facts>,
    note: impl Fn(&Facts) -> String,
) -> Vec<Item> {
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let item = |name: &String| {
        let (status, note, changes) = match (old.get(name), new.get(name)) {
            (Some(before), Some(after)) => (Status::Changed, String::new(), changes(before, after)),
            (Some(before), None) => (Status::Removed, note(before), Vec::new()),
            (None, after) => (Status::Added, after.map(&note).unwrap_or_default(), Vec::new()),
        };
        Item { name: name.clone(), status, note, changes }
    };
    names.into_iter().map(item).filter(|item| item.status != Status::Changed || !item.changes.is_empty()).collect()
}

/// What differs of a thing.
pub(super) fn changes(old: &Facts, new: &Facts) -> Vec<Change> {
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differing = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let is_digest = |key: &&String| [old, new].iter().any(|facts| matches!(facts.get(*key), Some(Fact::Digest(_))));
    let (digests, shown): (Vec<_>, Vec<_>) = differing.partition(is_digest);
    let told = if shown.is_empty() { digests } else { shown };
    told.into_iter().map(|key| change(key, old.get(key), new.get(key))).collect()
}

fn change(what: &str, old: Option<&Fact>, new: Option<&Fact>) -> Change {
    let text = |fact: Option<&Fact>| fact.map(|fact| fact.text().to_owned());
    let (from, to) = match (text(old), text(new)) {
        (Some(from), Some(to)) if from == to => (Some("as it was".to_owned()), Some("changed".to_owned())),
        texts => texts,
    };
    Change { what: what.to_owned(), from, to }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: &[(&str, Fact)], new: &[(&str, Fact)]) -> Vec<String> {
        let facts =
            |facts: &[(&str, Fact)]| facts.iter().map(|(name, fact)| ((*name).to_owned(), fact.clone())).collect();
        let line = |Change { what, from, to }| format!("{what}: {from:?} {to:?}");
        changes(&facts(old), &facts(new)).into_iter().map(line).collect()
    }

    #[test]
    fn a_hidden_value_differs_without_being_shown() {
        let secret = |value: &str| ("default", Fact::hidden("********", value));
        assert_eq!(told(&[secret("a")], &[secret("b")]), [r#"default: Some("as it was") Some("changed")"#]);
        assert_eq!(told(&[], &[secret("b")]), [r#"default: None Some("********")"#]);
        assert!(told(&[secret("a")], &[secret("a")]).is_empty());
    }

    #[test]
    fn a_digest_is_shown_where_nothing_else_is() {
        let digest = |value: &str| ("definition", Fact::Digest(value.to_owned()));
        let mode = |value: &str| ("mode", Fact::from(value.to_owned()));
        assert_eq!(told(&[digest("a")], &[digest("b")]), [r#"definition: Some("as it was") Some("changed")"#]);
        assert_eq!(
            told(&[digest("a"), mode("0400")], &[digest("b"), mode("0444")]),
            [r#"mode: Some("0400") Some("0444")"#]
        );
    }
}
