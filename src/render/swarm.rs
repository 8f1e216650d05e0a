//! One environment for Docker Swarm: the stack, its configs and its release data.
//!
//! `docker stack deploy` takes less than Compose, and ignores much without a message: here everything is written as it takes it. Configs and
//! secrets are external to the stack, one for each file: the entrypoint makes them.

mod constraints;
mod keys;
mod service;
mod values;

#[cfg(test)]
pub(super) use keys::{KEPT, REWRITTEN};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tera::Tera;

use crate::digest::Digest;
use crate::name::DeclaredName;
use crate::plan::{
    Environment, FileKind, Folders, MigrationMode, Mounts, Object, Plan, Platform, ScriptMode, SecretSource, Service,
};
use crate::tree::FileTree;

use super::folder::EnvironmentFolder;
use super::manifest::{self, ServiceView, add_default_network, constant_labels, escaped, external_object};
use super::{RenderBug, declared, release_data, yaml};

/// The name of the template, and of its first output.
const TEMPLATE: &str = "stack.yaml";

static TERA: LazyLock<Tera> = LazyLock::new(|| {
    manifest::engine(&[(TEMPLATE, include_str!("../../templates/swarm/stack.yaml.tera"))], yaml::PLAIN)
});

/// What the template sees.
#[derive(Serialize)]
struct Manifest<'a> {
    project: &'a str,
    version: String,
    environment: &'a str,
    schema: &'static str,
    services: Vec<ServiceView<'a>>,
    networks: Map<String, Json>,
    volumes: Map<String, Json>,
    configs: Map<String, Json>,
    secrets: Map<String, Json>,
}

/// Renders an environment into the tree.
pub(super) fn render(plan: &Plan, environment: &Environment, tree: &mut FileTree) -> Result<(), RenderBug> {
    let mut folder = EnvironmentFolder::open(environment, Folders::ByFile, tree)?;
    let stack = stack(plan, environment, &folder.mounts);
    for (name, manifest) in [(TEMPLATE, Some(&stack)), ("run.yaml", run(plan, environment, &stack).as_ref())] {
        let Some(manifest) = manifest else { continue };
        let place = folder.place(name);
        let text = manifest::render(&TERA, TEMPLATE, manifest, &place)?;
        manifest::read_back(&text, &document(manifest), &place)?;
        folder.insert(name, &text)?;
    }
    let definitions = stack.services.iter().map(|view| (view.name, definition_digest(view))).collect();
    let mounts = &folder.mounts;
    let bodies: BTreeMap<_, _> = stack.services.iter().map(|view| (view.name, &view.body)).collect();
    let facts = |service: &Service| declared::networks_fact(bodies[service.name.as_str()], &stack.networks);
    let mut data = release_data::environment(environment, Platform::Swarm, mounts, &definitions, &facts);
    data.push_str(&declared::network_records(&stack.networks, environment));
    let global = environment.services.iter().zip(&stack.services).filter(|(service, _)| service.is_global);
    data.extend(global.map(|(_, view)| constraints::records(view.name, &view.body)));
    folder.insert("release", &data)?;
    Ok(())
}

fn stack<'a>(plan: &'a Plan, environment: &'a Environment, mounts: &Mounts) -> Manifest<'a> {
    let view = |service: &'a Service| ServiceView {
        name: service.name.as_str(),
        key: service.name_on(Platform::Swarm),
        image: escaped(&service.image),
        body: service::body(plan, environment, service, mounts),
    };
    let services: Vec<_> = environment.services.iter().map(view).collect();
    Manifest {
        project: plan.project.as_str(),
        version: plan.version.to_string(),
        environment: environment.name.as_str(),
        schema: schema_version(&services),
        services,
        networks: networks(plan, environment),
        volumes: objects(&environment.volumes, plan, environment, &["driver", "driver_opts", "labels"]),
        configs: files(environment, mounts, FileKind::Config),
        secrets: files(environment, mounts, FileKind::Secret),
    }
}

/// The services in whose image scripts and migrations run by themselves.
fn run<'a>(plan: &'a Plan, environment: &'a Environment, stack: &Manifest<'a>) -> Option<Manifest<'a>> {
    let of_scripts = environment.scripts.values().filter_map(|script| match &script.mode {
        ScriptMode::Run(service) => Some(service.as_str()),
        ScriptMode::Exec(_) | ScriptMode::Bootstrap => None,
    });
    let of_migrations = environment.migrations.iter().filter_map(|migration| match migration.mode {
        MigrationMode::Run => Some(migration.service.as_str()),
        MigrationMode::Exec => None,
    });
    let services: BTreeSet<_> = of_scripts.chain(of_migrations).collect();
    let views = stack.services.iter().filter(|view| services.contains(view.name)).map(|view| ServiceView {
        name: view.name,
        key: view.key.clone(),
        image: view.image.clone(),
        body: service::one_off(&view.body, plan, environment),
    });
    let views: Vec<_> = views.collect();
    (!views.is_empty()).then(|| Manifest {
        project: stack.project,
        version: stack.version.clone(),
        environment: stack.environment,
        schema: stack.schema,
        services: views,
        networks: stack.networks.clone(),
        volumes: stack.volumes.clone(),
        configs: stack.configs.clone(),
        secrets: stack.secrets.clone(),
    })
}

