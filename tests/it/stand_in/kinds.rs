//! The kinds of objects that the stand-in knows: one table, from which discovery, addresses and storage are read.

/// A kind of object.
#[expect(clippy::struct_field_names, reason = "a kind is called `kind` in the API")]
pub(super) struct Kind {
    /// Empty for the core group.
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) plural: &'static str,
    pub(super) singular: &'static str,
    pub(super) short: &'static [&'static str],
    pub(super) is_namespaced: bool,
    /// Whether a change of its definition counts `metadata.generation` up.
    pub(super) has_generation: bool,
    pub(super) subresources: &'static [Subresource],
}

/// A part of an object, or something to do with it, that has an address of its own.
pub(super) struct Subresource {
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) kind: &'static str,
    pub(super) verbs: &'static [&'static str],
}

/// What can be done with every object.
pub(super) const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

const fn subresource(
    name: &'static str,
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    verbs: &'static [&'static str],
) -> Subresource {
    Subresource { name, group, version, kind, verbs }
}

const CHANGE: &[&str] = &["get", "patch", "update"];
const SCALE: Subresource = subresource("scale", "autoscaling", "v1", "Scale", CHANGE);
const STATUS: Subresource = subresource("status", "", "", "", CHANGE);
const EVICTION: Subresource = subresource("eviction", "policy", "v1", "Eviction", &["create"]);
const EXEC: Subresource = subresource("exec", "", "v1", "PodExecOptions", &["create", "get"]);
const LOG: Subresource = subresource("log", "", "v1", "Pod", &["get"]);
const TOKEN: Subresource = subresource("token", "authentication.k8s.io", "v1", "TokenRequest", &["create"]);

const NONE: &[Subresource] = &[];
const WITH_STATUS: &[Subresource] = &[STATUS];
const SCALABLE: &[Subresource] = &[SCALE, STATUS];
const OF_POD: &[Subresource] = &[EVICTION, EXEC, LOG, STATUS];
const OF_ACCOUNT: &[Subresource] = &[TOKEN];

impl Kind {
    const fn new(
        group: &'static str,
        version: &'static str,
        kind: &'static str,
        names: (&'static str, &'static str),
    ) -> Self {
        let (plural, singular) = names;
        Self {
            group,
            version,
            kind,
            plural,
            singular,
            short: &[],
            is_namespaced: true,
            has_generation: false,
            subresources: NONE,
        }
    }

    const fn short(mut self, short: &'static [&'static str]) -> Self {
        self.short = short;
        self
    }

    const fn of_cluster(mut self) -> Self {
        self.is_namespaced = false;
        self
    }

    const fn counted(mut self) -> Self {
        self.has_generation = true;
        self
    }

    const fn with(mut self, subresources: &'static [Subresource]) -> Self {
        self.subresources = subresources;
        self
    }

    /// As in `apiVersion`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As in messages: `deployments.apps`.
    pub(super) fn qualified_plural(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// As in messages: `Deployment.apps`.
    pub(super) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }

    pub(super) fn has_status(&self) -> bool {
        self.subresources.iter().any(|subresource| subresource.name == "status")
    }
}

