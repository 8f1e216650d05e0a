//! The release as a whole: project, version, image, and the environments selected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use semver::Version;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::Context;
use crate::document::fields::Spanned;
use crate::document::node::Span;
use crate::name::Label;
use crate::reference::{ReferenceParts, RegistryReference, is_local_base};
use crate::source::Sources;
use crate::spec::{ANY_PLATFORM, LABEL_HINT, Spec, VersionSource};

use super::allow::Allowances;
use super::environment::{self, Release};
use super::pins::{Pinning, Pins};
use super::scope::Scope;
use super::{
    Environment, NO_BASE, Plan, PlannedBase, Platform, PreviousRelease, fragment, image_files, objects, parameter,
    portability, previous, unreached, unused,
};
use crate::document::text::references;

/// What the command line asks for beyond the spec.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The platforms; empty: those of the spec.
    pub platforms: Vec<String>,
    /// The environments; empty: all.
    pub environments: Vec<String>,
    /// The version, over the spec's.
    pub version: Option<String>,
    /// The base, over the spec's.
    pub base: Option<String>,
    /// The bases of single platforms, by name, over `base`.
    pub bases: BTreeMap<String, String>,
    /// Whether a release without a base is refused: a check looks at a base that is written, but needs none.
    pub needs_base: bool,
    /// The architectures; empty: those of the spec.
    pub architectures: Vec<String>,
    /// What is made of images without a digest.
    pub pinning: Pinning,
    /// Lints to lower to warnings.
    pub allow: Vec<String>,
    /// The release before, whose migrations must be the same still.
    pub previous: Option<PreviousRelease>,
}

/// The name of the one environment of a spec that declares none.
const ONLY_ENVIRONMENT: &str = "production";

/// The built-in variables that are the same in every environment.
const RELEASE_VARIABLES: &[&str] = &["PROJECT_NAME", "PROJECT_VERSION"];

/// What an environment must not be called, because it would hide a command of the bootstrap image.
const COMMANDS: &[&str] = &[
    "alias",
    "bootstrap",
    "config",
    "diff",
    "doctor",
    "down",
    "downgrade",
    "explain",
    "forget",
    "help",
    "history",
    "images",
    "load",
    "logs",
    "migrate",
    "nodes",
    "plan",
    "ps",
    "pull",
    "restart",
    "rollback",
    "run",
    "scale",
    "start",
    "status",
    "stop",
    "unlock",
    "up",
    "upgrade",
    "users",
    "version",
];

/// Resolves a release; `None` when something is wrong, which the diagnostics then say.
pub fn resolve(spec: &Spec, sources: &Sources, selection: &Selection, context: &mut Context) -> Option<Plan> {
    let mut allowances = Allowances::read(spec, selection, context);
    let project = read_project(&spec.project.name, context);
    let version = read_version(spec, sources, selection, context);
    let platforms = read_platforms(spec, selection, context);
    let environments = select_environments(spec, selection, context);
    let default_environment = read_default_environment(spec, &environments, context);
    // A fault in the project's name or version does not keep the environments from being read.
    let stand_in = || Label::parse("project").expect("a label");
    let named = project.clone().unwrap_or_else(stand_in);
    let text = version.as_ref().map_or_else(|| "0.0.0".to_owned(), Version::to_string);
    let mut scope = Scope::new(&[("PROJECT_NAME", named.as_str()), ("PROJECT_VERSION", &text)]);
    add_release_variables(spec, &mut scope, context);
    let pins = Pins::read(selection.pinning, sources, context);
    let base = read_bases(spec, selection, &platforms, &pins, &mut scope, context);
    let architectures = read_architectures(spec, selection, &mut scope, context);
    let repository = read_repository(spec, &named, &mut scope, context);
    let annotations = read_annotations(spec, &named, &mut scope, context);
    let carries_spec = environments.len() >= spec.environments.len();
    let previous = selection.previous.as_ref();
    if let (Some(previous), Some(project), Some(version)) = (previous, &project, &version) {
        previous::check_release(previous, project, version, context);
    }
    let release = Release {
        project: &named,
        version_text: &text,
        version: version.as_ref(),
        platforms: &platforms,
        spec,
        sources,
        previous,
        pins: &pins,
    };
    unused::check_variables(spec, sources, context);
    fragment::check_used(spec, context);
    let names = environments;
    let environments: Vec<_> = names.iter().map(|name| environment::resolve(name, &release, context)).collect();
    if selection.environments.is_empty() {
        unreached::check(&environments, &release, context);
    }
    let portability = portability::judge(&environments, &platforms, &mut allowances, context);
    check_for_platforms(&named, &environments, &platforms, context);
    image_files::check(&environments, spec, context);
    if context.diagnostics.has_errors() {
        return None;
    }
    if selection.platforms.is_empty() && selection.environments.is_empty() {
        allowances.check_used(&platforms, context);
    }
    Some(Plan {
        project: project?,
        version: version?,
        has_several_platforms: platforms.len() > 1 || names_several_platforms(spec),
        platforms,
        repository: repository?,
        base,
        architectures,
        annotations,
        default_environment,
        environments,
        portability,
        spec_text: Arc::clone(&sources.spec_text),
        lock_text: pins.text(),
        carries_spec,
    })
}

