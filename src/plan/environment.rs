//! One environment: merged, interpolated, read, checked against itself.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use crate::diagnostic::{Code, unknown_name_hint};
use crate::document::node::{Entry, Node, Span, Table, Value};
use crate::document::{self, Context};
use crate::name::{DeclaredName, EnvironmentKey, Label};
use crate::source::Sources;
use crate::spec::{self, Spec};

use super::fragment::{self, Fragments};
use super::pins::Pins;
use super::scope::{Place, Scope};
use super::service::{self, Surroundings};
use super::template::Names;
use super::waves::waves;
use super::{
    ConfigContent, Environment, FileKind, Gate, Migration, Parameter, Platform, PreviousRelease, SecretSource, Service,
    ServiceKind,
};
use super::{
    additions, config, declared_name, lint, migration, objects, parameter, port, previous, profiles, script,
    script_uses, service_environment, upgrade,
};

/// What every environment of a release shares.
pub(super) struct Release<'a> {
    /// The project's name.
    pub(super) project: &'a Label,
    /// The version, for `${PROJECT_VERSION}`.
    pub(super) version_text: &'a str,
    /// The version, unless it is faulty.
    pub(super) version: Option<&'a Version>,
    /// The platforms to build for.
    pub(super) platforms: &'a [Platform],
    /// What was written.
    pub(super) spec: &'a Spec,
    /// The files that were read.
    pub(super) sources: &'a Sources,
    /// The release before.
    pub(super) previous: Option<&'a PreviousRelease>,
    /// Which content images are.
    pub(super) pins: &'a Pins<'a>,
}

/// Names of environments in which a floating tag is nobody's outage, unless `production = true` says otherwise.
const RELAXED_PREFIXES: &[&str] = &["ci", "dev", "local", "sandbox", "test"];

/// Resolves one environment.
pub(super) fn resolve(name: &Label, release: &Release<'_>, context: &mut Context) -> Environment {
    resolve_with(name, &BTreeSet::new(), release, context)
}

/// The same with further profiles.
pub(super) fn resolve_with(
    name: &Label,
    more_profiles: &BTreeSet<String>,
    release: &Release<'_>,
    context: &mut Context,
) -> Environment {
    let chain = chain(name, release.spec, context);
    let mut sections = release.spec.sections.clone();
    chain.iter().rev().for_each(|environment| fragment::lay_environment(&mut sections, &environment.overlay));
    let production = chain.iter().find_map(|environment| environment.production);
    let production =
        production.unwrap_or_else(|| !RELAXED_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix)));
    let mut scope = scope(name, &sections, release, context);
    let mut profiles = profiles::active(&chain, &sections, &mut scope, context);
    profiles.extend(more_profiles.iter().cloned());
    additions::hand_over(&mut sections);
    prepare_services(&mut sections, &profiles, &mut scope, release.sources, context);
    check_services_left(name, &sections, release.spec, context);
    let mut written = Node { span: Span::default(), value: Value::Table(sections) };
    scope.interpolate_tree(&mut written, &mut Vec::new(), &place_of, context);
    let environment = read(name, written, &mut scope, production, release, context);
    check_parameters_used(&environment, &scope, context);
    environment
}

/// The environment and those that it extends, itself first.
fn chain<'a>(name: &Label, spec: &'a Spec, context: &mut Context) -> Vec<&'a spec::Environment> {
    let mut chain = Vec::new();
    let mut seen = vec![name.clone()];
    let mut next = spec.environments.get(name);
    while let Some(environment) = next {
        chain.push(environment);
        let Some(extends) = &environment.extends else { break };
        let parent = Label::parse(&extends.value).filter(|label| spec.environments.contains_key(label));
        let Some(parent) = parent else {
            let known = spec.environments.keys().map(Label::as_str);
            let child = seen.last().unwrap_or(name);
            let message = format!("environment `{child}` extends unknown environment `{}`", extends.value);
            context.error(
                Code::UNKNOWN_ENVIRONMENT,
                extends.span,
                message,
                unknown_name_hint(&extends.value, "environments", known),
            );
            break;
        };
        if seen.contains(&parent) {
            let circle: Vec<_> = seen.iter().chain([&parent]).map(Label::as_str).collect();
            context.error(
                Code::CYCLE,
                extends.span,
                format!("environments extend each other: {}", circle.join(" → ")),
                None,
            );
            break;
        }
        next = spec.environments.get(&parent);
        seen.push(parent);
    }
    chain
}

