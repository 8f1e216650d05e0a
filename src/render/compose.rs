//! One environment for Docker Compose: the manifest, its configs and its release data.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tera::Tera;

use crate::digest::Digest;
use crate::name::DeclaredName;
use crate::plan::{Environment, Folders, Gate, Mounts, Object, Plan, Platform, Service, ServiceKind, host_file};
use crate::tree::FileTree;

use super::folder::EnvironmentFolder;
use super::manifest::{self, ServiceView, add_default_network, constant_labels, escaped, external_object, merge_patch};
use super::mounts::{guard_path, path_variable, volume_key, volume_variable};
use super::{RenderBug, declared, release_data, yaml};

/// The name of the template, and of its output.
const TEMPLATE: &str = "compose.yaml";

static TERA: LazyLock<Tera> = LazyLock::new(|| {
    manifest::engine(&[(TEMPLATE, include_str!("../../templates/compose/compose.yaml.tera"))], yaml::PLAIN)
});

/// What the template sees.
#[derive(Serialize)]
struct Manifest<'a> {
    project: &'a str,
    version: String,
    environment: &'a str,
    services: Vec<ServiceView<'a>>,
    networks: Map<String, Json>,
    volumes: Map<String, Json>,
}

/// Renders an environment into the tree.
pub(super) fn render(plan: &Plan, environment: &Environment, tree: &mut FileTree) -> Result<(), RenderBug> {
    let mut folder = EnvironmentFolder::open(environment, Folders::Whole, tree)?;
    let mounts = &folder.mounts;
    let manifest = Manifest {
        project: plan.project.as_str(),
        version: plan.version.to_string(),
        environment: environment.name.as_str(),
        services: environment.services.iter().map(|service| view(plan, environment, service, mounts)).collect(),
        networks: networks(plan, environment),
        volumes: volumes(plan, environment, mounts),
    };
    let place = folder.place(TEMPLATE);
    let text = manifest::render(&TERA, TEMPLATE, &manifest, &place)?;
    let sections = [("networks", &manifest.networks), ("volumes", &manifest.volumes)];
    let planned = Json::from(manifest::document(&manifest.services, &sections));
    manifest::read_back(&text, &planned, &place)?;
    let definitions = manifest.services.iter().map(|view| (view.name, definition_digest(view))).collect();
    let bodies: BTreeMap<_, _> = manifest.services.iter().map(|view| (view.name, &view.body)).collect();
    let facts = |service: &Service| {
        let body = bodies[service.name.as_str()];
        [declared::networks_fact(body, &manifest.networks), declared::ties(service, body)].concat()
    };
    let mut data = release_data::environment(environment, Platform::Compose, mounts, &definitions, &facts);
    data.push_str(&declared::network_records(&manifest.networks, environment));
    folder.insert(TEMPLATE, &text)?;
    folder.insert("release", &data)?;
    Ok(())
}

/// What the service is, apart from when it starts: the entrypoint adds parameters, files and the image on the target.
fn definition_digest(view: &ServiceView<'_>) -> Digest {
    let mut body = view.body.clone();
    body.remove("depends_on");
    let text = json!({ "image": view.image, "service": body }).to_string();
    Digest::of(text.as_bytes())
}

fn view<'a>(plan: &Plan, environment: &Environment, service: &'a Service, mounts: &Mounts) -> ServiceView<'a> {
    let mut body = service.definition.to_json();
    trim_deploy(&mut body);
    if service.kind == ServiceKind::Job {
        body.insert("restart".to_owned(), json!("no"));
    }
    if !service.environment.is_empty() {
        body.insert("environment".to_owned(), json!(service.environment));
    }
    if !service.depends_on.is_empty() {
        body.insert("depends_on".to_owned(), depends_on(service));
    }
    add_volumes(&mut body, environment, service, mounts);
    add_labels(&mut body, plan, environment, service);
    if let Some(patch) = service.patches.get(&Platform::Compose) {
        merge_patch(&mut body, &patch.to_json());
    }
    body.insert("scale".to_owned(), json!(format!("${{BOOTSMITH_REPLICAS_{}}}", service.name.to_variable())));
    ServiceView { name: service.name.as_str(), key: service.name.to_string(), image: escaped(&service.image), body }
}