/// What one platform alone cannot take.
fn check_for_platforms(project: &Label, environments: &[Environment], platforms: &[Platform], context: &mut Context) {
    for environment in environments {
        if platforms.contains(&Platform::Swarm) {
            portability::check_for_swarm(environment, context);
        }
        if platforms.contains(&Platform::Kubernetes) {
            portability::check_for_kubernetes(environment, context);
        }
    }
    // Which objects there are nobody knows while a service is faulty.
    if platforms.contains(&Platform::Kubernetes) && !context.diagnostics.has_errors() {
        for environment in environments {
            portability::check_kubernetes_objects(project, environment, context);
        }
    }
}

fn read_project(name: &Spanned<String>, context: &mut Context) -> Option<Label> {
    let label = Label::parse(&name.value);
    if label.is_none() && !name.value.is_empty() {
        context.error(Code::INVALID_NAME, name.span, format!("`{}` cannot name a project", name.value), LABEL_HINT);
    }
    label
}

fn read_version(spec: &Spec, sources: &Sources, selection: &Selection, context: &mut Context) -> Option<Version> {
    let (text, span): (String, Option<Span>) = match (&selection.version, &spec.project.version) {
        (Some(given), _) => (given.clone(), None),
        (None, Some(VersionSource::Written(written))) => (written.value.clone(), Some(written.span)),
        (None, Some(VersionSource::Cargo(manifest))) => {
            (read_manifest(manifest, sources, context)?, Some(manifest.span))
        }
        (None, None) if spec.project.name.value.is_empty() => return None,
        (None, None) => {
            let hint = "add `version = \"1.0.0\"` to `[project]`, or give `--version`";
            context.error(Code::MISSING_KEY, spec.project.name.span, "the release has no version", hint);
            return None;
        }
    };
    let version = Version::parse(&text);
    if version.is_err() {
        context.error(
            Code::VERSION,
            span,
            format!("invalid version `{text}`"),
            "write MAJOR.MINOR.PATCH, as in `1.4.2`",
        );
    }
    version.ok()
}

/// The version of a Cargo manifest: the package's, or the workspace's.
fn read_manifest(manifest: &Spanned<String>, sources: &Sources, context: &mut Context) -> Option<String> {
    let bytes = objects::find_file(manifest, None, sources, context)?;
    let table: Option<toml::Table> = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    let package = |table: &toml::Table| table.get("package")?.get("version")?.as_str().map(str::to_owned);
    let workspace =
        |table: &toml::Table| table.get("workspace")?.get("package")?.get("version")?.as_str().map(str::to_owned);
    let version = table.as_ref().and_then(|table| package(table).or_else(|| workspace(table)));
    if version.is_none() {
        let message = format!("`{}` has no `version` in `[package]` or `[workspace.package]`", manifest.value);
        context.error(Code::VERSION, manifest.span, message, None);
    }
    version
}

