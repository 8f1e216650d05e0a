//! `release.json`: what a release is, for programs that read the image without running it.

use serde::{Deserialize, Serialize};

use crate::plan::{Environment, Migration, Parameter, Plan, Platform, Script, Service};

use super::reference;
use super::release_data::{kind_word, script_place};

/// Where the overview is in an image.
pub const OVERVIEW_PATH: &str = "bootstrap/spec/release.json";

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The project.
    pub project: String,
    /// The version.
    pub version: String,
    /// The platform of this image.
    pub platform: String,
    /// How an operator calls the image.
    pub reference: String,
    /// The environments, sorted by name.
    pub environments: Vec<EnvironmentOverview>,
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentOverview {
    /// The name.
    pub name: String,
    /// What the product is called on the target.
    pub target: String,
    /// The services, in the order of start.
    pub services: Vec<ServiceOverview>,
    /// The parameters, sorted by name.
    pub parameters: Vec<ParameterOverview>,
    /// The scripts, sorted by name.
    pub scripts: Vec<ScriptOverview>,
    /// The migrations, in the order in which they run.
    pub migrations: Vec<MigrationOverview>,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOverview {
    /// The name.
    pub name: String,
    /// The image.
    pub image: String,
    /// `service` or `job`.
    pub kind: String,
    /// How many replicas the release asks for.
    pub replicas: u32,
    /// Services of a wave start together.
    pub wave: u32,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterOverview {
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is never printed.
    pub secret: bool,
    /// Whether it must be given.
    pub required: bool,
    /// The value when none is given.
    pub default: Option<String>,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptOverview {
    /// The name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// `exec`, `run` or `bootstrap`.
    pub mode: String,
    /// Where it runs, unless in the bootstrap container.
    pub service: Option<String>,
}

/// A migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationOverview {
    /// The name.
    pub name: String,
    /// The release that needs it.
    pub release: String,
    /// The service that it is run with.
    pub service: String,
    /// `run` or `exec`.
    pub mode: String,
    /// Whether it can be taken back.
    pub reversible: bool,
    /// Whether the release before works on what it leaves.
    pub compatible: bool,
    /// Whether it may be run again after it failed.
    pub idempotent: bool,
    /// What it does, as 32 hexadecimal digits.
    pub content: String,
}

/// The overview of a release, as JSON.
pub(super) fn to_json(plan: &Plan, platform: Platform) -> String {
    let overview = Overview {
        project: plan.project.to_string(),
        version: plan.version.to_string(),
        platform: platform.name().to_owned(),
        reference: reference(plan, platform),
        environments: plan.environments.iter().map(environment).collect(),
    };
    serde_json::to_string_pretty(&overview).expect("texts and numbers are JSON") + "\n"
}

fn environment(environment: &Environment) -> EnvironmentOverview {
    EnvironmentOverview {
        name: environment.name.to_string(),
        target: environment.target.clone(),
        services: environment.services.iter().map(service).collect(),
        parameters: environment.parameters.iter().map(|(name, of)| parameter(name.as_str(), of)).collect(),
        scripts: environment.scripts.iter().map(|(name, of)| script(name.as_str(), of)).collect(),
        migrations: environment.migrations.iter().map(migration).collect(),
    }
}

fn service(service: &Service) -> ServiceOverview {
    ServiceOverview {
        name: service.name.to_string(),
        image: service.image.clone(),
        kind: kind_word(service.kind).to_owned(),
        replicas: service.replicas,
        wave: service.wave,
    }
}

fn parameter(name: &str, parameter: &Parameter) -> ParameterOverview {
    let Parameter { description, default, secret, required, rule: _ } = parameter.clone();
    ParameterOverview { name: name.to_owned(), description, secret, required, default }
}

fn script(name: &str, script: &Script) -> ScriptOverview {
    let (mode, service) = script_place(&script.mode);
    let service = service.map(ToString::to_string);
    ScriptOverview { name: name.to_owned(), description: script.description.clone(), mode: mode.to_owned(), service }
}

fn migration(migration: &Migration) -> MigrationOverview {
    MigrationOverview {
        name: migration.name.to_string(),
        release: migration.release.to_string(),
        service: migration.service.to_string(),
        mode: migration.mode.name().to_owned(),
        reversible: migration.down.is_some(),
        compatible: migration.compatible,
        idempotent: migration.idempotent,
        content: migration.content.clone(),
    }
}
