//! A service's Compose keys as plain values: variables put in, dollars single.

use serde_json::{Map, Value as Json};

use crate::compose::is_true_word;
use crate::document::text::unescaped;
use crate::plan::Service;
use crate::render::manifest;

/// The keys of a service.
pub(super) struct Definition {
    keys: Map<String, Json>,
}

impl Definition {
    /// Reads those of a service. Texts with parameters stay as they are: `environment` and commands are read from the plan.
    pub(super) fn of(service: &Service) -> Self {
        Self { keys: plain_map(&service.definition.to_json()) }
    }

    /// The value at a path of keys.
    pub(super) fn get(&self, path: &[&str]) -> Option<&Json> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.keys.get(*first)?, |value, key| value.get(*key))
    }

    /// The text at a path; a number stands for its digits.
    pub(super) fn text(&self, path: &[&str]) -> Option<String> {
        self.get(path).and_then(text_of)
    }

    /// Whether `true` is at a path.
    pub(super) fn is_true(&self, path: &[&str]) -> bool {
        self.get(path).is_some_and(is_true)
    }

    /// The list at a path; a single value is a list of one.
    pub(super) fn list(&self, path: &[&str]) -> Vec<&Json> {
        match self.get(path) {
            Some(Json::Array(list)) => list.iter().collect(),
            Some(single) => vec![single],
            None => Vec::new(),
        }
    }

    /// The texts of the list at a path.
    pub(super) fn texts(&self, path: &[&str]) -> Vec<String> {
        self.list(path).into_iter().filter_map(text_of).collect()
    }

    /// The table at a path, also when it is written as a list of `key=value`.
    pub(super) fn pairs(&self, path: &[&str]) -> Vec<(String, String)> {
        let table = manifest::texts_by_key(self.get(path).cloned());
        table.into_iter().map(|(key, value)| (key, text_of(&value).unwrap_or_default())).collect()
    }
}

/// Whether a value is `true`, or one of the words that Compose takes for it.
pub(super) fn is_true(value: &Json) -> bool {
    match value {
        Json::Bool(boolean) => *boolean,
        Json::String(text) => is_true_word(text),
        _ => false,
    }
}

/// A text, or a number or truth value as a text.
pub(super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}

/// A tree whose texts stand for themselves.
pub(super) fn plain_map(map: &Map<String, Json>) -> Map<String, Json> {
    map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()
}

fn plain(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::from(unescaped(text).unwrap_or_else(|| text.clone())),
        Json::Array(list) => list.iter().map(plain).collect(),
        Json::Object(map) => Json::from(plain_map(map)),
        other => other.clone(),
    }
}