/// Every kind, by group.
pub(super) static KINDS: &[Kind] = &[
    Kind::new("", "v1", "ConfigMap", ("configmaps", "configmap")).short(&["cm"]),
    Kind::new("", "v1", "Event", ("events", "event")).short(&["ev"]),
    Kind::new("", "v1", "LimitRange", ("limitranges", "limitrange")).short(&["limits"]),
    Kind::new("", "v1", "Namespace", ("namespaces", "namespace")).short(&["ns"]).of_cluster().with(WITH_STATUS),
    Kind::new("", "v1", "Node", ("nodes", "node")).short(&["no"]).of_cluster().with(WITH_STATUS),
    Kind::new("", "v1", "PersistentVolumeClaim", ("persistentvolumeclaims", "persistentvolumeclaim"))
        .short(&["pvc"])
        .with(WITH_STATUS),
    Kind::new("", "v1", "PersistentVolume", ("persistentvolumes", "persistentvolume"))
        .short(&["pv"])
        .of_cluster()
        .with(WITH_STATUS),
    Kind::new("", "v1", "Pod", ("pods", "pod")).short(&["po"]).counted().with(OF_POD),
    Kind::new("", "v1", "ResourceQuota", ("resourcequotas", "resourcequota")).short(&["quota"]).with(WITH_STATUS),
    Kind::new("", "v1", "Secret", ("secrets", "secret")),
    Kind::new("", "v1", "ServiceAccount", ("serviceaccounts", "serviceaccount")).short(&["sa"]).with(OF_ACCOUNT),
    Kind::new("", "v1", "Service", ("services", "service")).short(&["svc"]).with(WITH_STATUS),
    Kind::new("apps", "v1", "ControllerRevision", ("controllerrevisions", "controllerrevision")),
    Kind::new("apps", "v1", "DaemonSet", ("daemonsets", "daemonset")).short(&["ds"]).counted().with(WITH_STATUS),
    Kind::new("apps", "v1", "Deployment", ("deployments", "deployment")).short(&["deploy"]).counted().with(SCALABLE),
    Kind::new("apps", "v1", "ReplicaSet", ("replicasets", "replicaset")).short(&["rs"]).counted().with(SCALABLE),
    Kind::new("apps", "v1", "StatefulSet", ("statefulsets", "statefulset")).short(&["sts"]).counted().with(SCALABLE),
    Kind::new("autoscaling", "v2", "HorizontalPodAutoscaler", ("horizontalpodautoscalers", "horizontalpodautoscaler"))
        .short(&["hpa"])
        .with(WITH_STATUS),
    Kind::new("batch", "v1", "CronJob", ("cronjobs", "cronjob")).short(&["cj"]).counted().with(WITH_STATUS),
    Kind::new("batch", "v1", "Job", ("jobs", "job")).counted().with(WITH_STATUS),
    Kind::new("coordination.k8s.io", "v1", "Lease", ("leases", "lease")),
    Kind::new("discovery.k8s.io", "v1", "EndpointSlice", ("endpointslices", "endpointslice")),
    Kind::new("networking.k8s.io", "v1", "IngressClass", ("ingressclasses", "ingressclass")).of_cluster().counted(),
    Kind::new("networking.k8s.io", "v1", "Ingress", ("ingresses", "ingress"))
        .short(&["ing"])
        .counted()
        .with(WITH_STATUS),
    Kind::new("networking.k8s.io", "v1", "NetworkPolicy", ("networkpolicies", "networkpolicy"))
        .short(&["netpol"])
        .counted(),
    Kind::new("policy", "v1", "PodDisruptionBudget", ("poddisruptionbudgets", "poddisruptionbudget"))
        .short(&["pdb"])
        .counted()
        .with(WITH_STATUS),
    Kind::new("rbac.authorization.k8s.io", "v1", "ClusterRole", ("clusterroles", "clusterrole")).of_cluster(),
    Kind::new("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", ("clusterrolebindings", "clusterrolebinding"))
        .of_cluster(),
    Kind::new("rbac.authorization.k8s.io", "v1", "Role", ("roles", "role")),
    Kind::new("rbac.authorization.k8s.io", "v1", "RoleBinding", ("rolebindings", "rolebinding")),
    Kind::new("storage.k8s.io", "v1", "StorageClass", ("storageclasses", "storageclass")).short(&["sc"]).of_cluster(),
];

/// Kinds that are asked and not kept: a question is created, and the answer comes back.
pub(super) static REVIEWS: &[Kind] = &[
    Kind::new("authentication.k8s.io", "v1", "SelfSubjectReview", ("selfsubjectreviews", "selfsubjectreview"))
        .of_cluster(),
    Kind::new(
        "authorization.k8s.io",
        "v1",
        "SelfSubjectAccessReview",
        ("selfsubjectaccessreviews", "selfsubjectaccessreview"),
    )
    .of_cluster(),
    Kind::new(
        "authorization.k8s.io",
        "v1",
        "SelfSubjectRulesReview",
        ("selfsubjectrulesreviews", "selfsubjectrulesreview"),
    )
    .of_cluster(),
];

/// A kind by the name that the stand-in itself uses.
pub(super) fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.kind == name).unwrap_or_else(|| panic!("the stand-in knows no kind `{name}`"))
}

/// A kind, kept or asked, by its address.
pub(super) fn at(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    let fits = |kind: &&Kind| kind.group == group && kind.version == version && kind.plural == plural;
    KINDS.iter().find(fits).or_else(|| REVIEWS.iter().find(fits))
}

/// Whether objects of a kind are answers, and never kept.
pub(super) fn is_review(kind: &Kind) -> bool {
    REVIEWS.iter().any(|review| review.kind == kind.kind)
}

/// Groups with their versions, in the order of the table.
pub(super) fn groups() -> Vec<(&'static str, &'static str)> {
    let mut groups: Vec<(&str, &str)> = KINDS.iter().chain(REVIEWS).map(|kind| (kind.group, kind.version)).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The kinds of a group.
pub(super) fn of_group(group: &str) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().chain(REVIEWS).filter(move |kind| kind.group == group)
}
