//! One environment for Kubernetes: plain objects, its configs and its release data.
//!
//! The objects are made as data, laid out by the templates, and read back. What the entrypoint fills in on the target is listed in
//! `docs/reference/payload.md`.

mod account;
mod additions;
mod claims;
mod container;
mod definition;
mod in_cluster;
mod ingress;
mod labels;
mod network_policy;
mod object;
mod patch;
mod placement;
mod pod;
mod ports;
mod probe;
mod resources;
mod role;
mod scaling;
mod schedule;
mod security;
mod service;
mod volumes;
mod words;
mod workload;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tera::Tera;

use crate::digest::Digest;
use crate::name::DeclaredName;
use crate::path::RelativePath;
use crate::plan::{self, ConfigContent, Environment, Folders, Plan, Platform, Service, Shared, Workload};
use crate::tree::FileTree;

use super::folder::EnvironmentFolder;
use super::{RenderBug, manifest, release_data};
use additions::{Addition, Origin};
use definition::Definition;
use object::{Object, Scene};

/// The templates, by the name of the output.
const TEMPLATES: &[(&str, &str)] = &[
    ("objects", include_str!("../../templates/kubernetes/objects.yaml.tera")),
    ("pod", include_str!("../../templates/kubernetes/kind/pod.yaml.tera")),
    ("deployment", include_str!("../../templates/kubernetes/kind/deployment.yaml.tera")),
    ("stateful-set", include_str!("../../templates/kubernetes/kind/stateful-set.yaml.tera")),
    ("daemon-set", include_str!("../../templates/kubernetes/kind/daemon-set.yaml.tera")),
    ("job", include_str!("../../templates/kubernetes/kind/job.yaml.tera")),
    ("cron-job", include_str!("../../templates/kubernetes/kind/cron-job.yaml.tera")),
    ("service", include_str!("../../templates/kubernetes/kind/service.yaml.tera")),
    ("ingress", include_str!("../../templates/kubernetes/kind/ingress.yaml.tera")),
    ("network-policy", include_str!("../../templates/kubernetes/kind/network-policy.yaml.tera")),
    ("persistent-volume-claim", include_str!("../../templates/kubernetes/kind/persistent-volume-claim.yaml.tera")),
    ("pod-disruption-budget", include_str!("../../templates/kubernetes/kind/pod-disruption-budget.yaml.tera")),
    ("horizontal-pod-autoscaler", include_str!("../../templates/kubernetes/kind/horizontal-pod-autoscaler.yaml.tera")),
    ("namespace.yaml", include_str!("../../templates/kubernetes/namespace.yaml.tera")),
    ("common.yaml", include_str!("../../templates/kubernetes/common.yaml.tera")),
    ("availability.yaml", include_str!("../../templates/kubernetes/availability.yaml.tera")),
    ("additions.yaml", include_str!("../../templates/kubernetes/additions.yaml.tera")),
    ("schedules.yaml", include_str!("../../templates/kubernetes/schedules.yaml.tera")),
    ("service.yaml", include_str!("../../templates/kubernetes/service.yaml.tera")),
    ("in-cluster.yaml", include_str!("../../templates/kubernetes/in-cluster.yaml.tera")),
];

static TERA: LazyLock<Tera> = LazyLock::new(|| manifest::engine(TEMPLATES, yaml::STYLE));

/// What a template sees.
#[derive(Serialize)]
struct Manifest<'a> {
    project: &'a str,
    version: String,
    environment: &'a str,
    target: &'a str,
    service: &'a str,
    objects: Vec<ObjectView<'a>>,
}

/// An object as a template sees it.
#[derive(Serialize)]
struct ObjectView<'a> {
    api_version: &'a str,
    kind: &'a str,
    /// The kind again, when the object has the shape that the template of the kind shows.
    layout: &'a str,
    metadata: &'a Map<String, Json>,
    body: &'a Map<String, Json>,
}

/// Everything of one service.
struct Rendition<'a> {
    service: &'a Service,
    workload: Workload,
    objects: Vec<Object>,
    /// Budget and autoscaler, which change without a new pod.
    availability: Vec<Object>,
}

