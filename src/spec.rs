//! `bootstrap.toml` as written: spans kept, unknown keys refused.
//!
//! Takes in [`Sources`]; gives out a [`Spec`]: the project and the image typed, and the sections that environments may change as
//! tables that can still be merged. Applies no default and resolves nothing: that is `plan`'s.

mod migration;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Code;
use crate::document::fields::{Fields, Spanned, expect_text, unknown_key, wrong_type};
use crate::document::node::{Entry, Node, Span, Table, Value};
use crate::document::{self, Context};
use crate::name::Label;
use crate::source::Sources;

pub use migration::{Backup, Migration, Runner, Upgrade};

/// The whole file.
#[derive(Clone, Debug)]
pub struct Spec {
    /// `[project]`
    pub project: Project,
    /// `[bootstrap]`
    pub bootstrap: Bootstrap,
    /// Everything that environments are merged over, by section: see [`SECTIONS`].
    pub sections: Table,
    /// `[[migrations]]`, in the order of the file.
    pub migrations: Vec<Migration>,
    /// `[upgrade]`
    pub upgrade: Option<Upgrade>,
    /// `[environments]`
    pub environments: BTreeMap<Label, Environment>,
}

/// `[project]`: what the release is.
#[derive(Clone, Debug)]
pub struct Project {
    /// A DNS label.
    pub name: Spanned<String>,
    /// Where the version comes from; none: `--version` must say it.
    pub version: Option<VersionSource>,
    /// OCI annotations by their last segment (`description`, `url` …).
    pub annotations: BTreeMap<&'static str, Spanned<String>>,
}

/// Where the version is written.
#[derive(Clone, Debug)]
pub enum VersionSource {
    /// Here.
    Written(Spanned<String>),
    /// In `[package] version` of a Cargo manifest, or in `[workspace.package]`.
    Cargo(Spanned<String>),
}

/// `[bootstrap]`: the image.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// The platforms to build for, as written.
    pub platforms: Vec<Spanned<String>>,
    /// The repository of the bootstrap image.
    pub repository: Option<Spanned<String>>,
    /// The architectures of the base (`linux/amd64`).
    pub architectures: Vec<Spanned<String>>,
    /// The base for every platform, or by platform.
    pub base: BTreeMap<String, Spanned<String>>,
    /// The environment that an operator may leave out.
    pub default_environment: Option<Spanned<String>>,
    /// What is accepted: lints, and changes of meaning.
    pub allow: Vec<Allow>,
}

/// One entry of `allow`: a code, or a table that says more.
#[derive(Clone, Debug)]
pub struct Allow {
    /// The code.
    pub code: Spanned<String>,
    /// Why it is accepted.
    pub reason: Option<Spanned<String>>,
    /// The feature that it is accepted for; none: all.
    pub feature: Option<Spanned<String>>,
    /// The platform that it is accepted on; none: all.
    pub platform: Option<Spanned<String>>,
    /// Whether it is a table, which gives a reason.
    pub is_table: bool,
}

/// The key under which a base for every platform is kept.
pub const ANY_PLATFORM: &str = "*";

/// `[environments.NAME]`
#[derive(Clone, Debug)]
pub struct Environment {
    /// Where it is written.
    pub span: Span,
    /// The environment it starts from.
    pub extends: Option<Spanned<String>>,
    /// Whether floating tags are refused; by default the name decides.
    pub production: Option<bool>,
    /// The Compose profiles that are active.
    pub profiles: Vec<Spanned<String>>,
    /// What is laid over the sections.
    pub overlay: Table,
}

/// The tables that an environment may change.
pub const SECTIONS: &[&str] = &[
    "configs",
    "hooks",
    "networks",
    "nodes",
    "parameters",
    "platforms",
    "scripts",
    "secrets",
    "service-defaults",
    "services",
    "users",
    "variables",
    "volumes",
];

/// The tables that belong to the release as a whole, whatever the environment.
const OF_THE_RELEASE: &[&str] = &["migrations", "upgrade"];

/// The annotations of `[project]` (OCI image spec, annotations.md); `authors` may be a list.
const PROJECT_ANNOTATIONS: &[&str] =
    &["authors", "description", "documentation", "licenses", "revision", "source", "title", "url", "vendor"];

/// Reads the spec. What could not be understood is missing from the result and named in the diagnostics.
pub fn parse(sources: &Sources, context: &mut Context) -> Spec {
    let root = document::parse(&sources.spec_text, context);
    if context.diagnostics.has(Code::SYNTAX) {
        // What follows from a file that could not be read to its end is noise.
        let mut noise = context.aside();
        return parse_root(&root, &mut noise);
    }
    parse_root(&root, context)
}

