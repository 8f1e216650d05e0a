//! `volumes` and `tmpfs` (Compose Specification, 05-services, "volumes" and "tmpfs").

use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::{Node, Span, Value as Written};

use super::amount::{ByteSize, Switch};
use super::value::{self, Value as _, fields, keyword, one, required, value};

/// What is mounted into a container, whichever way it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is written.
    pub span: Span,
    /// Where its source is written.
    pub source_span: Span,
    /// What is mounted.
    pub source: MountSource,
    /// The absolute path in the container.
    pub target: String,
    /// Whether the container may not write.
    pub is_read_only: bool,
    /// The folder of the volume or image, when not all of it.
    pub sub_path: Option<String>,
    /// Whether it is written in one text, in which Docker looks for drives of Windows.
    pub is_short: bool,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSource {
    /// A volume of `[volumes]`.
    Named(String),
    /// A path of the host, which may be relative.
    Host(String),
    /// A volume without a name: it goes with its container.
    Anonymous,
    /// Memory, with options of `mount(8)` other than its size.
    Memory {
        /// At most so much.
        size: Option<ByteSize>,
        /// The other options.
        options: Vec<String>,
    },
    /// An image, a cluster volume or a named pipe, which one platform alone knows.
    Other,
}

/// `type` of the long form.
#[derive(Clone, Copy)]
enum MountType {
    Bind,
    Volume,
    Tmpfs,
    Other,
}

value!(
    MountType,
    "type of a mount",
    "write `bind`, `volume`, `tmpfs`, `image`, `cluster` or `npipe`",
    |text| match text {
        "bind" => Some(Self::Bind),
        "volume" => Some(Self::Volume),
        "tmpfs" => Some(Self::Tmpfs),
        "cluster" | "image" | "npipe" => Some(Self::Other),
        _ => None,
    }
);

keyword!(Propagation, "propagation of mounts", ["private", "rprivate", "shared", "rshared", "slave", "rslave"]);

keyword!(Recursive, "recursive mount", ["enabled", "disabled", "writable", "readonly"]);

keyword!(SeLinux, "relabelling", ["z", "Z"]);

keyword!(Consistency, "consistency", ["default", "consistent", "cached", "delegated"]);

/// An absolute path in a container, of Linux or of Windows.
pub(super) struct ContainerPath(pub(super) String);

value!(ContainerPath, "path in the container", "write an absolute path, as in `/data`", |text| {
    let is_drive = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && text[1..].starts_with(":\\");
    (text.starts_with('/') || is_drive).then(|| Self(text.to_owned()))
});

/// `0755`, or the number that it is.
struct FileMode;

value!(FileMode, "mode", "write octal digits as a text, as in `\"1777\"`", |text| {
    u32::from_str_radix(text, 8).is_ok_and(|mode| mode <= 0o7777).then_some(Self)
});

/// `true` where a mount of the short form says `ro`.
const OPTIONS: &[&str] = &[
    "ro",
    "rw",
    "z",
    "Z",
    "nocopy",
    "cached",
    "consistent",
    "default",
    "delegated",
    "private",
    "rprivate",
    "shared",
    "rshared",
    "slave",
    "rslave",
];

/// What memory may be mounted with (moby, `daemon/volume/mounts`, and `tmpfs(5)`), apart from options with a value.
const MEMORY_OPTIONS: &[&str] = &[
    "async",
    "atime",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "relatime",
    "ro",
    "rw",
    "strictatime",
    "suid",
    "sync",
];

impl Mount {
    /// Reads an entry of `volumes`, in either form.
    pub(super) fn read(node: &Node, context: &mut Context) -> Option<Self> {
        match &node.value {
            Written::Table(_) => Self::read_long(node, context),
            _ => Self::read_short(node, context),
        }
    }

    /// `[source:]target[:options]`
    fn read_short(node: &Node, context: &mut Context) -> Option<Self> {
        let text = value::scalar::<ContainerPath>(node, context)?;
        let (source, rest) = match text.split_once(':') {
            Some((source, rest)) => (Some(source), rest),
            None => (None, text.as_str()),
        };
        let (target, options) = rest.split_once(':').unwrap_or((rest, ""));
        let source = match source {
            None | Some("") => MountSource::Anonymous,
            Some(path) if path.starts_with(['/', '.', '~']) => MountSource::Host(path.to_owned()),
            Some(name) => MountSource::Named(name.to_owned()),
        };
        // A drive of Windows is reported with its source.
        let is_drive = matches!(&source, MountSource::Named(name) if is_drive(name));
        let target =
            if is_drive { Some(ContainerPath(target.to_owned())) } else { value::part(target, node.span, context) };
        if !is_drive {
            check_options(options, OPTIONS, node.span, context);
        }
        Some(Self {
            span: node.span,
            source_span: node.span,
            source,
            target: target?.0,
            is_read_only: options.split(',').any(|option| option == "ro"),
            sub_path: None,
            is_short: true,
        })
    }