/// Puts the defaults under every service, leaves out what this environment does not run, and gathers environments.
fn prepare_services(
    sections: &mut Table,
    profiles: &BTreeSet<String>,
    scope: &mut Scope,
    sources: &Sources,
    context: &mut Context,
) {
    let fragments = Fragments::take(sections, context);
    let Some(Entry { key_span, node: Node { span, value: Value::Table(services) } }) = sections.remove("services")
    else {
        return;
    };
    let mut prepared = Table::default();
    for (name, entry) in services.iter() {
        let Some(written) = entry.node.as_table() else { continue };
        let mut service = fragments.under(name, written, context);
        if !is_enabled(&service, profiles, scope, context) {
            continue;
        }
        service_environment::gather(name, &mut service, sources, context);
        let node = Node { span: entry.node.span, value: Value::Table(service) };
        prepared.insert(name, Entry { key_span: entry.key_span, node });
    }
    sections.insert("services", Entry { key_span, node: Node { span, value: Value::Table(prepared) } });
}

fn is_enabled(service: &Table, profiles: &BTreeSet<String>, scope: &mut Scope, context: &mut Context) -> bool {
    let written = service::texts(service.get("profiles"), "profiles", context);
    let wanted: Vec<_> = written.iter().filter_map(|(profile, span)| scope.plain(profile, *span, context)).collect();
    let in_profile = wanted.is_empty() || wanted.iter().any(|profile| profiles.contains(profile));
    read_switch(service, "enabled", context) && in_profile
}

/// An environment without a service would be refused on the target, by Compose.
fn check_services_left(name: &Label, sections: &Table, spec: &Spec, context: &mut Context) {
    let holds_services = |sections: &Table| sections.table("services").is_some_and(|services| !services.is_empty());
    if holds_services(sections) {
        return;
    }
    let mut overlays = spec.environments.values().map(|environment| &environment.overlay);
    if holds_services(&spec.sections) || overlays.any(holds_services) {
        let span = spec.environments.get(name).map(|environment| environment.span);
        let hint = "`enabled = false` and `profiles` leave services out; give it one, or take the environment out";
        context.error(Code::MISSING_KEY, span, format!("environment `{name}` has no service"), hint);
    } else if !context.diagnostics.has(Code::WRONG_TYPE) {
        // A section of the wrong type was reported, and is not there.
        let hint = "[services.web]\nimage = \"registry.example.com/web:1.0.0\"";
        context.error(Code::MISSING_KEY, None, "the file has no service", hint);
    }
}

/// A switch that is on unless it says `false`.
fn read_switch(table: &Table, key: &str, context: &mut Context) -> bool {
    match table.get(key) {
        None => true,
        Some(Node { value: Value::Boolean(boolean), .. }) => *boolean,
        Some(node) => document::fields::wrong_type(node, key, "true or false", context).unwrap_or(true),
    }
}

/// Names and the two built-in sections that hold no text of a release are not interpolated as a whole.
fn place_of(path: &[String]) -> Place {
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["services", _, "environment", ..] | ["configs", _, "content"] => Place::Open,
        ["services", _, "command" | "entrypoint", ..] => Place::Arguments,
        ["parameters", _, "pattern"] => Place::Verbatim,
        _ => Place::Closed,
    }
}

fn scope(name: &Label, sections: &Table, release: &Release<'_>, context: &mut Context) -> Scope {
    let built_in = [
        ("PROJECT_NAME", release.project.as_str()),
        ("PROJECT_VERSION", release.version_text),
        ("ENVIRONMENT", name.as_str()),
    ];
    let mut scope = Scope::new(&built_in);
    let parameters = parameter::names(section(sections, "parameters"));
    let variables = read_variables(section(sections, "variables"), &parameters, context);
    scope.add_parameters(parameters);
    scope.add_variables(&variables, context);
    scope
}