fn parse_root(root: &Table, context: &mut Context) -> Spec {
    let mut fields = Fields::new(root, Span::default(), "the file");
    let project = fields.table("project", context);
    let bootstrap = fields.table("bootstrap", context);
    let environments = fields.table("environments", context);
    let migrations = migration::parse_migrations(fields.node("migrations"), context);
    let upgrade = migration::parse_upgrade(fields.table("upgrade", context), context);
    let sections = take_sections(&mut fields, context);
    fields.finish(context);
    Spec {
        project: parse_project(project, context),
        bootstrap: parse_bootstrap(bootstrap, context),
        sections,
        migrations,
        upgrade,
        environments: environments.map(|(table, _)| parse_environments(table, context)).unwrap_or_default(),
    }
}

/// The paths of all files that the spec names, wherever an environment names them.
pub fn referenced_files(spec: &Spec) -> BTreeSet<String> {
    let overlays = spec.environments.values().map(|environment| &environment.overlay);
    let mut paths: BTreeSet<_> = std::iter::once(&spec.sections).chain(overlays).flat_map(files_of_sections).collect();
    if let Some(VersionSource::Cargo(manifest)) = &spec.project.version {
        paths.insert(manifest.value.clone());
    }
    let files = spec.migrations.iter().flat_map(|migration| std::iter::once(&migration.up).chain(&migration.down));
    paths.extend(files.map(|file| file.value.clone()));
    paths
}

fn files_of_sections(sections: &Table) -> Vec<String> {
    let mut paths = Vec::new();
    for (section, keys) in [
        ("configs", &["file", "directory"][..]),
        ("platforms", &["files"]),
        ("scripts", &["file"]),
        ("services", &["env_file"]),
    ] {
        for (_, entry) in sections.table(section).into_iter().flat_map(Table::iter) {
            paths.extend(keys.iter().filter_map(|key| entry.node.as_table()?.get(key)).flat_map(texts_of));
        }
    }
    let defaults = sections.table("service-defaults");
    let named = defaults.into_iter().flat_map(Table::iter).filter_map(|(_, entry)| entry.node.as_table());
    paths.extend(defaults.into_iter().chain(named).filter_map(|table| table.get("env_file")).flat_map(texts_of));
    paths
}

