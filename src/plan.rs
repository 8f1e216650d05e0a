//! Everything decided: what will be done, for every environment.
//!
//! Takes in a [`Spec`](crate::spec::Spec) and the bytes it names; gives out a [`Plan`]: environments merged, variables put in, defaults applied,
//! references checked, the order of start computed. What was written and what will be done are two types. Knows no output format.

mod additions;
mod allow;
mod config;
mod declared_name;
mod environment;
mod environment_file;
mod fragment;
mod given_object;
mod health_check;
mod image_files;
mod kubernetes_name;
mod kubernetes_objects;
mod kubernetes_patch;
mod lint;
mod migration;
mod migration_content;
mod migration_runner;
mod mounts;
mod objects;
mod own_labels;
mod parameter;
mod patched;
mod pins;
mod port;
mod portability;
mod previous;
mod profiles;
mod release;
mod schedule;
mod scope;
mod script;
mod script_uses;
mod service;
mod service_environment;
mod service_files;
mod service_keys;
mod service_kubernetes;
mod shared;
mod stack_shape;
mod template;
mod unreached;
mod unused;
mod upgrade;
mod volume_kubernetes;
mod waves;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::compose;
use crate::digest::Digest;
use crate::document::node::{Node, Table};
use crate::document::text::Piece;
use crate::name::{DeclaredName, EnvironmentKey, Label};
use crate::path::RelativePath;
use crate::reference::is_local_base;

pub use additions::{Additions, ObjectPatch};
pub use given_object::{GivenObject, resource_of_kind};
pub use image_files::{migration_file, script_file};
pub use kubernetes_name::{is_label_key, is_label_value};
pub use kubernetes_objects::{
    DEFAULT_DENY, IN_CLUSTER, NAME_SERVER, ObjectName, api_version, has_disruption_budget, objects, policy_of_network,
    policy_of_service,
};
pub use migration::{Migration, MigrationFile, MigrationMode};
pub use migration_runner::MigrationAction;
pub use mounts::{Folders, Mount, MountKey, Mounts, external_secret, host_file};
pub use parameter::{Parameter, ParameterRule};
pub use pins::{Pinning, read_lock};
pub use portability::{CHAPTERS, Judged, Minimum, Portability, Program, Row, Verdict, features};
pub use previous::{PreviousRelease, ReleasedMigration};
pub use release::{Selection, resolve};
pub use schedule::Schedule;
pub use script::{Script, ScriptAction, ScriptMode};
pub use script_uses::HOOK_POINTS;
pub use service_kubernetes::{Autoscale, DisruptionBudget, Ingress, KubernetesService, ServiceType};
pub use shared::{Shared, Workload, named_volumes};
pub use upgrade::{Upgrade, UpgradeBackup};
pub use volume_kubernetes::KubernetesVolume;

/// One release, resolved.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The project's name.
    pub project: Label,
    /// The release.
    pub version: semver::Version,
    /// The platforms to build for.
    pub platforms: Vec<Platform>,
    /// Whether the release is for several platforms, whichever are built now.
    pub has_several_platforms: bool,
    /// `[registry/]name` of the bootstrap image, without a tag.
    pub repository: String,
    /// What the image is made on.
    pub base: BTreeMap<Platform, PlannedBase>,
    /// The architectures wanted, as `os/architecture[/variant]`; empty: all that the base has.
    pub architectures: Vec<String>,
    /// OCI annotations, without the generated ones.
    pub annotations: BTreeMap<String, String>,
    /// The environment an operator may leave out.
    pub default_environment: Option<Label>,
    /// The environments selected, sorted by name.
    pub environments: Vec<Environment>,
    /// What the platforms make of what the environments use.
    pub portability: Portability,
    /// The spec as it was read.
    pub spec_text: Arc<str>,
    /// The lock that was used, if one was.
    pub lock_text: Option<Arc<str>>,
    /// Whether the image carries the spec. With some environments alone it does not: a developer's image holds nothing of production.
    pub carries_spec: bool,
}

/// What an image is made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedBase {
    /// As it is written: `store` reads it.
    pub text: String,
    /// What a base in a file must be, where the lock says it.
    pub digest: Option<Digest>,
}

/// The base that holds nothing.
pub const NO_BASE: &str = "scratch";

/// A platform that a bootstrap image operates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// Docker Compose.
    Compose,
    /// Docker Swarm.
    Swarm,
    /// Kubernetes.
    Kubernetes,
}

