//! Which objects Kubernetes gets of an environment: kinds, names, and the version of the API that knows each kind.
//!
//! Takes in an environment; gives out the names of its objects, by which patches and brought files are judged. `render` makes these objects and no
//! others: it compares its own with this list.

use std::fmt;

use crate::name::{DeclaredName, Label};

use super::shared::is_open;
use super::{Environment, Platform, Service, Shared, Workload};

/// The policy that nothing passes which no other lets through.
pub const DEFAULT_DENY: &str = "default-deny";

/// The policy that lets everybody ask the name server.
pub const NAME_SERVER: &str = "name-server";

/// The name of everything that runs the bootstrap image inside of the cluster.
pub const IN_CLUSTER: &str = "bootstrap";

/// The kinds of the objects inside of the cluster, those that the Job needs first.
const IN_CLUSTER_KINDS: &[&str] = &["ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "Job"];

/// Every kind that is rendered, and the version of the API that has it.
const API_VERSIONS: &[(&str, &[&str])] = &[
    ("v1", &["Namespace", "PersistentVolumeClaim", "Service", "ServiceAccount"]),
    ("apps/v1", &["DaemonSet", "Deployment", "StatefulSet"]),
    ("autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("batch/v1", &["CronJob", "Job"]),
    ("networking.k8s.io/v1", &["Ingress", "NetworkPolicy"]),
    ("policy/v1", &["PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io/v1", &["Role", "RoleBinding"]),
];

/// An object by its kind and name: for a job the name of its service, since the entrypoint makes the one on the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectName {
    /// As in `Deployment`.
    pub kind: String,
    /// As in `web`.
    pub name: String,
}

impl fmt::Display for ObjectName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

/// The version of the API that a rendered object of this kind has.
pub fn api_version(kind: &str) -> &'static str {
    let found = API_VERSIONS.iter().find(|(_, kinds)| kinds.contains(&kind));
    found.expect("every kind that is rendered is in the table").0
}

/// The policy that lets the members of a network talk to each other.
pub fn policy_of_network(network: &str) -> String {
    let name = DeclaredName::parse(network).map(|name| Platform::Kubernetes.network_name(&name));
    format!("network-{}", name.unwrap_or_default())
}

/// The policy that opens a service's ports to all.
pub fn policy_of_service(service: &Service) -> String {
    format!("published-{}", service.name_in_cluster())
}

/// Every object of an environment: those of no service first.
pub fn objects(project: &Label, environment: &Environment, shared: &Shared<'_>) -> Vec<ObjectName> {
    let mut objects = vec![object("Namespace", &environment.target), object("ServiceAccount", project.as_str())];
    let members = shared.members();
    objects.push(object("NetworkPolicy", DEFAULT_DENY));
    objects.extend((!members.is_empty()).then(|| object("NetworkPolicy", NAME_SERVER)));
    objects.extend(members.keys().map(|network| object("NetworkPolicy", &policy_of_network(network))));
    objects.extend(
        shared
            .shared_volumes()
            .map(|(name, _)| object("PersistentVolumeClaim", &Platform::Kubernetes.volume_name(name))),
    );
    objects.extend(IN_CLUSTER_KINDS.iter().map(|kind| object(kind, IN_CLUSTER)));
    objects.extend(environment.services.iter().flat_map(|service| objects_of(service, shared)));
    objects
}

/// The objects of one service, the workload first.
fn objects_of(service: &Service, shared: &Shared<'_>) -> Vec<ObjectName> {
    let name = service.name_in_cluster();
    let name = name.as_str();
    let workload = shared.workload(service);
    let mut objects = vec![object(workload.kind(), name)];
    let reached = shared.names_inside(service).into_iter().chain(shared.published_name(service));
    objects.extend(reached.map(|name| object("Service", &name)));
    objects.extend(service.kubernetes.ingress.as_ref().map(|_| object("Ingress", name)));
    objects.extend(is_open(service).then(|| object("NetworkPolicy", &policy_of_service(service))));
    objects.extend(has_disruption_budget(service, workload).then(|| object("PodDisruptionBudget", name)));
    objects.extend(service.kubernetes.autoscale.map(|_| object("HorizontalPodAutoscaler", name)));
    objects
}

/// Whether it is said what stays when nodes are emptied. Without a word from the spec a service of several replicas loses one at a time; a service
/// of one has no budget, because it would hold up every drain for ever.
pub fn has_disruption_budget(service: &Service, workload: Workload) -> bool {
    let fewest = service.kubernetes.autoscale.map_or(service.replicas, |autoscale| autoscale.min);
    matches!(workload, Workload::Deployment | Workload::StatefulSet)
        && (service.kubernetes.disruption_budget.is_some() || fewest > 1)
}

fn object(kind: &str, name: &str) -> ObjectName {
    ObjectName { kind: kind.to_owned(), name: name.to_owned() }
}
