//! `deploy` (Compose Specification, deploy).

use std::fmt;

use crate::document::Context;
use crate::document::fields::{Fields, Spanned};
use crate::document::node::Node;

use super::amount::{Count, Duration, Integer, Ratio};
use super::value::{each, fields, items, keyword, one, spanned, value, words};

/// How many replicas there are, where they are placed, and how they are started again and replaced. Resources are read with those of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deploy {
    /// How it runs.
    pub mode: Option<Mode>,
    /// How many replicas.
    pub replicas: Option<Spanned<u32>>,
    /// How a service is reached inside.
    pub endpoint_mode: Option<EndpointMode>,
    /// On which nodes.
    pub constraints: Vec<Spanned<Constraint>>,
    /// Over what they are spread.
    pub spread: Vec<Spanned<NodeFact>>,
    /// How many on a node at most; 0 means without a limit.
    pub max_replicas_per_node: Option<i64>,
    /// When a replica is started again.
    pub restart_policy: Option<RestartPolicy>,
    /// How replicas are replaced.
    pub update: Option<UpdatePolicy>,
}

words! {
    /// `mode`.
    Mode, "mode of a service", {
        /// So many replicas as are asked for.
        Replicated = "replicated",
        /// One replica on every node.
        Global = "global",
        /// Replicas that end.
        ReplicatedJob = "replicated-job",
        /// One replica on every node, and it ends.
        GlobalJob = "global-job",
    }
}

impl Mode {
    /// Whether it ends.
    pub fn is_job(self) -> bool {
        matches!(self, Self::ReplicatedJob | Self::GlobalJob)
    }

    /// Whether it is one replica a node.
    pub fn is_global(self) -> bool {
        matches!(self, Self::Global | Self::GlobalJob)
    }
}

/// A number of replicas: more containers of one service than an engine can carry are a slip.
type Replicas = Integer<0, 1000>;

words! {
    /// `endpoint_mode`.
    EndpointMode, "endpoint mode", {
        /// One address for all replicas.
        Vip = "vip",
        /// The addresses of the replicas.
        DnsRr = "dnsrr",
    }
}

keyword!(RestartCondition, "restart condition", ["none", "on-failure", "any"]);

words! {
    /// What comes first.
    UpdateOrder, "order", {
        /// The old replica is stopped first.
        StopFirst = "stop-first",
        /// The new replica is started first.
        StartFirst = "start-first",
    }
}

keyword!(FailureAction, "failure action", ["continue", "rollback", "pause"]);

/// `restart_policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartPolicy {
    /// How often at most.
    pub max_attempts: Option<i64>,
}

/// `update_config`; `rollback_config` is written alike, and goes to a swarm as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdatePolicy {
    /// How many replicas at a time; 0 is all.
    pub parallelism: Option<i64>,
    /// What comes first.
    pub order: Option<UpdateOrder>,
    /// How long a replica is watched.
    pub monitor: Option<Duration>,
}

/// `node.labels.type == frontend`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// What is compared.
    pub fact: NodeFact,
    /// Whether it must be the value, and not another.
    pub is_equal: bool,
    /// The value.
    pub value: String,
}

/// Something that is known of a node: `node.labels.type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFact(pub String);

value!(
    NodeFact,
    "fact of a node",
    "write `node.labels.NAME`, `node.hostname`, `node.role`, `node.id`, `node.platform.os`, `node.platform.arch` or `engine.labels.NAME`",
    |text| {
        let is_label = ["node.labels.", "engine.labels."]
            .iter()
            .any(|prefix| text.strip_prefix(prefix).is_some_and(|name| !name.is_empty()));
        let is_known = ["node.hostname", "node.id", "node.ip", "node.platform.arch", "node.platform.os", "node.role"]
            .contains(&text);
        (is_label || is_known).then(|| Self(text.to_owned()))
    }
);
value!(Constraint, "constraint", "write a fact of a node and a value, as in `node.labels.type == frontend`", |text| {
    // As a swarm takes it apart (swarmkit, `manager/constraint`, `Parse`).
    let (fact, is_equal, value) = match (text.split_once("=="), text.split_once("!=")) {
        (Some((fact, value)), _) => (fact, true, value),
        (None, Some((fact, value))) => (fact, false, value),
        (None, None) => return None,
    };
    let (fact, value) = (NodeFact::parse(fact.trim())?, value.trim());
    (!value.is_empty()).then(|| Self { fact, is_equal, value: value.to_owned() })
});

impl fmt::Display for Constraint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = if self.is_equal { "==" } else { "!=" };
        write!(formatter, "{} {operator} {}", self.fact.0, self.value)
    }
}

impl Deploy {
    /// Reads the table.
    pub(super) fn read(node: &Node, context: &mut Context) -> Self {
        let Some(mut fields) = fields(node, "`deploy`", context) else { return Self::default() };
        for elsewhere in ["labels", "resources"] {
            fields.node(elsewhere);
        }
        let replicas = fields.node("replicas").and_then(|node| spanned::<Replicas>(node, context));
        let number = |replicas: Spanned<Replicas>| {
            Some(Spanned { value: u32::try_from(replicas.value.0).ok()?, span: replicas.span })
        };
        let mut deploy = Self {
            mode: one(fields.node("mode"), context),
            replicas: replicas.and_then(number),
            endpoint_mode: one(fields.node("endpoint_mode"), context),
            ..Self::default()
        };
        if let Some(node) = fields.node("placement") {
            deploy.read_placement(node, context);
        }
        deploy.restart_policy = fields.node("restart_policy").and_then(|node| RestartPolicy::read(node, context));
        deploy.update =
            fields.node("update_config").and_then(|node| UpdatePolicy::read(node, "`update_config`", context));
        if let Some(node) = fields.node("rollback_config") {
            UpdatePolicy::read(node, "`rollback_config`", context);
        }
        fields.finish(context);
        deploy
    }

    fn read_placement(&mut self, node: &Node, context: &mut Context) {
        let Some(mut placement) = fields(node, "`placement`", context) else { return };
        self.constraints = each(placement.node("constraints"), context);
        for node in items(placement.node("preferences")) {
            if let Some(mut fields) = fields(node, "a preference", context) {
                self.spread.extend(each(fields.node("spread"), context));
                fields.finish(context);
            }
        }
        self.max_replicas_per_node = count(&mut placement, "max_replicas_per_node", context);
        placement.finish(context);
    }
}

fn count(fields: &mut Fields<'_>, key: &'static str, context: &mut Context) -> Option<i64> {
    one::<Count>(fields.node(key), context).map(|number| number.0)
}

impl RestartPolicy {
    fn read(node: &Node, context: &mut Context) -> Option<Self> {
        let mut fields = fields(node, "`restart_policy`", context)?;
        let policy = Self { max_attempts: count(&mut fields, "max_attempts", context) };
        one::<RestartCondition>(fields.node("condition"), context);
        one::<Duration>(fields.node("delay"), context);
        one::<Duration>(fields.node("window"), context);
        fields.finish(context);
        Some(policy)
    }
}

impl UpdatePolicy {
    fn read(node: &Node, what: &str, context: &mut Context) -> Option<Self> {
        let mut fields = fields(node, what, context)?;
        let policy = Self {
            parallelism: count(&mut fields, "parallelism", context),
            order: one(fields.node("order"), context),
            monitor: one(fields.node("monitor"), context),
        };
        one::<Duration>(fields.node("delay"), context);
        one::<FailureAction>(fields.node("failure_action"), context);
        one::<Ratio>(fields.node("max_failure_ratio"), context);
        fields.finish(context);
        Some(policy)
    }
}