    fn read_long(node: &Node, context: &mut Context) -> Option<Self> {
        let mut fields = fields(node, "a volume of a service", context)?;
        let kind = required::<MountType>("type", &mut fields, context);
        let target = required::<ContainerPath>("target", &mut fields, context);
        let source_node = fields.node("source");
        let read_only = one::<Switch>(fields.node("read_only"), context);
        one::<Consistency>(fields.node("consistency"), context);
        fields.node("bind").into_iter().for_each(|node| check_bind(node, context));
        let of_volume = fields.node("volume").and_then(|node| read_volume(node, context));
        let memory = fields.node("tmpfs").and_then(|node| read_memory(node, context));
        let of_image = fields.node("image").and_then(|node| read_sub_path(node, context));
        if matches!(kind, Some(MountType::Bind)) {
            fields.require("source", context);
        }
        fields.finish(context);
        let source = source_node.and_then(value::plain).filter(|source| !source.is_empty());
        let source = match (kind?, source) {
            (MountType::Bind, Some(path)) => MountSource::Host(path),
            (MountType::Bind, None) => return None,
            (MountType::Volume, Some(name)) => MountSource::Named(name),
            (MountType::Volume, None) => MountSource::Anonymous,
            (MountType::Tmpfs, _) => MountSource::Memory { size: memory, options: Vec::new() },
            (MountType::Other, _) => MountSource::Other,
        };
        Some(Self {
            span: node.span,
            source_span: source_node.map_or(node.span, |source| source.span),
            source,
            target: target?.0,
            is_read_only: read_only.is_some_and(|Switch(is_on)| is_on),
            sub_path: of_volume.or(of_image),
            is_short: false,
        })
    }

