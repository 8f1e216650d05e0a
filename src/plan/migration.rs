//! Migrations: what takes the data of a product from one release to the next, and back.
//!
//! Takes in `[[migrations]]` as written; gives out what one environment runs, in order. They belong to the release: an environment
//! only decides whether the service is there that they are run with.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use semver::Version;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::Spanned;
use crate::document::node::{Entry, Node, Span, Table, Value};
use crate::name::{DeclaredName, Label, MAX_LABEL_CHARACTERS};
use crate::path::RelativePath;
use crate::source::Sources;
use crate::spec::{self, LABEL_HINT, Spec};

use super::migration_runner::{MigrationAction, read_action};
use super::objects::find_file;
use super::scope::Scope;
use super::script::check_line_ends;
use super::{Service, ServiceKind, migration_content};

/// One step of the data.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The name under which targets record it.
    pub name: Label,
    /// The release that needs it.
    pub release: Version,
    /// The service that it is run with.
    pub service: DeclaredName,
    /// Where it runs.
    pub mode: MigrationMode,
    /// What takes the data to the release.
    pub up: MigrationFile,
    /// What takes them back; none: it cannot be undone.
    pub down: Option<MigrationFile>,
    /// What runs a file.
    pub action: MigrationAction,
    /// Whether the release before works on what it leaves.
    pub compatible: bool,
    /// Whether it may be run again after it failed.
    pub idempotent: bool,
    /// What it does, as 32 hexadecimal digits: another text means another migration.
    pub content: String,
}

/// Where a migration runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationMode {
    /// In a container of its own, made like the service's.
    Run,
    /// In the running service.
    Exec,
}

/// A file of a migration.
#[derive(Clone, Debug)]
pub struct MigrationFile {
    /// The path as written.
    pub path: RelativePath,
    /// What it holds.
    pub bytes: Arc<[u8]>,
}

impl MigrationMode {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Exec => "exec",
        }
    }
}

/// What the migrations of one environment are checked against.
pub(super) struct Around<'a> {
    /// The environment.
    pub(super) environment: &'a Label,
    /// What the product is called on the target.
    pub(super) target: &'a str,
    /// Everything that was written.
    pub(super) spec: &'a Spec,
    /// The version of this release, unless it is faulty.
    pub(super) version: Option<&'a Version>,
    /// The services of the environment that could be read.
    pub(super) services: &'a [Service],
    /// The services of the environment as written.
    pub(super) written_services: &'a Table,
    /// The files that were read.
    pub(super) sources: &'a Sources,
}

/// Reads what an environment runs, in the order of the file, which is that of the releases.
pub(super) fn read_all(around: &Around<'_>, scope: &mut Scope, context: &mut Context) -> Vec<Migration> {
    check_names(&around.spec.migrations, context);
    check_order(&around.spec.migrations, context);
    around.spec.migrations.iter().filter_map(|written| read(written, around, scope, context)).collect()
}

/// What the table of portability judges: a key that the section of an environment would have.
pub(super) fn judged(migrations: &[Migration], written: &[spec::Migration]) -> Node {
    let mut table = Table::default();
    for migration in migrations {
        let place = written.iter().find(|written| written.name.value == migration.name.as_str());
        let span = place.map(|written| written.span).unwrap_or_default();
        let mut keys = Table::default();
        keys.insert("mode", Entry { key_span: span, node: Node::text(span, migration.mode.name()) });
        let node = Node { span, value: Value::Table(keys) };
        table.insert(migration.name.as_str(), Entry { key_span: span, node });
    }
    Node { span: Span::default(), value: Value::Table(table) }
}

fn check_names(written: &[spec::Migration], context: &mut Context) {
    let mut seen = BTreeSet::new();
    for migration in written {
        if !seen.insert(&migration.name.value) {
            let message = format!("two migrations are called `{}`", migration.name.value);
            let hint = "give the later one another name: a target records by name what it has run";
            context.error(Code::DUPLICATE, migration.name.span, message, hint);
        }
    }
}

/// They run in the order of the file, and by release when a target is several releases behind: the two are one order.
fn check_order(written: &[spec::Migration], context: &mut Context) {
    let mut newest: Option<(Version, &spec::Migration)> = None;
    for migration in written {
        let Ok(release) = Version::parse(&migration.release.value) else { continue };
        match &newest {
            Some((before, other)) if release.cmp_precedence(before).is_lt() => {
                let (name, other) = (&migration.name.value, &other.name.value);
                let message = format!("migration `{name}` of release {release} stands behind `{other}` of {before}");
                let hint = "migrations run in the order of their releases, which is that of the file: move it up";
                context.error(Code::MIGRATION, migration.release.span, message, hint);
            }
            _ => newest = Some((release, migration)),
        }
    }
}

fn read(written: &spec::Migration, around: &Around<'_>, scope: &mut Scope, context: &mut Context) -> Option<Migration> {
    let name = read_name(&written.name, context);
    check_length(around.target, &written.name, context);
    let release = read_release(written, around.version, context);
    let mode = read_mode(written.mode.as_ref(), context);
    let service = read_service(written, mode, around, context);
    let up = read_file(&written.up, around.sources, context);
    let down = written.down.as_ref().map(|down| read_file(down, around.sources, context));
    if written.down.is_none() {
        warn_irreversible(written, context);
    }
    let action = read_action(written, up.as_ref(), down.as_ref().and_then(Option::as_ref), scope, context);
    let (name, release, mode, service, up, action) = (name?, release?, mode?, service?, up?, action?);
    let down = match down {
        Some(file) => Some(file?),
        None => None,
    };
    let content = migration_content::of(written, mode, &up.bytes, down.as_ref().map(|down| &*down.bytes));
    let (compatible, idempotent) = (written.compatible, written.idempotent);
    Some(Migration { name, release, service, mode, up, down, action, compatible, idempotent, content })
}

