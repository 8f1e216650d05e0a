//! What differs in what two releases say of themselves: services, parameters, migrations, scripts.
//!
//! Takes in the overview of an environment and what is known of it elsewhere, before and after; gives out items. Never shows the default of a
//! secret.

use crate::render::{EnvironmentOverview, MigrationOverview, ParameterOverview, ScriptOverview, ServiceOverview};

use super::definition::Definitions;
use super::facts::{Fact, Facts, by_name, items};
use super::model::Item;
use super::records::{Records, parameter_default};

/// An environment of one release, from wherever something is said of it.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// For people and programs.
    pub(super) overview: &'a EnvironmentOverview,
    /// For the platform.
    pub(super) definitions: &'a Definitions,
    /// For the entrypoint.
    pub(super) records: &'a Records,
}

/// Parameters without which the new release is refused, and which the old one did not ask for.
pub(super) fn must_be_given(before: &EnvironmentOverview, after: &EnvironmentOverview) -> Vec<String> {
    let was_required = |name: &str| before.parameters.iter().any(|old| old.name == name && old.required);
    let new = after.parameters.iter().filter(|parameter| parameter.required && !was_required(&parameter.name));
    new.map(|parameter| parameter.name.clone()).collect()
}

/// Services, by the overview, the manifests and the records.
pub(super) fn services(before: Known<'_>, after: Known<'_>) -> Vec<Item> {
    let facts = |of: Known<'_>| {
        let defined = |name: &str| of.definitions.services.get(name).cloned().unwrap_or_default();
        by_name(&of.overview.services, |service| {
            let object = of.records.object_of_service(&service.name);
            let mut facts = defined(object);
            facts.extend(of.records.of_service(&service.name));
            (&service.name, service_facts(service, object, facts))
        })
    };
    items(&facts(before), &facts(after), |facts| facts["image"].text().to_owned())
}

/// The overview says image and number in one way for every platform; what the manifest says of them is the same again.
fn service_facts(service: &ServiceOverview, object: &str, defined: Facts) -> Facts {
    let ServiceOverview { name: _, image, kind, replicas, wave } = service;
    let repeats = |path: &str| {
        let container = format!("containers.{object}.image");
        ["image", "scale", "deploy.replicas"].contains(&path) || path.ends_with(&container)
    };
    let mut facts: Facts = defined.into_iter().filter(|(path, _)| !repeats(path)).collect();
    let said = [
        ("image", image.clone()),
        ("kind", kind.clone()),
        ("replicas", replicas.to_string()),
        ("wave", wave.to_string()),
    ];
    facts.extend(said.map(|(key, value)| (key.to_owned(), value.into())));
    facts
}

/// Networks, volumes and whatever else belongs to no service, by the manifests and the records.
pub(super) fn objects(before: Known<'_>, after: Known<'_>) -> Vec<Item> {
    let facts = |of: Known<'_>| {
        let mut objects = of.records.objects();
        // On Kubernetes the manifest has another name for a volume.
        objects.retain(|name, _| {
            let claim = name.strip_prefix("volumes.").map(|name| format!("PersistentVolumeClaim {name}"));
            claim.is_none_or(|claim| !of.definitions.objects.contains_key(&claim))
        });
        for (name, defined) in &of.definitions.objects {
            objects.entry(name.clone()).or_default().extend(defined.clone());
        }
        objects
    };
    items(&facts(before), &facts(after), |_| String::new())
}

/// Hooks, scripts behind commands, rules for upgrades.
pub(super) fn rules(before: Known<'_>, after: Known<'_>) -> Vec<Item> {
    let note =
        |facts: &Facts| facts.iter().map(|(key, fact)| format!("{key} {}", fact.text())).collect::<Vec<_>>().join(", ");
    items(&before.records.rules(), &after.records.rules(), note)
}

/// Parameters; the default of a secret is not shown.
pub(super) fn parameters(before: Known<'_>, after: Known<'_>) -> Vec<Item> {
    let facts = |of: Known<'_>| {
        by_name(&of.overview.parameters, |parameter| {
            let mut facts = of.records.of("parameter", &parameter.name);
            facts.extend(parameter_facts(parameter));
            (&parameter.name, facts)
        })
    };
    items(&facts(before), &facts(after), parameter_note)
}

fn parameter_facts(parameter: &ParameterOverview) -> Facts {
    let ParameterOverview { name: _, description, secret, required, default } = parameter;
    let flags = [("required", *required), ("secret", *secret)].map(|(key, holds)| (key, yes_no(holds)));
    let mut facts: Facts = flags.map(|(key, value)| (key.to_owned(), value)).into();
    facts.insert("description".to_owned(), Fact::from(description.clone()));
    if default.is_some() {
        facts.insert("default".to_owned(), parameter_default(default.as_deref(), *secret));
    }
    facts
}

fn parameter_note(facts: &Facts) -> String {
    let flag = |key: &str| facts[key].is("yes").then(|| key.to_owned());
    let default = facts.get("default").map(|value| format!("default {}", value.text()));
    [flag("required"), flag("secret"), default].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn yes_no(holds: bool) -> Fact {
    Fact::from(if holds { "yes" } else { "no" }.to_owned())
}

/// Migrations in the order of the new release, then those that are gone.
pub(super) fn migrations(before: Known<'_>, after: Known<'_>) -> Vec<Item> {
    let facts = |of: Known<'_>| {
        by_name(&of.overview.migrations, |migration| {
            let mut facts = of.records.of("migration", &migration.name);
            facts.extend(migration_facts(migration));
            (&migration.name, facts)
        })
    };
    let mut items = items(&facts(before), &facts(after), migration_note);
    let place = |item: &Item| after.overview.migrations.iter().position(|migration| migration.name == item.name);
    items.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
    items
}

fn migration_facts(migration: &MigrationOverview) -> Facts {
    let MigrationOverview { name: _, release, service, mode, reversible, compatible, idempotent, content } = migration;
    let facts = [
        ("release", release.clone().into()),
        ("service", service.clone().into()),
        ("mode", mode.clone().into()),
        ("reversible", yes_no(*reversible)),
        ("compatible", yes_no(*compatible)),
        ("idempotent", yes_no(*idempotent)),
        ("content", content.clone().into()),
    ];
    facts.map(|(key, value)| (key.to_owned(), value)).into()
}

/// What an operator has to know before it runs: where, and whether there is a way back.
fn migration_note(facts: &Facts) -> String {
    let way_back = if facts["reversible"].is("yes") { "" } else { ", irreversible" };
    let compatible = if facts["compatible"].is("yes") { ", compatible with the release before" } else { "" };
    let text = |key: &str| facts[key].text();
    format!("of {}, {} in {}{way_back}{compatible}", text("release"), text("mode"), text("service"))
}

/// Scripts: what they are called for, where they run, and what.
pub(super) fn scripts(before: Known<'_>, after: Known<'_>) -> Vec<Item> {
    let facts = |of: Known<'_>| {
        by_name(&of.overview.scripts, |script| {
            let mut facts = of.records.of("script", &script.name);
            facts.extend(script_facts(script));
            (&script.name, facts)
        })
    };
    items(&facts(before), &facts(after), |facts| facts["description"].text().to_owned())
}

fn script_facts(script: &ScriptOverview) -> Facts {
    let ScriptOverview { name: _, description, mode, service } = script;
    let said = [("description", Some(description)), ("mode", Some(mode)), ("service", service.as_ref())];
    said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Fact::from(value?.clone())))).collect()
}
