//! What a service publishes on the host: how many replicas that is enough for, and whether two of them want one port.

use crate::compose::Port;
use crate::diagnostic::Code;
use crate::document::Context;
use crate::document::node::Table;
use crate::name::DeclaredName;

use super::{PublishedPorts, Service};

impl PublishedPorts {
    /// How many they are.
    fn count(&self) -> u32 {
        u32::from(self.last - self.first) + 1
    }

    /// Whether two containers cannot have both: an address that is not named is every address.
    fn collides_with(&self, other: &Self) -> bool {
        let is_every =
            |address: &Option<String>| address.as_deref().is_none_or(|text| text == "0.0.0.0" || text == "::");
        let is_fixed = !self.is_choice && !other.is_choice;
        let share_a_port = self.first <= other.last && other.first <= self.last;
        let share_an_address = is_every(&self.address) || is_every(&other.address) || self.address == other.address;
        is_fixed && share_a_port && share_an_address && self.protocol == other.protocol
    }
}

/// Takes what a service publishes from its ports. On one engine a published port belongs to one container: there must be enough for `on_compose`
/// replicas, when the release is built for Compose. A swarm and a cluster publish a port once, for all replicas.
pub(super) fn read(
    service: &DeclaredName,
    ports: &[Port],
    on_compose: Option<u32>,
    context: &mut Context,
) -> Vec<PublishedPorts> {
    let mut all: Vec<PublishedPorts> = Vec::new();
    for port in ports {
        let Some(published) = published(port) else { continue };
        check_count(service, port, &published, on_compose.unwrap_or(0), context);
        if all.iter().any(|other| other.collides_with(&published)) {
            let message = format!("service `{service}` publishes {published} twice");
            let hint = "a port of the host leads to one port of one service";
            context.error(Code::INVALID_VALUE, port.span, message, hint);
        }
        all.push(published);
    }
    all
}

/// `None` when the engine chooses the port.
fn published(port: &Port) -> Option<PublishedPorts> {
    let range = port.published?;
    Some(PublishedPorts {
        address: port.address.map(|address| address.to_string()),
        first: range.first,
        last: range.last,
        is_choice: port.target.is_one() && !range.is_one(),
        protocol: port.protocol.name().to_owned(),
        is_of_host: port.is_of_host,
    })
}

fn check_count(service: &DeclaredName, port: &Port, published: &PublishedPorts, replicas: u32, context: &mut Context) {
    let (count, Some(range)) = (published.count(), port.published) else { return };
    if count < replicas {
        let message = format!(
            "service `{service}` has {replicas} replicas, but on one engine `{range}` can be published by {count} of them"
        );
        let hint = "publish a range (`8080-8089:80`), or put one proxy in front of the replicas";
        context.error(Code::INVALID_VALUE, port.span, message, hint);
    }
}

/// For how many replicas the published ports are enough on one engine; `None` when nothing limits them.
pub(super) fn max_replicas(published: &[PublishedPorts]) -> Option<u32> {
    published.iter().map(PublishedPorts::count).min()
}

/// On an engine and in a swarm all services share the ports of the hosts: finds what two of them publish.
pub(super) fn check_services(services: &[Service], written: &Table, context: &mut Context) {
    for (position, service) in services.iter().enumerate() {
        for other in &services[..position] {
            let Some(ports) = collision(service, other) else { continue };
            let span = written.table(service.name.as_str()).and_then(|table| table.get("ports")).map(|node| node.span);
            let message = format!("services `{}` and `{}` both publish {ports}", other.name, service.name);
            context.error(
                Code::INVALID_VALUE,
                span,
                message,
                "a port of the host leads to one service: give one of them another",
            );
        }
    }
}

fn collision<'a>(service: &'a Service, other: &Service) -> Option<&'a PublishedPorts> {
    service.published.iter().find(|ports| other.published.iter().any(|of_other| of_other.collides_with(ports)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose;
    use crate::document::parse;

    fn ports(entries: &[&str], context: &mut Context) -> Vec<Port> {
        let table = parse(&format!("ports = {entries:?}"), context);
        compose::Service::read(&table, context).ports
    }

    fn faults(entries: &[&str], on_compose: Option<u32>) -> Vec<String> {
        let mut context = Context::new("bootstrap.toml".into());
        let web = DeclaredName::parse("web").expect("a label");
        let ports = ports(entries, &mut context);
        read(&web, &ports, on_compose, &mut context);
        context.diagnostics.errors().map(|diagnostic| diagnostic.message.clone()).collect()
    }

    #[test]
    fn ports_of_different_addresses_and_protocols_are_different() {
        assert_eq!(faults(&["53:53", "53:53/udp", "[::1]:80:80", "127.0.0.1:80:80", "3000"], Some(1)), [""; 0]);
    }

    #[test]
    fn a_port_is_published_once() {
        for (first, second, is_twice) in [
            ("8080:80", "8080:81", true),
            ("8080:80", "127.0.0.1:8080:81", true),
            ("8080-8082:80-82", "8081:90", true),
            ("8080-8082:80", "8081:90", false),
            ("127.0.0.1:8080:80", "127.0.0.2:8080:80", false),
            ("53:53", "53:53/udp", false),
        ] {
            let seen = faults(&[first, second], None);
            assert_eq!(!seen.is_empty(), is_twice, "{first} {second}: {seen:?}");
        }
    }

    #[test]
    fn the_scarcest_port_decides() {
        let max = |entries: &[&str]| {
            let ports = ports(entries, &mut Context::new("bootstrap.toml".into()));
            max_replicas(&ports.iter().filter_map(published).collect::<Vec<_>>())
        };
        assert_eq!(max(&["8080-8089:80", "127.0.0.1:9000-9002:90/udp"]), Some(3));
        assert_eq!(max(&["80", "8080-8089:80"]), Some(10));
        assert_eq!(max(&["80"]), None);
        assert_eq!(faults(&["8080:80"], Some(2)).len(), 1);
    }
}
