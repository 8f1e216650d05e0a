//! What differs in what two releases say of themselves: services, parameters, migrations, scripts.
//!
//! Takes in the overview of an environment before and after; gives out items. Never shows the default of a secret.

use crate::render::{EnvironmentOverview, MigrationOverview, ParameterOverview, ScriptOverview, ServiceOverview};

use super::definition::{Definitions, Facts};
use super::{Item, by_name, items};

/// Parameters without which the new release is refused, and which the old one did not ask for.
pub(super) fn must_be_given(before: &EnvironmentOverview, after: &EnvironmentOverview) -> Vec<String> {
    let was_required = |name: &str| before.parameters.iter().any(|old| old.name == name && old.required);
    let new = after.parameters.iter().filter(|parameter| parameter.required && !was_required(&parameter.name));
    new.map(|parameter| parameter.name.clone()).collect()
}

/// Services, by the overview and by the manifests.
pub(super) fn services(
    before: &EnvironmentOverview,
    earlier: &Definitions,
    after: &EnvironmentOverview,
    later: &Definitions,
) -> Vec<Item> {
    let facts = |environment: &EnvironmentOverview, definitions: &Definitions| {
        let defined = |name: &str| definitions.services.get(name).cloned().unwrap_or_default();
        by_name(&environment.services, |service| (&service.name, service_facts(service, defined(&service.name))))
    };
    items(&facts(before, earlier), &facts(after, later), |facts| facts["image"].clone())
}

/// The overview says image and number in one way for every platform; what the manifest says of them is the same again.
fn service_facts(service: &ServiceOverview, defined: Facts) -> Facts {
    let ServiceOverview { name, image, kind, replicas, wave } = service;
    let repeats = |path: &str| {
        let container = format!("containers.{name}.image");
        ["image", "scale", "deploy.replicas"].contains(&path) || path.ends_with(&container)
    };
    let mut facts: Facts = defined.into_iter().filter(|(path, _)| !repeats(path)).collect();
    let said = [
        ("image", image.clone()),
        ("kind", kind.clone()),
        ("replicas", replicas.to_string()),
        ("wave", wave.to_string()),
    ];
    facts.extend(said.map(|(key, value)| (key.to_owned(), value)));
    facts
}

/// Parameters; the default of a secret is not shown.
pub(super) fn parameters(before: &EnvironmentOverview, after: &EnvironmentOverview) -> Vec<Item> {
    let facts = |all: &[ParameterOverview]| by_name(all, |of| (&of.name, parameter_facts(of)));
    items(&facts(&before.parameters), &facts(&after.parameters), parameter_note)
}

fn parameter_facts(parameter: &ParameterOverview) -> Facts {
    let ParameterOverview { name: _, description, secret, required, default } = parameter;
    let flags =
        [("required", *required), ("secret", *secret)].map(|(key, holds)| (key, if holds { "yes" } else { "no" }));
    let mut facts: Facts = flags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    facts.insert("description".to_owned(), description.clone());
    let shown = default.as_ref().map(|value| if *secret { "********".to_owned() } else { format!("{value:?}") });
    facts.extend(shown.map(|value| ("default".to_owned(), value)));
    facts
}

fn parameter_note(facts: &Facts) -> String {
    let flag = |key: &str| (facts[key] == "yes").then(|| key.to_owned());
    let default = facts.get("default").map(|value| format!("default {value}"));
    [flag("required"), flag("secret"), default].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Migrations in the order of the new release, then those that are gone.
pub(super) fn migrations(before: &EnvironmentOverview, after: &EnvironmentOverview) -> Vec<Item> {
    let facts = |all: &[MigrationOverview]| by_name(all, |of| (&of.name, migration_facts(of)));
    let mut items = items(&facts(&before.migrations), &facts(&after.migrations), migration_note);
    let place = |item: &Item| after.migrations.iter().position(|migration| migration.name == item.name);
    items.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
    items
}

fn migration_facts(migration: &MigrationOverview) -> Facts {
    let MigrationOverview { name: _, release, service, mode, reversible, compatible, idempotent, content } = migration;
    let yes_no = |holds: bool| if holds { "yes" } else { "no" }.to_owned();
    let facts = [
        ("release", release.clone()),
        ("service", service.clone()),
        ("mode", mode.clone()),
        ("reversible", yes_no(*reversible)),
        ("compatible", yes_no(*compatible)),
        ("idempotent", yes_no(*idempotent)),
        ("content", content.clone()),
    ];
    facts.map(|(key, value)| (key.to_owned(), value)).into()
}

/// What an operator has to know before it runs: where, and whether there is a way back.
fn migration_note(facts: &Facts) -> String {
    let way_back = if facts["reversible"] == "yes" { "" } else { ", irreversible" };
    let compatible = if facts["compatible"] == "yes" { ", compatible with the release before" } else { "" };
    format!("of {}, {} in {}{way_back}{compatible}", facts["release"], facts["mode"], facts["service"])
}

/// Scripts: what they are called for and where they run.
pub(super) fn scripts(before: &EnvironmentOverview, after: &EnvironmentOverview) -> Vec<Item> {
    let facts = |all: &[ScriptOverview]| by_name(all, |of| (&of.name, script_facts(of)));
    items(&facts(&before.scripts), &facts(&after.scripts), |facts| facts["description"].clone())
}

fn script_facts(script: &ScriptOverview) -> Facts {
    let ScriptOverview { name: _, description, mode, service } = script;
    let mut facts = Facts::from([("description".to_owned(), description.clone()), ("mode".to_owned(), mode.clone())]);
    facts.extend(service.iter().map(|service| ("service".to_owned(), service.clone())));
    facts
}