impl Plan {
    /// The images of the release that come from registries, with what they are for: the services of every environment, and bases.
    pub fn images(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut images: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let services = self.environments.iter().flat_map(|environment| &environment.services);
        for service in services.filter(|service| service.pull != PullPolicy::Never) {
            images.entry(&service.image).or_default().insert(service.name.as_str());
        }
        let bases = self.bases().filter(|base| !is_local_base(base));
        for base in bases {
            images.entry(base).or_default().insert("base");
        }
        images
    }

    /// The bases of the release that are in files and folders, as they are written.
    pub fn local_bases(&self) -> impl Iterator<Item = &str> {
        self.bases().filter(|base| is_local_base(base))
    }

    fn bases(&self) -> impl Iterator<Item = &str> {
        self.base.values().map(|base| base.text.as_str()).filter(|base| *base != NO_BASE)
    }
}

impl Platform {
    /// Every platform.
    pub const ALL: &[Self] = &[Self::Compose, Self::Swarm, Self::Kubernetes];

    /// The name in files, tags and flags.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compose => "compose",
            Self::Swarm => "swarm",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// The name in sentences.
    pub fn title(self) -> &'static str {
        match self {
            Self::Compose => "Docker Compose",
            Self::Swarm => "Docker Swarm",
            Self::Kubernetes => "Kubernetes",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|platform| platform.name() == name)
    }
}

/// One environment of a release, merged and checked.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The name an operator gives.
    pub name: Label,
    /// What the product is called on the target: `shop-production`.
    pub target: String,
    /// Every variable, built-in ones included, with its value.
    pub variables: BTreeMap<EnvironmentKey, String>,
    /// What the operator gives.
    pub parameters: BTreeMap<EnvironmentKey, Parameter>,
    /// The services, by wave, then name.
    pub services: Vec<Service>,
    /// Named volumes: the Compose definition, as written.
    pub volumes: BTreeMap<DeclaredName, Object>,
    /// Networks: the Compose definition, as written.
    pub networks: BTreeMap<DeclaredName, Object>,
    /// Files that services mount.
    pub configs: BTreeMap<DeclaredName, ConfigContent>,
    /// The files of configs that somebody may execute: of a folder below it, of a file `None`.
    pub executables: BTreeMap<DeclaredName, BTreeSet<Option<RelativePath>>>,
    /// Secrets that services mount.
    pub secrets: BTreeMap<DeclaredName, SecretSource>,
    /// What one platform alone gets, beyond its services.
    pub additions: BTreeMap<Platform, Additions>,
    /// Maintenance scripts.
    pub scripts: BTreeMap<Label, Script>,
    /// The scripts to run at a point, in order.
    pub hooks: BTreeMap<&'static str, Vec<Label>>,
    /// The scripts behind `nodes create` and `nodes delete`, by action.
    pub node_actions: BTreeMap<&'static str, Label>,
    /// The scripts behind `users`, by action: they manage the product's own users.
    pub user_actions: BTreeMap<&'static str, Label>,
    /// What takes the data from one release to the next, in the order in which it runs.
    pub migrations: Vec<Migration>,
    /// What an upgrade asks for.
    pub upgrade: Option<Upgrade>,
    /// The merged sections with the places of everything, for faults that are found later.
    pub written: Node,
}

/// A volume or network.
#[derive(Clone, Debug)]
pub struct Object {
    /// What Compose takes, without `external` and `name`.
    pub definition: Table,
    /// The name on the target.
    pub name: String,
    /// Whether the target must have it already.
    pub external: bool,
    /// What the claim of a volume says on Kubernetes.
    pub kubernetes: KubernetesVolume,
    /// JSON merge patches (RFC 7396) on the rendered object, for what only one platform knows.
    pub patches: BTreeMap<Platform, Table>,
}

/// What a config holds.
#[derive(Clone, Debug)]
pub enum ConfigContent {
    /// Bytes that are known at build.
    File(Arc<[u8]>),
    /// A text with values of parameters in it, put together on the target.
    Pieces(Vec<Piece>),
    /// A folder's files.
    Folder(BTreeMap<RelativePath, Arc<[u8]>>),
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The operator gives it as a parameter.
    Parameter(EnvironmentKey),
    /// A file of the target's host.
    HostFile(String),
    /// An object that the target has already.
    External {
        /// Its name there.
        name: String,
        /// Where its bytes are, on a platform whose secrets have keys.
        key: String,
    },
}

