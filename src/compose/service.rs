//! A service: every key with a grammar, read once.

use crate::document::Context;
use crate::document::fields::Spanned;
use crate::document::node::{Node, Span, Table};

use super::amount::Duration;
use super::deploy::{Deploy, Mode};
use super::health_check::HealthCheck;
use super::mount::{self, Mount};
use super::network::{self, ExtraHost, HostName, IpcMode, Namespace, NetworkMode, PidMode};
use super::port::{Address, Exposed, Port};
use super::process::{Capability, Restart, SecurityOption, User};
use super::resources::Resources;
use super::value::{each, items, one, spanned};
use super::{container, value};

/// The typed keys of a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// `ports`
    pub ports: Vec<Port>,
    /// `expose`
    pub exposed: Vec<Exposed>,
    /// `volumes`, then `tmpfs`
    pub mounts: Vec<Mount>,
    /// `healthcheck`
    pub health_check: Option<HealthCheck>,
    /// `deploy`, but for its mode, replicas and resources
    pub deploy: Deploy,
    /// `cpus`, `mem_limit` … and `deploy.resources`
    pub resources: Resources,
    /// `shm_size`
    pub shared_memory: Option<super::ByteSize>,
    /// `restart`
    pub restart: Option<Restart>,
    /// `stop_grace_period`
    pub stop_grace_period: Option<Duration>,
    /// `user`
    pub user: Option<User>,
    /// `cap_add`
    pub added_capabilities: Vec<Capability>,
    /// `cap_drop`
    pub dropped_capabilities: Vec<Capability>,
    /// `extra_hosts`
    pub extra_hosts: Vec<ExtraHost>,
    /// `hostname`
    pub hostname: Option<Spanned<String>>,
    /// `networks.*.aliases`
    pub aliases: Vec<Spanned<String>>,
    /// `security_opt`
    pub security_options: Vec<Spanned<SecurityOption>>,
    /// `network_mode`, `pid` and `ipc`, by key
    pub namespaces: Vec<(&'static str, Spanned<Namespace>)>,
}

impl Service {
    /// Reads a service in normal form; whatever is wrong is reported.
    pub fn read(service: &Table, context: &mut Context) -> Self {
        container::check(service, context);
        let key = |key: &str| service.get(key);
        let deploy = key("deploy").map(|node| Deploy::read(node, context)).unwrap_or_default();
        let resources = service.table("deploy").and_then(|deploy| deploy.get("resources"));
        each::<Address>(key("dns"), context);
        Self {
            ports: all(key("ports"), Port::read, context),
            exposed: each(key("expose"), context).into_iter().map(|exposed| exposed.value).collect(),
            mounts: read_mounts(service, context),
            health_check: key("healthcheck").and_then(|node| HealthCheck::read(node, context)),
            deploy,
            resources: Resources::read(service, resources, context),
            shared_memory: one(key("shm_size"), context),
            restart: one(key("restart"), context),
            stop_grace_period: one(key("stop_grace_period"), context),
            user: one(key("user"), context),
            added_capabilities: capabilities(key("cap_add"), context),
            dropped_capabilities: capabilities(key("cap_drop"), context),
            extra_hosts: key("extra_hosts").map(|node| ExtraHost::read_all(node, context)).unwrap_or_default(),
            hostname: key("hostname").and_then(|node| read_host_name(node, context)),
            aliases: key("networks").map(|node| network::read_aliases(node, context)).unwrap_or_default(),
            security_options: each(key("security_opt"), context),
            namespaces: read_namespaces(service, context),
        }
    }

    /// The service that a text in TOML is.
    #[cfg(test)]
    pub(crate) fn of_text(text: &str) -> Self {
        let mut context = Context::new("bootstrap.toml".into());
        let table = crate::document::parse(text, &mut context);
        Self::read(&table, &mut context)
    }

    /// Whether it ends.
    pub fn is_job(&self) -> bool {
        self.deploy.mode.is_some_and(Mode::is_job)
    }

    /// Whether its health check is declared and run.
    pub fn has_health_check(&self) -> bool {
        self.health_check.as_ref().is_some_and(HealthCheck::is_on)
    }

    /// Whether the health check of its image is switched off.
    pub fn has_health_check_off(&self) -> bool {
        self.health_check.as_ref().is_some_and(|check| check.is_off)
    }

    /// The entry of `ports` that is written at a place.
    pub fn port_at(&self, span: Span) -> Option<&Port> {
        self.ports.iter().find(|port| port.span == span)
    }

    /// The entry of `volumes` or `tmpfs` that is written at a place.
    pub fn mount_at(&self, span: Span) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.span == span)
    }
}

/// Every entry of a list that can be read.
fn all<T>(node: Option<&Node>, read: fn(&Node, &mut Context) -> Option<T>, context: &mut Context) -> Vec<T> {
    items(node).into_iter().filter_map(|node| read(node, context)).collect()
}

fn read_mounts(service: &Table, context: &mut Context) -> Vec<Mount> {
    let mut mounts = all(service.get("volumes"), Mount::read, context);
    mounts.extend(all(service.get("tmpfs"), Mount::read_tmpfs, context));
    mount::check_targets(&mounts, context);
    mounts
}

fn capabilities(node: Option<&Node>, context: &mut Context) -> Vec<Capability> {
    each(node, context).into_iter().map(|capability| capability.value).collect()
}

fn read_host_name(node: &Node, context: &mut Context) -> Option<Spanned<String>> {
    let Spanned { value: HostName(name), span } = spanned(node, context)?;
    Some(Spanned { value: name, span })
}

fn read_namespaces(service: &Table, context: &mut Context) -> Vec<(&'static str, Spanned<Namespace>)> {
    let mut all = Vec::new();
    let mut add = |key, namespace: Option<Spanned<Namespace>>| all.extend(namespace.map(|namespace| (key, namespace)));
    add("network_mode", read_namespace(service.get("network_mode"), |NetworkMode(namespace)| namespace, context));
    add("pid", read_namespace(service.get("pid"), |PidMode(namespace)| namespace, context));
    add("ipc", read_namespace(service.get("ipc"), |IpcMode(namespace)| namespace, context));
    all
}

fn read_namespace<T: value::Value>(
    node: Option<&Node>,
    inner: fn(T) -> Namespace,
    context: &mut Context,
) -> Option<Spanned<Namespace>> {
    let Spanned { value, span } = spanned(node?, context)?;
    Some(Spanned { value: inner(value), span })
}