/// What a migration runs in is called after it.
fn check_length(target: &str, name: &Spanned<String>, context: &mut Context) {
    let longest = format!("{target}-{}-999", name.value);
    if longest.len() > MAX_LABEL_CHARACTERS {
        let length = longest.len();
        let message =
            format!("`{longest}` has {length} characters; names on the target have at most {MAX_LABEL_CHARACTERS}");
        let hint = "shorten the name of the project, of the environment or of the migration";
        context.error(Code::TOO_LONG, name.span, message, hint);
    }
}

fn read_name(name: &Spanned<String>, context: &mut Context) -> Option<Label> {
    let label = Label::parse(&name.value);
    if label.is_none() {
        context.error(Code::INVALID_NAME, name.span, format!("`{}` cannot name a migration", name.value), LABEL_HINT);
    }
    label
}

fn read_release(written: &spec::Migration, version: Option<&Version>, context: &mut Context) -> Option<Version> {
    let text = &written.release.value;
    let Ok(release) = Version::parse(text) else {
        let hint = "write MAJOR.MINOR.PATCH, as in `1.4.2`";
        context.error(Code::VERSION, written.release.span, format!("invalid version `{text}`"), hint);
        return None;
    };
    if let Some(version) = version.filter(|version| release.cmp_precedence(&prepared_by(version)).is_gt()) {
        let name = &written.name.value;
        let message = format!("migration `{name}` is for release {release}, which is newer than this one, {version}");
        let hint = "write the release that brings it, or raise the version of the project";
        context.error(Code::MIGRATION, written.release.span, message, hint);
    }
    Some(release)
}

/// A pre-release carries the migrations of the release that it prepares: 1.4.0-rc.1 those of 1.4.0.
fn prepared_by(version: &Version) -> Version {
    if version.pre.is_empty() {
        return version.clone();
    }
    Version::new(version.major, version.minor, version.patch)
}

fn read_mode(mode: Option<&Spanned<String>>, context: &mut Context) -> Option<MigrationMode> {
    let Some(mode) = mode else { return Some(MigrationMode::Run) };
    match mode.value.as_str() {
        "run" => Some(MigrationMode::Run),
        "exec" => Some(MigrationMode::Exec),
        other => {
            let hint = unknown_name_hint(other, "modes", ["exec", "run"]);
            context.error(Code::INVALID_VALUE, mode.span, format!("invalid mode `{other}` of a migration"), hint);
            None
        }
    }
}

fn read_service(
    written: &spec::Migration,
    mode: Option<MigrationMode>,
    around: &Around<'_>,
    context: &mut Context,
) -> Option<DeclaredName> {
    let (name, service) = (&written.name.value, &written.service);
    if around.written_services.get(&service.value).is_none() {
        report_absent(written, around, context);
        return None;
    }
    let found = around.services.iter().find(|found| found.name.as_str() == service.value);
    if mode == Some(MigrationMode::Exec) && found.is_some_and(|found| found.kind == ServiceKind::Job) {
        let message = format!("migration `{name}` runs in the running service `{}`, which is a job", service.value);
        context.error(
            Code::MIGRATION,
            service.span,
            message,
            "write `mode = \"run\"`, or name a service that stays up",
        );
    }
    // A service that is faulty itself was reported.
    DeclaredName::parse(&service.value)
}

/// A service that is declared nowhere is a slip; one that this environment leaves out is a decision, to be made with open eyes.
fn report_absent(written: &spec::Migration, around: &Around<'_>, context: &mut Context) {
    let (name, service, environment) = (&written.name.value, &written.service, around.environment);
    let overlays = around.spec.environments.values().map(|environment| &environment.overlay);
    let declared = std::iter::once(&around.spec.sections).chain(overlays).filter_map(|all| all.table("services"));
    if declared.into_iter().any(|services| services.get(&service.value).is_some()) {
        let message = format!(
            "migration `{name}` is run with the service `{}`, which environment `{environment}` leaves out",
            service.value
        );
        let hint = format!(
            "name a service that every environment has; or `allow = [\"{}\"]` in `[bootstrap]`: then the migration is left out where the service is",
            Code::MIGRATION_LEFT_OUT
        );
        context.error(Code::MIGRATION_LEFT_OUT, service.span, message, hint);
        return;
    }
    let hint = unknown_name_hint(&service.value, "services", around.written_services.keys());
    let message = format!("migration `{name}` is run with unknown service `{}`", service.value);
    context.error(Code::UNKNOWN_REFERENCE, service.span, message, hint);
}

fn read_file(file: &Spanned<String>, sources: &Sources, context: &mut Context) -> Option<MigrationFile> {
    let bytes = find_file(file, None, sources, context)?;
    // A swarm keeps no empty config, and nothing is done by it anyway.
    if bytes.is_empty() {
        let hint = "leave `down` out where there is no way back; a step that does nothing says so in a comment";
        context.error(Code::MIGRATION, file.span, format!("`{}` is empty", file.value), hint);
        return None;
    }
    if Path::new(&file.value).extension().is_some_and(|extension| extension == "sh") || bytes.starts_with(b"#!") {
        check_line_ends(file, bytes, context);
    }
    Some(MigrationFile { path: RelativePath::parse(&file.value).ok()?, bytes: Arc::clone(bytes) })
}

fn warn_irreversible(written: &spec::Migration, context: &mut Context) {
    let message = format!("migration `{}` is irreversible: it has no `down`", written.name.value);
    let hint = "what it does cannot be taken back: `downgrade` behind it is refused";
    context.warning(Code::IRREVERSIBLE, written.name.span, message, hint);
}