/// One service, resolved.
#[derive(Clone, Debug)]
pub struct Service {
    /// The name.
    pub name: DeclaredName,
    /// The image reference.
    pub image: String,
    /// The Compose keys that need no decision, in normal form: `${NAME}` for parameters, `$$` for a dollar.
    pub definition: Table,
    /// The same keys by their meaning.
    pub compose: compose::Service,
    /// The environment, in normal form.
    pub environment: BTreeMap<String, String>,
    /// The services it waits for.
    pub depends_on: BTreeMap<DeclaredName, Dependency>,
    /// The configs and secrets it mounts.
    pub files: Vec<FileUse>,
    /// How it runs.
    pub kind: ServiceKind,
    /// Whether one replica runs on every node.
    pub is_global: bool,
    /// How many replicas the release asks for.
    pub replicas: u32,
    /// The ports of the host that it publishes, unless a patch of a platform publishes others.
    pub published: Vec<PublishedPorts>,
    /// For how many its published ports are enough on one engine; none when nothing limits them.
    pub max_replicas: Option<u32>,
    /// When it starts: services of a wave depend only on earlier ones. The first is 1.
    pub wave: u32,
    /// What must hold before the next wave starts.
    pub gate: Gate,
    /// How long it must stay up before it counts as started.
    pub window_seconds: u64,
    /// Whether the spec declares a health check that is run.
    pub has_healthcheck: bool,
    /// When its image is pulled.
    pub pull: PullPolicy,
    /// JSON merge patches (RFC 7396) on the rendered service, for what only one platform knows.
    pub patches: BTreeMap<Platform, Table>,
    /// What only Kubernetes knows of it.
    pub kubernetes: KubernetesService,
    /// The parameters that its definition uses.
    pub parameters: BTreeSet<EnvironmentKey>,
}

/// A port of the host that leads to a service, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPorts {
    /// The address of the host; absent: every address.
    pub address: Option<String>,
    /// The first.
    pub first: u16,
    /// The last; the first itself for a single port.
    pub last: u16,
    /// Whether a container takes any one of them, and not all.
    pub is_choice: bool,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// Whether a swarm opens them on the nodes of the replicas alone.
    pub is_of_host: bool,
}

impl fmt::Display for PublishedPorts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, first, last, protocol, .. } = self;
        let what =
            if first == last { format!("port {first}/{protocol}") } else { format!("ports {first}-{last}/{protocol}") };
        match address {
            Some(address) => write!(formatter, "{what} of {address}"),
            None => formatter.write_str(&what),
        }
    }
}

impl Service {
    /// The ports of the host that it takes on a platform; none that is known when a patch says which.
    pub fn published_on(&self, platform: Platform) -> impl Iterator<Item = &PublishedPorts> {
        let is_patched = service::patches_ports(&self.patches, platform);
        let is_told = move |ports: &&PublishedPorts| match platform {
            Platform::Compose => true,
            // Which nodes the replicas will be on, nobody knows before.
            Platform::Swarm => !ports.is_of_host,
            Platform::Kubernetes => false,
        };
        self.published.iter().filter(move |_| !is_patched).filter(is_told)
    }
}

/// How a service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceKind {
    /// It stays up.
    Service,
    /// It is done when it exits with 0.
    Job,
}

/// One entry of `depends_on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// What is waited for.
    pub condition: Gate,
    /// Whether the dependent restarts with it.
    pub restart: bool,
}

/// What a dependent waits for, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// Nothing.
    None,
    /// The container runs.
    Started,
    /// The container is healthy.
    Healthy,
    /// The container exited with 0.
    Completed,
}

/// When an image is pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullPolicy {
    /// Before every `up`.
    Always,
    /// When the target does not have it.
    Missing,
    /// Never.
    Never,
}

/// A config or secret in a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileUse {
    /// Whether it is a config or a secret.
    pub kind: FileKind,
    /// The config or secret.
    pub source: DeclaredName,
    /// The absolute path in the container.
    pub target: String,
    /// The owner.
    pub owner: Owner,
    /// Whether files that somebody may execute in the project can be executed here too: nobody wrote a mode.
    pub keeps_executables: bool,
}

/// Config or secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// `[configs]`
    Config,
    /// `[secrets]`
    Secret,
}

/// Who may read a mounted file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// The permission bits.
    pub mode: u32,
}

impl Owner {
    /// The same, and whoever may read the file may execute it: 0444 → 0555.
    #[must_use]
    pub fn executing(self) -> Self {
        Self { mode: self.mode | (self.mode & 0o444) >> 2, ..self }
    }
}