    /// Reads an entry of `tmpfs`: `target[:options]`.
    pub(super) fn read_tmpfs(node: &Node, context: &mut Context) -> Option<Self> {
        let text = value::scalar::<ContainerPath>(node, context)?;
        let (target, options) = text.split_once(':').unwrap_or((&text, ""));
        let target: Option<ContainerPath> = value::part(target, node.span, context);
        let mut size = None;
        let mut others = Vec::new();
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("size", text)) => size = value::part(text, node.span, context),
                _ => {
                    check_memory_option(option, node.span, context);
                    others.push(option.to_owned());
                }
            }
        }
        Some(Self {
            span: node.span,
            source_span: node.span,
            is_read_only: others.iter().any(|option| option == "ro"),
            source: MountSource::Memory { size, options: others },
            target: target?.0,
            sub_path: None,
            is_short: true,
        })
    }

    /// Whether it is a named volume.
    pub fn volume(&self) -> Option<&str> {
        match &self.source {
            MountSource::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Whether Docker takes its source for a drive of Windows: in the short form alone, and before it looks at anything else.
    pub fn is_drive(&self) -> bool {
        self.is_short && self.volume().is_some_and(is_drive)
    }
}

fn is_drive(source: &str) -> bool {
    source.len() == 1 && source.starts_with(|letter: char| letter.is_ascii_alphabetic())
}

fn check_options(options: &str, known: &[&str], span: Span, context: &mut Context) {
    for option in options.split(',').filter(|option| !option.is_empty() && !known.contains(option)) {
        value::invalid(
            "option of a volume",
            option,
            span,
            crate::diagnostic::unknown_name_hint(option, "options", known.iter().copied()),
            context,
        );
    }
}

fn check_memory_option(option: &str, span: Span, context: &mut Context) {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_known = match option.split_once('=') {
        None => MEMORY_OPTIONS.contains(&option),
        Some(("mode", mode)) => FileMode::parse(mode).is_some(),
        Some(("uid" | "gid", number)) => digits(number),
        Some(("nr_inodes" | "nr_blocks", number)) => digits(number.trim_end_matches(['k', 'm', 'g'])),
        Some(("mpol", _)) => true,
        Some(_) => false,
    };
    if !is_known {
        let hint = "write options of a tmpfs, as in `/run:size=64m,mode=1777,noexec`";
        value::invalid("option of a tmpfs", option, span, hint, context);
    }
}

fn check_bind(node: &Node, context: &mut Context) {
    let Some(mut fields) = fields(node, "`bind`", context) else { return };
    one::<Propagation>(fields.node("propagation"), context);
    one::<Switch>(fields.node("create_host_path"), context);
    one::<Recursive>(fields.node("recursive"), context);
    one::<SeLinux>(fields.node("selinux"), context);
    fields.finish(context);
}

fn read_volume(node: &Node, context: &mut Context) -> Option<String> {
    let mut fields = fields(node, "`volume`", context)?;
    one::<Switch>(fields.node("nocopy"), context);
    fields.node("labels");
    let sub_path = fields.node("subpath").and_then(value::plain);
    fields.finish(context);
    sub_path
}

fn read_memory(node: &Node, context: &mut Context) -> Option<ByteSize> {
    let mut fields = fields(node, "`tmpfs`", context)?;
    let size = one(fields.node("size"), context);
    check_mode(fields.node("mode"), context);
    fields.finish(context);
    size
}

/// A number is the mode itself, a text its octal digits.
fn check_mode(node: Option<&Node>, context: &mut Context) {
    const MAX_MODE: i64 = 0o7777;
    match node.map(|node| (&node.value, node)) {
        Some((Written::Integer(0..=MAX_MODE), _)) => {}
        Some((Written::Integer(number), node)) => {
            value::invalid(FileMode::WHAT, &number.to_string(), node.span, FileMode::hint(""), context);
        }
        _ => drop(one::<FileMode>(node, context)),
    }
}

fn read_sub_path(node: &Node, context: &mut Context) -> Option<String> {
    let mut fields = fields(node, "`image`", context)?;
    let sub_path = fields.node("subpath").and_then(value::plain);
    fields.finish(context);
    sub_path
}

/// Refuses two mounts at one path, which the engine does.
pub(super) fn check_targets(mounts: &[Mount], context: &mut Context) {
    for (index, mount) in mounts.iter().enumerate() {
        let is_same = |other: &&Mount| other.target.trim_end_matches('/') == mount.target.trim_end_matches('/');
        if mounts[..index].iter().any(|other| is_same(&other)) {
            let message = format!("two mounts have the path `{}`", mount.target);
            context.error(Code::DUPLICATE, mount.span, message, "mount each at a path of its own");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    fn mount(written: &str) -> Option<Mount> {
        let mut context = Context::new("bootstrap.toml".into());
        let table = parse(&format!("mount = {written}"), &mut context);
        let mount = Mount::read(table.get("mount").expect("a mount"), &mut context)?;
        (!context.diagnostics.has_errors()).then_some(mount)
    }

    #[test]
    fn both_forms_mean_the_same() {
        for (short, long) in [
            (r#""data:/data:ro""#, r#"{ type = "volume", source = "data", target = "/data", read_only = true }"#),
            (r#""/var/log:/logs""#, r#"{ type = "bind", source = "/var/log", target = "/logs" }"#),
            (r#""/cache""#, r#"{ type = "volume", target = "/cache" }"#),
        ] {
            let parts = |mount: Mount| (mount.source, mount.target, mount.is_read_only);
            assert_eq!(mount(short).map(parts), mount(long).map(parts), "{short}");
            assert!(mount(short).is_some(), "{short}");
        }
    }

    #[test]
    fn a_switch_may_be_a_text() {
        for (read_only, wanted) in [("true", true), ("\"true\"", true), ("\"no\"", false)] {
            let entry = format!(r#"{{ type = "volume", source = "data", target = "/data", read_only = {read_only} }}"#);
            assert_eq!(mount(&entry).map(|used| used.is_read_only), Some(wanted), "{entry}");
        }
    }

    #[test]
    fn memory_may_have_a_size_and_options() {
        let read = |text: &str| {
            let node = Node::text(Span::default(), text);
            Mount::read_tmpfs(&node, &mut Context::new("bootstrap.toml".into())).map(|mount| mount.source)
        };
        let size = ByteSize::parse("64m");
        let options = vec!["mode=1777".to_owned()];
        assert_eq!(read("/tmp:mode=1777,size=64m"), Some(MountSource::Memory { size, options }));
        assert_eq!(read("/run"), Some(MountSource::Memory { size: None, options: Vec::new() }));
        assert_eq!(read("relative"), None);
    }
}