/// Renders an environment into the tree.
pub(super) fn render(plan: &Plan, environment: &Environment, tree: &mut FileTree) -> Result<(), RenderBug> {
    let mut folder = EnvironmentFolder::open(environment, Folders::ByFile, tree)?;
    let secret_configs = secret_configs(environment);
    let shared = Shared::of(environment);
    let scene = Scene { plan, environment, mounts: &folder.mounts, secret_configs: &secret_configs, shared: &shared };
    let mut services: Vec<_> = environment.services.iter().map(|service| render_service(&scene, service)).collect();
    let mut whole = Whole::of(&scene);
    let mut objects = all_objects(&mut whole, &mut services);
    compare(&scene, &objects)?;
    patch::apply(&scene, &mut objects);
    let additions = all_additions(&scene, &mut whole, &mut services);
    let by_name: BTreeMap<_, _> = services.iter().map(|rendition| (&rendition.service.name, rendition)).collect();
    let mut data = release_data::environment(
        environment,
        Platform::Kubernetes,
        &folder.mounts,
        &definitions(&services),
        &|service| facts(by_name[&service.name]),
    );
    data.push_str(&additions::records(&additions));
    for (name, text) in files(&scene, &whole, &additions, &services, &folder)? {
        folder.insert(&name, &text)?;
    }
    folder.insert("release", &data)?;
    Ok(())
}

/// The objects that belong to no service.
struct Whole {
    namespace: Object,
    common: Vec<Object>,
    in_cluster: Vec<Object>,
}

impl Whole {
    /// Those that are rendered.
    fn of(scene: &Scene<'_>) -> Self {
        let namespace = Object::new(scene, "Namespace", &scene.environment.target, json!({})).of_cluster();
        let mut common = vec![account::of_environment(scene)];
        common.extend(network_policy::of_environment(scene));
        common.extend(claims::shared(scene));
        Self { namespace, common, in_cluster: in_cluster::of(scene) }
    }
}

/// Every object, to be looked for and changed.
fn all_objects<'a>(whole: &'a mut Whole, services: &'a mut [Rendition<'_>]) -> Vec<&'a mut Object> {
    let Whole { namespace, common, in_cluster } = whole;
    let of_environment = std::iter::once(namespace).chain(common).chain(in_cluster);
    let of_services =
        services.iter_mut().flat_map(|Rendition { objects, availability, .. }| objects.iter_mut().chain(availability));
    of_environment.chain(of_services).collect()
}

/// What changes without a new pod, taken from where it was rendered.
fn all_additions(scene: &Scene<'_>, whole: &mut Whole, services: &mut [Rendition<'_>]) -> Vec<Addition> {
    let common = std::mem::take(&mut whole.common).into_iter().map(|object| Addition::own(Origin::Common, object));
    let mut additions: Vec<_> = common.collect();
    for availability in services.iter_mut().map(|rendition| std::mem::take(&mut rendition.availability)) {
        additions.extend(availability.into_iter().map(|object| Addition::own(Origin::Availability, object)));
    }
    additions.extend(additions::of(scene));
    additions.extend(schedule::of(scene, services));
    additions
}

/// The objects of one service, the workload first.
fn render_service<'a>(scene: &Scene<'_>, service: &'a Service) -> Rendition<'a> {
    let definition = Definition::of(service);
    let workload = scene.shared.workload(service);
    let mut objects = vec![workload::of(scene, service, &definition)];
    objects.extend(service::of(scene, service));
    objects.extend(ingress::of(scene, service));
    objects.extend(network_policy::of_service(scene, service));
    let budget = scaling::disruption_budget(scene, service, workload);
    let availability = budget.into_iter().chain(scaling::autoscaler(scene, service, workload)).collect();
    Rendition { service, workload, objects, availability }
}