/// Reads `[variables]`: texts under names that no parameter has.
pub(super) fn read_variables(
    table: &Table,
    parameters: &BTreeMap<EnvironmentKey, bool>,
    context: &mut Context,
) -> BTreeMap<EnvironmentKey, Node> {
    let mut variables = BTreeMap::new();
    for (name, entry) in table.iter() {
        let Some(key) = parameter::read_key(name, entry.key_span, "variable", context) else { continue };
        if parameters.contains_key(&key) {
            context.error(Code::DUPLICATE, entry.key_span, format!("`{name}` is a variable and a parameter"), None);
        }
        if document::fields::expect_text(&entry.node, name, context).is_some() {
            variables.insert(key, entry.node.clone());
        }
    }
    variables
}

fn read(
    name: &Label,
    mut written: Node,
    scope: &mut Scope,
    production: bool,
    release: &Release<'_>,
    context: &mut Context,
) -> Environment {
    let sections = written.as_table().expect("the sections are a table");
    let target = format!("{}-{name}", release.project);
    check_name(name, sections, release.spec, context);
    declared_name::check_apart(sections, release.platforms, context);
    let parameters = parameter::read_all(section(sections, "parameters"), context);
    let mut volumes = objects::read_all(section(sections, "volumes"), "volume", &target, context);
    let mut networks = objects::read_all(section(sections, "networks"), "network", &target, context);
    let platforms = section(sections, "platforms");
    let additions = additions::read_all(platforms, sections, &target, release.sources, context);
    additions::patch_objects(&additions, "volume", &mut volumes, context);
    additions::patch_objects(&additions, "network", &mut networks, context);
    let variables = scope.plain_variables();
    let names = template_names(name, &variables, &parameters, sections);
    let configs = config::read_all(section(sections, "configs"), release.sources, &names, context);
    let executables = config::read_executables(section(sections, "configs"), release.sources);
    let secrets = objects::read_secrets(section(sections, "secrets"), &parameters, context);
    let around = Surroundings {
        services: section(sections, "services"),
        volumes: section(sections, "volumes"),
        networks: section(sections, "networks"),
        configs: section(sections, "configs"),
        secrets: section(sections, "secrets"),
        production,
        pins: release.pins,
        is_for_compose: release.platforms.contains(&Platform::Compose),
        spec_text: &release.sources.spec_text,
    };
    let services = read_services(around.services, &target, release.platforms, &around, context);
    if release.platforms.iter().any(|platform| *platform != Platform::Kubernetes) {
        port::check_services(&services, around.services, context);
    }
    check_secret_uses(&services, &secrets, section(sections, "secrets"), context);
    lint::check_optional_secrets(&services, &parameters, around.services, context);
    check_unused(&services, &configs, &secrets, sections, context);
    let scripts = script::read_all(section(sections, "scripts"), around.services, release.sources, context);
    let declared_scripts = section(sections, "scripts");
    let hooks = script_uses::read_hooks(section(sections, "hooks"), &scripts, declared_scripts, context);
    let node_actions = script_uses::read_node_actions(section(sections, "nodes"), declared_scripts, context);
    let user_actions = script_uses::read_user_actions(section(sections, "users"), declared_scripts, context);
    let around = migration::Around {
        environment: name,
        target: &target,
        spec: release.spec,
        version: release.version,
        services: &services,
        written_services: around.services,
        sources: release.sources,
    };
    let migrations = migration::read_all(&around, scope, context);
    if let Some(previous) = release.previous {
        previous::check_migrations(previous, name, &migrations, &release.spec.migrations, context);
    }
    let upgrade = release.spec.upgrade.as_ref();
    let upgrade = upgrade.map(|written| upgrade::read(written, release.version, declared_scripts, context));
    if let Value::Table(sections) = &mut written.value {
        add_release_tables(sections, &migrations, release.spec);
    }
    Environment {
        name: name.clone(),
        target,
        variables,
        parameters,
        services,
        volumes,
        networks,
        configs,
        executables,
        secrets,
        additions,
        scripts,
        hooks,
        node_actions,
        user_actions,
        migrations,
        upgrade,
        written,
    }
}

