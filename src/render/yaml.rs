//! YAML for sub-trees that nobody formats by hand.
//!
//! Every scalar stands on one line, quoted where YAML 1.1 or 1.2 could read it as anything but a text, so that a tree can be indented
//! line by line.

use serde_json::Value;
use serde_saphyr::{SerializerOptions, ser_options};
use tera::{Kwargs, State, Tera, TeraResult};

/// How a tree is written.
pub(super) type Writer = fn(&Value) -> Result<String, serde_saphyr::SerializeError>;

/// Adds the filter `yaml(indent=N)`.
pub(super) fn register(tera: &mut Tera, write: Writer) {
    tera.register_filter("yaml", move |value: tera::Value, arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
        let indent = arguments.get::<usize>("indent")?.unwrap_or(0);
        // Tera keeps maps in hash order; `serde_json` sorts them.
        let sorted = serde_json::to_value(&value).map_err(tera::Error::message)?;
        Ok(indented(&write(&sorted).map_err(tera::Error::message)?, indent))
    });
}

/// A scalar on one line, as it stands behind `key: `.
pub(super) fn scalar(value: &Value) -> Result<String, serde_saphyr::SerializeError> {
    let text = to_yaml(&serde_json::json!({ "k": value }))?;
    Ok(text.trim_end_matches('\n').trim_start_matches("k:").trim_start_matches(' ').to_owned())
}

/// A tree whose every text is the user's.
pub(super) fn to_yaml(value: &Value) -> Result<String, serde_saphyr::SerializeError> {
    serde_saphyr::to_string_with_options(value, options())
}

fn options() -> SerializerOptions {
    ser_options! { prefer_block_scalars: false, compact_list_indent: false }
}

fn indented(text: &str, indent: usize) -> String {
    let space = " ".repeat(indent);
    let lines: Vec<_> = text.trim_end_matches('\n').lines().map(|line| format!("{space}{line}")).collect();
    lines.join("\n")
}
