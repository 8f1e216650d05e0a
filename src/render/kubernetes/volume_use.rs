//! `volumes` and `tmpfs` of a service, short and long.

use serde_json::Value as Json;

use crate::name::Label;

use super::definition::{Definition, is_true, text_of};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VolumeUse {
    /// What is mounted.
    pub(super) source: Source,
    /// The absolute path in the container.
    pub(super) target: String,
    /// Whether the container may not write.
    pub(super) read_only: bool,
    /// The folder of the volume, when not all of it.
    pub(super) sub_path: Option<String>,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A volume of `[volumes]`.
    Named(Label),
    /// A path of the node.
    Host(String),
    /// A volume without a name: it goes with its container.
    Anonymous,
    /// Memory, at most so much.
    Memory(Option<String>),
}

/// Every entry of a service, in its order.
pub(super) fn of(definition: &Definition) -> Vec<VolumeUse> {
    let volumes = definition.list(&["volumes"]).into_iter().filter_map(read);
    let memory = definition.texts(&["tmpfs"]);
    volumes.chain(memory.iter().map(|text| read_tmpfs(text))).collect()
}

fn read(entry: &Json) -> Option<VolumeUse> {
    match entry {
        Json::String(text) => Some(read_short(text)),
        Json::Object(_) => read_long(entry),
        _ => None,
    }
}

/// `[source:]target[:options]`
fn read_short(text: &str) -> VolumeUse {
    let (source, rest) = text.split_once(':').unwrap_or(("", text));
    let (target, options) = rest.split_once(':').unwrap_or((rest, ""));
    let source = match Label::parse(source) {
        Some(name) => Source::Named(name),
        None if source.is_empty() => Source::Anonymous,
        None => Source::Host(source.to_owned()),
    };
    let read_only = options.split(',').any(|option| option == "ro");
    VolumeUse { source, target: target.to_owned(), read_only, sub_path: None }
}

fn read_long(entry: &Json) -> Option<VolumeUse> {
    let text = |key: &str| entry.get(key).and_then(text_of);
    let source = match (text("type").as_deref(), text("source")) {
        (Some("tmpfs"), _) => Source::Memory(entry["tmpfs"].get("size").and_then(text_of)),
        (Some("bind"), Some(path)) => Source::Host(path),
        (Some("volume") | None, Some(name)) => Source::Named(Label::parse(&name)?),
        (Some("volume") | None, None) => Source::Anonymous,
        _ => return None,
    };
    let read_only = is_true(&entry["read_only"]);
    let sub_path = entry["volume"].get("subpath").and_then(text_of);
    Some(VolumeUse { source, target: text("target")?, read_only, sub_path })
}

/// `target[:options]`
fn read_tmpfs(text: &str) -> VolumeUse {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let size = options.split(',').find_map(|option| option.strip_prefix("size=")).map(str::to_owned);
    let read_only = options.split(',').any(|option| option == "ro");
    VolumeUse { source: Source::Memory(size), target: target.to_owned(), read_only, sub_path: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_entries_are_read() {
        let data = Source::Named(Label::parse("data").expect("a label"));
        for (text, source, target, read_only) in [
            ("data:/data:ro", data, "/data", true),
            ("/var/log:/logs", Source::Host("/var/log".to_owned()), "/logs", false),
            ("/cache", Source::Anonymous, "/cache", false),
        ] {
            let wanted = VolumeUse { source, target: target.to_owned(), read_only, sub_path: None };
            assert_eq!(read_short(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_switch_may_be_a_text() {
        for (read_only, wanted) in [(json!(true), true), (json!("true"), true), (json!("no"), false)] {
            let entry = json!({ "type": "volume", "source": "data", "target": "/data", "read_only": read_only });
            assert_eq!(read_long(&entry).map(|used| used.read_only), Some(wanted), "{entry}");
        }
    }

    #[test]
    fn memory_may_have_a_size() {
        assert_eq!(read_tmpfs("/tmp:mode=1777,size=64m").source, Source::Memory(Some("64m".to_owned())));
        assert_eq!(read_tmpfs("/run").source, Source::Memory(None));
    }
}