fn read_platforms(spec: &Spec, selection: &Selection, context: &mut Context) -> Vec<Platform> {
    let written = spec.bootstrap.platforms.iter().map(|platform| (platform.value.clone(), Some(platform.span)));
    let given: Vec<_> = selection.platforms.iter().map(|platform| (platform.clone(), None)).collect();
    let wanted: Vec<_> = if given.is_empty() { written.collect() } else { given };
    let mut platforms = BTreeSet::new();
    for (name, span) in &wanted {
        match Platform::parse(name) {
            Some(platform) => drop(platforms.insert(platform)),
            None => {
                let hint = unknown_name_hint(name, "platforms", Platform::ALL.iter().map(|platform| platform.name()));
                context.error(Code::PLATFORM, *span, format!("unknown platform `{name}`"), hint);
            }
        }
    }
    if wanted.is_empty() { vec![Platform::Compose] } else { platforms.into_iter().collect() }
}

/// Whether the release is for several platforms, whichever are built now: an image has one tag, with or without its sisters.
fn names_several_platforms(spec: &Spec) -> bool {
    let names: BTreeSet<_> = spec.bootstrap.platforms.iter().map(|platform| platform.value.as_str()).collect();
    names.len() > 1
}

/// Every environment of a spec; one without any has one.
fn declared_environments(spec: &Spec) -> BTreeSet<Label> {
    if spec.environments.is_empty() {
        return BTreeSet::from([Label::parse(ONLY_ENVIRONMENT).expect("a label")]);
    }
    spec.environments.keys().cloned().collect()
}

/// The environments to build, sorted.
fn select_environments(spec: &Spec, selection: &Selection, context: &mut Context) -> BTreeSet<Label> {
    let declared = declared_environments(spec);
    for (name, environment) in spec.environments.iter().filter(|(name, _)| COMMANDS.contains(&name.as_str())) {
        let message = format!("`{name}` cannot name an environment: it is a command of the bootstrap image");
        context.error(Code::RESERVED_NAME, environment.span, message, None);
    }
    if selection.environments.is_empty() {
        return declared;
    }
    let mut selected = BTreeSet::new();
    for name in &selection.environments {
        match declared.iter().find(|label| label.as_str() == name) {
            Some(label) => drop(selected.insert(label.clone())),
            None => {
                let hint = unknown_name_hint(name, "environments", declared.iter().map(Label::as_str));
                context.error(Code::UNKNOWN_ENVIRONMENT, None, format!("unknown environment `{name}`"), hint);
            }
        }
    }
    selected
}

fn read_default_environment(spec: &Spec, selected: &BTreeSet<Label>, context: &mut Context) -> Option<Label> {
    let written = spec.bootstrap.default_environment.as_ref()?;
    let declared = declared_environments(spec);
    let label = Label::parse(&written.value).filter(|label| declared.contains(label));
    if label.is_none() {
        let hint = unknown_name_hint(&written.value, "environments", declared.iter().map(Label::as_str));
        let message = format!("the default environment `{}` does not exist", written.value);
        context.error(Code::UNKNOWN_ENVIRONMENT, written.span, message, hint);
    }
    // An image without the default environment has none: the operator then names one.
    label.filter(|label| selected.contains(label))
}