/// Mode and number are the entrypoint's: a job is not restarted, and a scale is recorded on the target.
fn trim_deploy(body: &mut Map<String, Json>) {
    if let Some(Json::Object(deploy)) = body.get_mut("deploy") {
        deploy.remove("mode");
        deploy.remove("replicas");
        if deploy.is_empty() {
            body.remove("deploy");
        }
    }
}

fn depends_on(service: &Service) -> Json {
    let condition = |gate| match gate {
        Gate::None | Gate::Started => "service_started",
        Gate::Healthy => "service_healthy",
        Gate::Completed => "service_completed_successfully",
    };
    let entry = |(name, dependency): (&DeclaredName, &crate::plan::Dependency)| {
        let mut entry = json!({ "condition": condition(dependency.condition) });
        if dependency.restart {
            entry["restart"] = json!(true);
        }
        (name.to_string(), entry)
    };
    Json::from(service.depends_on.iter().map(entry).collect::<Map<_, _>>())
}

/// Configs and secrets are bound from volumes that the entrypoint fills: inline configs are refused on `read_only` services, and a volume
/// at an unchanged target stays the old one when docker-compose 1 recreates a container. The volume itself is mounted too, as a guard.
fn add_volumes(body: &mut Map<String, Json>, environment: &Environment, service: &Service, mounts: &Mounts) {
    let mut volumes = match body.remove("volumes") {
        Some(Json::Array(volumes)) => volumes,
        _ => Vec::new(),
    };
    for file in &service.files {
        if let Some(host_path) = host_file(environment, file) {
            let source = escaped(host_path);
            volumes.push(json!({
                "type": "bind", "source": source, "target": escaped(&file.target), "read_only": true, "bind": { "create_host_path": false },
            }));
            continue;
        }
        for (mount, target) in mounts.serving(environment, file) {
            volumes.push(json!({
                "type": "bind", "source": path_variable(mount), "target": escaped(&target), "read_only": true,
            }));
            let guard = json!({
                "type": "volume", "source": volume_key(mount), "target": guard_path(mount), "read_only": true,
                "volume": { "nocopy": true },
            });
            if !volumes.contains(&guard) {
                volumes.push(guard);
            }
        }
    }
    if !volumes.is_empty() {
        body.insert("volumes".to_owned(), Json::from(volumes));
    }
}

fn add_labels(body: &mut Map<String, Json>, plan: &Plan, environment: &Environment, service: &Service) {
    let mut labels = constant_labels(body.remove("labels"), plan, environment);
    labels.insert("io.bootsmith.service".to_owned(), json!(service.name));
    let digest = format!("${{BOOTSMITH_DIGEST_{}}}", service.name.to_variable());
    labels.insert("io.bootsmith.config-digest".to_owned(), json!(digest));
    body.insert("labels".to_owned(), Json::from(labels));
}

fn networks(plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let mut networks = objects(&environment.networks, plan, environment);
    add_default_network(&mut networks, plan, environment);
    declared::label_networks(&mut networks);
    networks
}

fn volumes(plan: &Plan, environment: &Environment, mounts: &Mounts) -> Map<String, Json> {
    let mut volumes = objects(&environment.volumes, plan, environment);
    for (_, mount) in mounts.iter() {
        volumes.insert(volume_key(mount), json!({ "external": true, "name": volume_variable(mount) }));
    }
    volumes
}

fn objects(objects: &BTreeMap<DeclaredName, Object>, plan: &Plan, environment: &Environment) -> Map<String, Json> {
    let definition = |object: &Object| {
        if object.external {
            return external_object(object);
        }
        let mut definition = manifest::patched(object.definition.to_json(), object, Platform::Compose);
        let labels = constant_labels(definition.remove("labels"), plan, environment);
        definition.insert("labels".to_owned(), Json::from(labels));
        Json::from(definition)
    };
    objects.iter().map(|(name, object)| (name.to_string(), definition(object))).collect()
}
