//! Commands: lists as they are, texts cut into words as Compose cuts them, parameters as `$(NAME)`.
//!
//! Kubernetes expands `$(NAME)` in commands, arguments, probes and values of variables. It reads `$$` as a dollar wherever it stands, and
//! takes the bytes of a character behind a single `$` apart, so every dollar is written twice (`third_party/forked/golang/expansion`).

use serde_json::Value as Json;

use crate::document::node::{Node, Value};
use crate::document::text::{Piece, pieces};

/// A text in normal form, its parameters named as the container's variables are.
pub(super) fn expanded(normal: &str, variable: &dyn Fn(&str) -> String) -> String {
    pieces(normal)
        .into_iter()
        .map(|piece| match piece {
            Piece::Literal(text) => doubled(&text),
            Piece::Reference(name) => format!("$({})", variable(&name)),
        })
        .collect()
}

/// A text that Kubernetes expands and that holds no parameter.
pub(super) fn doubled(text: &str) -> String {
    text.replace('$', "$$")
}

/// `command` or `entrypoint` of a service; none when it is not written, or empty.
pub(super) fn command(node: Option<&Node>, variable: &dyn Fn(&str) -> String) -> Option<Vec<Json>> {
    let words = match &node?.value {
        Value::List(list) => list.iter().filter_map(Node::as_text).map(str::to_owned).collect(),
        Value::Text(text) => split(text),
        _ => Vec::new(),
    };
    (!words.is_empty()).then(|| words.iter().map(|word| Json::from(expanded(word, variable))).collect())
}

/// Cuts a text at its blanks, but not inside of quotes; a backslash takes the next character as it is.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, ' ' | '\t' | '\n') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), _) if character == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_words() {
        assert_eq!(split("serve --name 'a b' \"c \\\" d\" e\\ f ''"), ["serve", "--name", "a b", "c \" d", "e f", ""]);
        assert!(split("  ").is_empty());
    }

    #[test]
    fn dollars_are_doubled_and_parameters_are_variables() {
        let named = |name: &str| name.to_owned();
        assert_eq!(expanded("a$$b $$(X) ${LEVEL}", &named), "a$$b $$(X) $(LEVEL)");
        assert_eq!(expanded("$$$$", &named), "$$$$");
    }
}