/// The variables of the release itself: those of `[variables]` that do not depend on an environment.
fn add_release_variables(spec: &Spec, scope: &mut Scope, context: &mut Context) {
    scope.add_parameters(spec.sections.table("parameters").map(parameter::names).unwrap_or_default());
    let Some(table) = spec.sections.table("variables") else { return };
    let mut quiet = context.aside();
    let mut variables = environment::read_variables(table, &BTreeMap::new(), &mut quiet);
    // What uses `${ENVIRONMENT}`, or what environments alone declare, has no value here; so has what uses that.
    loop {
        let count = variables.len();
        let known: BTreeSet<_> = variables.keys().map(ToString::to_string).collect();
        let is_known = |name: &String| known.contains(name) || RELEASE_VARIABLES.contains(&name.as_str());
        variables.retain(|_, node| references(node.as_text().unwrap_or_default()).iter().all(is_known));
        if variables.len() == count {
            break;
        }
    }
    scope.add_variables(&variables, context);
}

fn read_repository(spec: &Spec, project: &Label, scope: &mut Scope, context: &mut Context) -> Option<String> {
    let Some(written) = &spec.bootstrap.repository else { return Some(format!("{project}/bootstrap")) };
    let text = scope.plain(&written.value, written.span, context)?;
    match ReferenceParts::parse(&text) {
        Some(reference) if reference.tag.is_none() && reference.digest.is_none() => Some(text),
        _ => {
            let message = format!("invalid repository `{text}`");
            context.error(
                Code::IMAGE,
                written.span,
                message,
                "write `registry/name` in lower case, without a tag: the tag is the version",
            );
            None
        }
    }
}

fn read_annotations(
    spec: &Spec,
    project: &Label,
    scope: &mut Scope,
    context: &mut Context,
) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::from([("org.opencontainers.image.title".to_owned(), project.to_string())]);
    for (key, written) in &spec.project.annotations {
        let text = scope.plain(&written.value, written.span, context);
        annotations.extend(text.map(|text| (format!("org.opencontainers.image.{key}"), text)));
    }
    annotations
}

fn read_bases(
    spec: &Spec,
    selection: &Selection,
    platforms: &[Platform],
    pins: &Pins<'_>,
    scope: &mut Scope,
    context: &mut Context,
) -> BTreeMap<Platform, PlannedBase> {
    for (key, written) in
        spec.bootstrap.base.iter().filter(|(key, _)| *key != ANY_PLATFORM && Platform::parse(key).is_none())
    {
        let hint = unknown_name_hint(key, "platforms", Platform::ALL.iter().map(|platform| platform.name()));
        context.error(Code::PLATFORM, written.span, format!("`base` names unknown platform `{key}`"), hint);
    }
    for name in selection.bases.keys().filter(|name| !platforms.iter().any(|platform| platform.name() == **name)) {
        let hint = unknown_name_hint(name, "platforms", platforms.iter().map(|platform| platform.name()));
        context.error(Code::PLATFORM, None, format!("`--base` names `{name}`, which is not built"), hint);
    }
    let mut bases = BTreeMap::new();
    for platform in platforms {
        let written = spec.bootstrap.base.get(platform.name()).or_else(|| spec.bootstrap.base.get(ANY_PLATFORM));
        let given = selection.bases.get(platform.name()).or(selection.base.as_ref());
        let (text, origin) = match (given, written) {
            (Some(given), _) => (given.clone(), Origin::CommandLine),
            (None, Some(written)) => match scope.plain(&written.value, written.span, context) {
                Some(text) => (text, Origin::Spec(written.span)),
                None => continue,
            },
            (None, None) if !selection.needs_base => continue,
            (None, None) => {
                let message = format!("no base for platform `{}`", platform.name());
                context.error(Code::MISSING_KEY, None, message, base_hint(*platform));
                continue;
            }
        };
        if text == NO_BASE && selection.needs_base {
            let message =
                format!("the base `{NO_BASE}` holds nothing that the entrypoint for `{}` calls", platform.name());
            let hint = "name a base with a shell and its tools; when they come in another way, add `allow = [\"B049\"]` to `[bootstrap]`, or give `--allow B049`";
            context.error(Code::NO_TOOLS, origin.span(), message, hint);
        }
        bases.extend(read_base(&text, origin, pins, context).map(|base| (*platform, base)));
    }
    bases
}