/// The oldest version of the schema that takes what is used: an older CLI takes the file as long as it can.
fn schema_version(services: &[ServiceView<'_>]) -> &'static str {
    let has_driver_options = |view: &ServiceView<'_>| {
        let networks = view.body.get("networks").and_then(Json::as_object);
        networks.into_iter().flat_map(Map::values).any(|network| network.get("driver_opts").is_some())
    };
    let has_start_interval = |view: &ServiceView<'_>| {
        view.body.get("healthcheck").is_some_and(|healthcheck| healthcheck.get("start_interval").is_some())
    };
    if services.iter().any(|view| view.body.contains_key("oom_score_adj") || has_driver_options(view)) {
        "3.13"
    } else if services.iter().any(has_start_interval) {
        "3.12"
    } else {
        "3.9"
    }
}

/// The manifest as data.
fn document(manifest: &Manifest<'_>) -> Json {
    let sections = [
        ("networks", &manifest.networks),
        ("volumes", &manifest.volumes),
        ("configs", &manifest.configs),
        ("secrets", &manifest.secrets),
    ];
    let mut document = manifest::document(&manifest.services, &sections);
    document.insert("version".to_owned(), json!(manifest.schema));
    Json::from(document)
}

/// What the service is: the entrypoint adds parameters, files and the image on the target.
fn definition_digest(view: &ServiceView<'_>) -> Digest {
    Digest::of(json!({ "image": view.image, "service": view.body }).to_string().as_bytes())
}

/// Networks span the nodes: what Compose makes a bridge is an overlay here.
fn networks(plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let taken = ["attachable", "driver", "driver_opts", "internal", "ipam", "labels"];
    let mut networks = objects(&environment.networks, plan, environment, &taken);
    add_default_network(&mut networks, plan, environment);
    for network in networks.values_mut().filter(|network| network.get("external").is_none()) {
        if network.get("driver").is_some_and(|driver| driver == "bridge") {
            network.as_object_mut().and_then(|network| network.remove("driver_opts"));
        }
        if network.get("driver").is_none_or(|driver| driver == "bridge") {
            network["driver"] = json!("overlay");
        }
        narrow_ipam(network);
    }
    name_networks(&mut networks, environment);
    declared::label_networks(&mut networks);
    networks
}

/// What a swarm would not take under the name that a stack gives it.
fn name_networks(networks: &mut Map<String, Json>, environment: &Environment) {
    for name in environment.networks.iter().filter(|(_, network)| !network.external).map(|(name, _)| name) {
        let own = Platform::Swarm.network_name(name);
        if own != name.as_str() {
            networks[name.as_str()]["name"] = json!(format!("{}_{own}", environment.target));
        }
    }
}

/// A stack knows subnets alone.
fn narrow_ipam(network: &mut Json) {
    let Some(ipam) = network.get_mut("ipam").and_then(Json::as_object_mut) else { return };
    ipam.retain(|key, _| key == "driver" || key == "config");
    let pools = ipam.get_mut("config").and_then(Json::as_array_mut).into_iter().flatten();
    pools.filter_map(Json::as_object_mut).for_each(|pool| pool.retain(|key, _| key == "subnet"));
}

fn objects(
    objects: &BTreeMap<DeclaredName, Object>,
    plan: &Plan,
    environment: &Environment,
    taken: &[&str],
) -> Map<String, Json> {
    let definition = |object: &Object| {
        if object.external {
            return external_object(object);
        }
        let mut definition = object.definition.to_json();
        definition.retain(|key, _| taken.contains(&key.as_str()));
        definition = manifest::patched(definition, object, Platform::Swarm);
        let mut labels = constant_labels(definition.remove("labels"), plan, environment);
        labels.values_mut().for_each(|value| *value = values::text(value.take()));
        definition.insert("labels".to_owned(), Json::from(labels));
        Json::from(definition)
    };
    objects.iter().map(|(name, object)| (name.to_string(), definition(object))).collect()
}

/// Configs or secrets by the names that the entrypoint gives them; external secrets by their own.
fn files(environment: &Environment, mounts: &Mounts, kind: FileKind) -> Map<String, Json> {
    let external = |name: String| json!({ "external": true, "name": name });
    let of_kind = mounts.iter().filter(|(key, _)| key.kind == kind);
    let stored = of_kind.map(|(_, mount)| (mount.name(), external(format!("${{BOOTSMITH_{}_NAME}}", mount.id))));
    let there = environment.secrets.iter().filter_map(|(name, source)| match source {
        SecretSource::External { name: given, .. } if kind == FileKind::Secret => {
            Some((service::external_key(name), external(escaped(given))))
        }
        _ => None,
    });
    stored.chain(there).collect()
}