/// The text of every file below `kubernetes/`, by its name in the folder.
fn files(
    scene: &Scene<'_>,
    whole: &Whole,
    additions: &[Addition],
    services: &[Rendition<'_>],
    folder: &EnvironmentFolder<'_>,
) -> Result<Vec<(String, String)>, RenderBug> {
    let lay_out = |name: &str, template: &str, service: &str, objects: &[Object]| -> Result<_, RenderBug> {
        let name = format!("kubernetes/{name}");
        let text = render_file(scene, template, service, objects, &folder.place(&name))?;
        Ok((name, text))
    };
    let mut files = vec![
        lay_out("namespace.yaml", "namespace.yaml", "", std::slice::from_ref(&whole.namespace))?,
        lay_out("in-cluster.yaml", "in-cluster.yaml", "", &whole.in_cluster)?,
    ];
    for origin in Origin::ALL {
        let of_origin = additions.iter().filter(|addition| addition.origin == origin);
        let objects: Vec<_> = of_origin.map(|addition| addition.object.clone()).collect();
        if !objects.is_empty() {
            files.push(lay_out(origin.manifest(), origin.manifest(), "", &objects)?);
        }
    }
    for rendition in services {
        let name = rendition.service.name.as_str();
        files.push(lay_out(&format!("service-{name}.yaml"), "service.yaml", name, &rendition.objects)?);
    }
    Ok(files)
}

/// Lays objects out, and reads them back: they must say what was planned.
fn render_file(
    scene: &Scene<'_>,
    template: &str,
    service: &str,
    objects: &[Object],
    place: &RelativePath,
) -> Result<String, RenderBug> {
    fn view(object: &Object) -> ObjectView<'_> {
        let Object { api_version, kind, address: _, metadata, body } = object;
        let layout = if has_usual_shape(body) { kind } else { "" };
        ObjectView { api_version, kind, layout, metadata, body }
    }
    let manifest = Manifest {
        project: scene.plan.project.as_str(),
        version: scene.plan.version.to_string(),
        environment: scene.environment.name.as_str(),
        target: &scene.environment.target,
        service,
        objects: objects.iter().map(view).collect(),
    };
    let text = manifest::render(&TERA, template, &manifest, place)?;
    let planned = objects.iter().map(|object| yaml::as_read(&object.to_json())).collect();
    manifest::read_back_all(&text, &planned, place)?;
    Ok(text)
}

/// Whether there is a `spec` and nothing else, in which pods, where there are any, have containers with names. A file or a patch may say otherwise.
fn has_usual_shape(body: &Map<String, Json>) -> bool {
    let has_name = |container: &Json| container.get("name").is_some();
    let is_template = |template: &Json| {
        let containers = template.pointer("/spec/containers").and_then(Json::as_array);
        template.get("metadata").is_some() && containers.is_some_and(|containers| containers.iter().all(has_name))
    };
    let spec = body.get("spec").filter(|spec| spec.is_object() && body.len() == 1);
    spec.is_some_and(|spec| spec.get("template").is_none_or(is_template))
}

/// What was made must be what the plan judged patches and brought files by.
fn compare(scene: &Scene<'_>, objects: &[&mut Object]) -> Result<(), RenderBug> {
    let made: BTreeSet<_> = objects.iter().map(|object| object.object_name()).collect();
    let planned = plan::objects(&scene.plan.project, scene.environment, scene.shared).into_iter().collect();
    match made.symmetric_difference(&planned).next() {
        Some(object) => Err(RenderBug::Object { object: object.to_string(), is_planned: planned.contains(object) }),
        None => Ok(()),
    }
}

/// The configs in which the value of a secret parameter stands: the entrypoint keeps them as Secrets.
fn secret_configs(environment: &Environment) -> BTreeSet<DeclaredName> {
    let is_secret =
        |name: &str| environment.parameters.iter().any(|(known, parameter)| known.as_str() == name && parameter.secret);
    let holds_secret = |content: &ConfigContent| content.parameters().into_iter().any(is_secret);
    let configs = environment.configs.iter();
    configs.filter(|(_, content)| holds_secret(content)).map(|(name, _)| name.clone()).collect()
}

/// What each service is, apart from the release that brings it.
fn definitions<'a>(services: &[Rendition<'a>]) -> BTreeMap<&'a str, Digest> {
    let digest = |rendition: &Rendition<'_>| {
        let objects: Vec<_> = rendition.objects.iter().map(Object::definition).collect();
        Digest::of(Json::from(objects).to_string().as_bytes())
    };
    services.iter().map(|rendition| (rendition.service.name.as_str(), digest(rendition))).collect()
}

/// What the entrypoint must know of a service beyond what every platform says.
fn facts(rendition: &Rendition<'_>) -> Vec<release_data::ServiceFact> {
    let workload = match rendition.workload {
        Workload::Deployment => "deployment",
        Workload::StatefulSet => "statefulset",
        Workload::DaemonSet => "daemonset",
        Workload::Job => "job",
    };
    let autoscaled = rendition.service.kubernetes.autoscale.map(|_| ("autoscaled", "yes"));
    std::iter::once(("workload", workload)).chain(autoscaled).map(|(key, value)| (key, value.to_owned())).collect()
}