/// What templates of the environment see.
fn template_names<'a>(
    environment: &'a Label,
    variables: &'a BTreeMap<EnvironmentKey, String>,
    parameters: &'a BTreeMap<EnvironmentKey, Parameter>,
    sections: &Table,
) -> Names<'a> {
    let is_known = |name: &str| {
        EnvironmentKey::parse(name).is_some_and(|key| variables.contains_key(&key) || parameters.contains_key(&key))
    };
    let mut declared = ["variables", "parameters"].into_iter().flat_map(|name| section(sections, name).keys());
    Names { environment, variables, parameters, are_whole: declared.all(is_known) }
}

/// What belongs to the release is judged in every environment as if it were written there.
fn add_release_tables(sections: &mut Table, migrations: &[Migration], spec: &Spec) {
    if !migrations.is_empty() {
        let node = migration::judged(migrations, &spec.migrations);
        sections.insert("migrations", Entry { key_span: node.span, node });
    }
    if let Some(upgrade) = &spec.upgrade {
        let node = Node { span: upgrade.span, value: Value::Table(Table::default()) };
        sections.insert("upgrade", Entry { key_span: upgrade.span, node });
    }
}

/// A word after a command is the environment of that name, else a service or script.
fn check_name(name: &Label, sections: &Table, spec: &Spec, context: &mut Context) {
    for (plural, what) in [("services", "service"), ("scripts", "script")] {
        if section(sections, plural).get(name.as_str()).is_some() {
            let span = spec.environments.get(name).map(|environment| environment.span);
            let message = format!("`{name}` is an environment and a {what}: `restart {name}` could mean either");
            context.error(Code::DUPLICATE, span, message, "give one of them another name");
        }
    }
}

/// A section, empty when it is not there.
fn section<'a>(sections: &'a Table, name: &str) -> &'a Table {
    static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::default);
    sections.table(name).unwrap_or(&EMPTY)
}

fn read_services(
    table: &Table,
    target: &str,
    platforms: &[Platform],
    around: &Surroundings<'_>,
    context: &mut Context,
) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    for (name, entry) in table.iter() {
        let Some(own) = declared_name::read(name, entry.key_span, "service", context) else { continue };
        declared_name::check_length(&own, target, entry.key_span, platforms, context);
        let read = entry.node.as_table().and_then(|table| service::read(&own, table, entry.key_span, around, context));
        services.extend(read);
    }
    order(&mut services, table, context);
    services
}

/// Sets waves and gates, and sorts by them.
fn order(services: &mut [Service], table: &Table, context: &mut Context) {
    let graph = services.iter().map(|service| (&service.name, &service.depends_on)).collect();
    let waves: BTreeMap<DeclaredName, u32> = match waves(&graph) {
        Ok(waves) => waves.into_iter().map(|(name, wave)| (name.clone(), wave)).collect(),
        Err(circle) => {
            let names: Vec<_> = circle.iter().map(DeclaredName::as_str).collect();
            let span = table.entry(names[0]).map(|entry| entry.key_span).unwrap_or_default();
            context.error(Code::CYCLE, span, format!("services wait for each other: {}", names.join(" → ")), None);
            return;
        }
    };
    let mut gates: BTreeMap<DeclaredName, Gate> = BTreeMap::new();
    for (name, dependency) in services.iter().flat_map(|service| &service.depends_on) {
        let gate = gates.entry(name.clone()).or_insert(Gate::None);
        *gate = (*gate).max(dependency.condition);
    }
    for service in services.iter_mut() {
        service.wave = waves.get(&service.name).copied().unwrap_or(1);
        service.gate = gates.get(&service.name).copied().unwrap_or(Gate::None);
        check_gate(service, table, context);
    }
    services.sort_by(|left, right| (left.wave, &left.name).cmp(&(right.wave, &right.name)));
}