fn texts_of(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Text(text) => vec![text.clone()],
        Value::List(list) => list.iter().filter_map(Node::as_text).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn take_sections(fields: &mut Fields<'_>, context: &mut Context) -> Table {
    let mut sections = Table::default();
    for section in SECTIONS {
        if let Some(node) = fields.node(section)
            && check_section(section, node, context)
        {
            sections.insert(*section, Entry { key_span: node.span, node: node.clone() });
        }
    }
    sections
}

/// A section is a table of tables, but for the few that hold values.
fn check_section(section: &str, node: &Node, context: &mut Context) -> bool {
    let Some(table) = node.as_table() else {
        return wrong_type::<()>(node, section, "a table", context).is_some();
    };
    let flat = matches!(section, "variables" | "hooks" | "nodes" | "users" | "service-defaults");
    let mut sound = true;
    for (name, entry) in table.iter().filter(|(_, entry)| !flat && entry.node.as_table().is_none()) {
        sound = wrong_type::<()>(&entry.node, &format!("{section}.{name}"), "a table", context).is_some();
    }
    sound
}

fn parse_project(table: Option<(&Table, Span)>, context: &mut Context) -> Project {
    let empty = Table::default();
    let (table, span) = table.unwrap_or_else(|| {
        let hint = "[project]\nname = \"shop\"\nversion = \"1.0.0\"";
        context.error(Code::MISSING_KEY, None, "the file has no `[project]`", hint);
        (&empty, Span::default())
    });
    let mut fields = Fields::new(table, span, "`[project]`");
    let name = if table.is_empty() { fields.text("name", context) } else { fields.required_text("name", context) };
    let version = parse_version(fields.node("version"), context);
    let mut annotations = BTreeMap::new();
    for key in PROJECT_ANNOTATIONS {
        if let Some(text) = parse_annotation(key, fields.node(key), context) {
            annotations.insert(*key, text);
        }
    }
    fields.finish(context);
    Project { name: name.unwrap_or(Spanned { value: String::new(), span }), version, annotations }
}

fn parse_annotation(key: &str, node: Option<&Node>, context: &mut Context) -> Option<Spanned<String>> {
    let node = node?;
    let value = match &node.value {
        Value::List(list) if key == "authors" => {
            let authors: Vec<_> = list.iter().filter_map(|author| expect_text(author, key, context)).collect();
            authors.join(", ")
        }
        _ => expect_text(node, key, context)?.to_owned(),
    };
    Some(Spanned { value, span: node.span })
}

fn parse_version(node: Option<&Node>, context: &mut Context) -> Option<VersionSource> {
    let node = node?;
    match &node.value {
        Value::Text(text) => Some(VersionSource::Written(Spanned { value: text.clone(), span: node.span })),
        Value::Table(table) => {
            let mut fields = Fields::new(table, node.span, "`version`");
            let manifest = fields.required_text("cargo", context);
            fields.finish(context);
            manifest.map(VersionSource::Cargo)
        }
        _ => wrong_type(node, "version", "a text, or { cargo = \"Cargo.toml\" }", context),
    }
}

fn parse_bootstrap(table: Option<(&Table, Span)>, context: &mut Context) -> Bootstrap {
    let empty = Table::default();
    let (table, span) = table.unwrap_or((&empty, Span::default()));
    let mut fields = Fields::new(table, span, "`[bootstrap]`");
    let bootstrap = Bootstrap {
        platforms: fields.texts("platforms", context),
        repository: fields.text("repository", context),
        architectures: fields.texts("architectures", context),
        base: parse_base(fields.node("base"), context),
        default_environment: fields.text("default-environment", context),
        allow: parse_allow(fields.node("allow"), context),
    };
    fields.finish(context);
    bootstrap
}

fn parse_allow(node: Option<&Node>, context: &mut Context) -> Vec<Allow> {
    let Some(node) = node else { return Vec::new() };
    let Value::List(list) = &node.value else {
        return wrong_type(node, "allow", "a list", context).unwrap_or_default();
    };
    list.iter().filter_map(|item| parse_allow_entry(item, context)).collect()
}

fn parse_allow_entry(node: &Node, context: &mut Context) -> Option<Allow> {
    let Some(table) = node.as_table() else {
        let code = Spanned { value: expect_text(node, "allow", context)?.to_owned(), span: node.span };
        return Some(Allow { code, reason: None, feature: None, platform: None, is_table: false });
    };
    let mut fields = Fields::new(table, node.span, "an entry of `allow`");
    let code = fields.required_text("code", context);
    let reason = fields.text("reason", context);
    let (feature, platform) = (fields.text("feature", context), fields.text("platform", context));
    fields.finish(context);
    Some(Allow { code: code?, reason, feature, platform, is_table: true })
}

fn parse_base(node: Option<&Node>, context: &mut Context) -> BTreeMap<String, Spanned<String>> {
    let Some(node) = node else { return BTreeMap::new() };
    let spanned = |key: &str, node: &Node, context: &mut Context| {
        let value = expect_text(node, key, context)?.to_owned();
        Some(Spanned { value, span: node.span })
    };
    match &node.value {
        Value::Table(table) => table
            .iter()
            .filter_map(|(platform, entry)| Some((platform.to_owned(), spanned(platform, &entry.node, context)?)))
            .collect(),
        _ => spanned("base", node, context).map(|base| (ANY_PLATFORM.to_owned(), base)).into_iter().collect(),
    }
}

fn parse_environments(table: &Table, context: &mut Context) -> BTreeMap<Label, Environment> {
    let mut environments = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(label) = Label::parse(name) else {
            context.error(
                Code::INVALID_NAME,
                entry.key_span,
                format!("`{name}` cannot name an environment"),
                LABEL_HINT,
            );
            continue;
        };
        match entry.node.as_table() {
            Some(table) => {
                environments.insert(label, parse_environment(name, table, entry.key_span, context));
            }
            None => {
                wrong_type::<()>(&entry.node, name, "a table", context);
            }
        }
    }
    environments
}

/// What a name may be, for hints.
pub const LABEL_HINT: &str = "a name starts with a lower-case letter, goes on with lower-case letters, digits and `-`, and has at most 63 characters";

/// What the name of a service, volume, network, config or secret may be, for hints.
pub const DECLARED_NAME_HINT: &str =
    "a name starts with a letter or digit, and goes on with letters, digits, `.`, `_` and `-`";

fn parse_environment(name: &str, table: &Table, span: Span, context: &mut Context) -> Environment {
    let what = format!("environment `{name}`");
    let mut fields = Fields::new(table, span, what.clone());
    let mut environment = Environment {
        span,
        extends: fields.text("extends", context),
        production: fields.boolean("production", context),
        profiles: fields.texts("profiles", context),
        overlay: Table::default(),
    };
    let own = ["extends", "production", "profiles"];
    for (key, entry) in table.iter().filter(|(key, _)| !own.contains(key)) {
        if OF_THE_RELEASE.contains(&key) {
            let message =
                format!("{what} cannot have `{key}`, which belongs to the release and is the same in all environments");
            context.error(Code::UNKNOWN_KEY, entry.key_span, message, "write it at the top of the file");
        } else if !SECTIONS.contains(&key) {
            let known: Vec<_> = own.iter().chain(SECTIONS).copied().collect();
            unknown_key(key, entry.key_span, &what, &known, context);
        } else if check_section(key, &entry.node, context) {
            environment.overlay.insert(key, entry.clone());
        }
    }
    environment
}