/// What an image must hold to be a base, for who has none yet.
fn base_hint(platform: Platform) -> String {
    let tools = match platform {
        Platform::Compose => "the docker CLI and Compose, such as `docker:28-cli`",
        Platform::Swarm => "the docker CLI, such as `docker:28-cli`",
        Platform::Kubernetes => "kubectl",
    };
    format!(
        "add `base = \"NAME:TAG@sha256:DIGEST\"` or `base = \"oci:PATH\"` to `[bootstrap]`, or give `--base`: an image with a shell, the usual tools and {tools}"
    )
}

/// Where a base is named.
#[derive(Clone, Copy)]
enum Origin {
    Spec(Span),
    CommandLine,
}

impl Origin {
    fn span(self) -> Option<Span> {
        match self {
            Self::Spec(span) => Some(span),
            Self::CommandLine => None,
        }
    }
}

/// The transports are those of skopeo. An image of a registry is pinned: a tag may name another one tomorrow, and a build gives the same bytes
/// again.
fn read_base(text: &str, origin: Origin, pins: &Pins<'_>, context: &mut Context) -> Option<PlannedBase> {
    let planned = |text: &str, digest| Some(PlannedBase { text: text.to_owned(), digest });
    if text == NO_BASE {
        return planned(text, None);
    }
    if is_local_base(text) {
        return match origin {
            Origin::Spec(span) => planned(text, pins.digest_of_file(text, Some(span), context)),
            // Who names a file on the command line means that file.
            Origin::CommandLine => planned(text, None),
        };
    }
    let span = origin.span();
    let image = RegistryReference::parse(text).ok();
    let pinned = image.as_ref().map_or_else(|| text.to_owned(), |_| pins.pin(text, span, context));
    let is_pinned = RegistryReference::parse(&pinned).is_ok_and(|image| image.digest().is_some());
    if is_pinned || (image.is_some() && !pins.are_written()) {
        return planned(&pinned, None);
    }
    let (message, hint) = match image {
        Some(_) => (
            format!("the base `{text}` is not pinned"),
            format!("write `{text}@sha256:…`, with the digest that `bootsmith pull {text}` prints, or lock it with `bootsmith lock` and build with `--locked`"),
        ),
        None => (
            format!("invalid base `{text}`"),
            "a base is `NAME:TAG@sha256:DIGEST` of a registry, `oci:PATH`, `oci-archive:PATH`, `docker-archive:PATH` or `scratch`"
                .to_owned(),
        ),
    };
    context.error(Code::BASE, span, message, hint);
    None
}

/// `os/architecture[/variant]` (OCI image spec, image index, `platform`).
fn read_architectures(spec: &Spec, selection: &Selection, scope: &mut Scope, context: &mut Context) -> Vec<String> {
    let written: Vec<_> = spec
        .bootstrap
        .architectures
        .iter()
        .filter_map(|text| Some((scope.plain(&text.value, text.span, context)?, Some(text.span))))
        .collect();
    let given: Vec<_> = selection.architectures.iter().map(|text| (text.clone(), None)).collect();
    let wanted = if given.is_empty() { written } else { given };
    for (text, span) in &wanted {
        let parts: Vec<_> = text.split('/').collect();
        let word = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !(2..=3).contains(&parts.len()) || !parts.iter().all(word) {
            context.error(
                Code::INVALID_VALUE,
                *span,
                format!("invalid architecture `{text}`"),
                "write `os/architecture`, as in `linux/amd64`",
            );
        }
    }
    wanted.into_iter().map(|(text, _)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_bootstrap_image_is_reserved() {
        let arguments = include_str!("../../templates/entrypoint/lib/arguments.sh");
        let line = arguments.lines().find_map(|line| line.strip_prefix("commands='")?.strip_suffix('\''));
        let commands: Vec<_> = line.expect("the list of commands").split(' ').collect();
        assert!(commands.len() > 20 && COMMANDS.is_sorted());
        assert!(commands.iter().all(|command| COMMANDS.contains(command)), "{commands:?}");
    }
}