/// Only a job completes, and only what is checked is healthy.
fn check_gate(service: &Service, table: &Table, context: &mut Context) {
    let span = table.entry(service.name.as_str()).map(|entry| entry.key_span).unwrap_or_default();
    let name = &service.name;
    match (service.gate, service.kind) {
        (Gate::Completed, ServiceKind::Service) => {
            let message = format!("another service waits for `{name}` to complete, but `{name}` is not a job");
            context.error(Code::INVALID_VALUE, span, message, "add `deploy.mode = \"replicated-job\"` to it");
        }
        (Gate::Healthy, ServiceKind::Job) => {
            let message = format!("another service waits for the job `{name}` to be healthy");
            context.error(
                Code::INVALID_VALUE,
                span,
                message,
                "wait with `condition = \"service_completed_successfully\"`",
            );
        }
        (Gate::Healthy, ServiceKind::Service) if service.compose.has_health_check_off() => {
            let message =
                format!("another service waits for `{name}` to be healthy, but its health check is switched off");
            context.error(
                Code::INVALID_VALUE,
                span,
                message,
                "wait with `condition = \"service_started\"`, or give it a health check",
            );
        }
        _ => {}
    }
}

/// A file of the host is bound as it is: it keeps its owner.
fn check_secret_uses(
    services: &[Service],
    secrets: &BTreeMap<DeclaredName, SecretSource>,
    table: &Table,
    context: &mut Context,
) {
    for file in services.iter().flat_map(|service| &service.files).filter(|file| file.kind == FileKind::Secret) {
        let owned = file.owner.uid != 0 || file.owner.gid != 0 || file.owner.mode != 0o444;
        if owned && matches!(secrets.get(&file.source), Some(SecretSource::HostFile(_))) {
            let span = table.entry(file.source.as_str()).map(|entry| entry.key_span).unwrap_or_default();
            let message = format!("secret `{}` is a file of the host, which keeps its owner and mode", file.source);
            context.error(Code::INVALID_VALUE, span, message, "leave `uid`, `gid` and `mode` out where it is used");
        }
    }
}

fn check_unused(
    services: &[Service],
    configs: &BTreeMap<DeclaredName, ConfigContent>,
    secrets: &BTreeMap<DeclaredName, SecretSource>,
    sections: &Table,
    context: &mut Context,
) {
    let used: BTreeSet<_> =
        services.iter().flat_map(|service| &service.files).map(|file| (file.kind, &file.source)).collect();
    let configs = configs
        .keys()
        .filter(|name| !used.contains(&(FileKind::Config, *name)))
        .map(|name| ("config", "configs", name));
    let secrets = secrets
        .keys()
        .filter(|name| !used.contains(&(FileKind::Secret, *name)))
        .map(|name| ("secret", "secrets", name));
    for (what, plural, name) in configs.chain(secrets) {
        let span = section(sections, plural).entry(name.as_str()).map(|entry| entry.key_span).unwrap_or_default();
        context.warning(Code::UNUSED, span, format!("no service mounts the {what} `{name}`"), None);
    }
}

/// A parameter that nothing uses would be asked of the operator for nothing.
fn check_parameters_used(environment: &Environment, scope: &Scope, context: &mut Context) {
    let written = environment.written.as_table();
    let has_templates = written.and_then(|sections| sections.table("configs")).is_some_and(config::has_templates);
    for key in environment.parameters.keys() {
        let in_secret = environment.secrets.values().any(|secret| *secret == SecretSource::Parameter(key.clone()));
        let in_text = scope.used.contains(key.as_str());
        if in_secret || in_text || has_templates {
            continue;
        }
        let span = written.and_then(|sections| sections.table("parameters"));
        let span = span.and_then(|table| table.entry(key.as_str())).map(|entry| entry.key_span).unwrap_or_default();
        context.warning(Code::UNUSED, span, format!("nothing uses the parameter `{key}`"), None);
    }
}
