//! Texts that stand where a switch or a number belongs: what `${NAME}` leaves behind, and what Compose takes in quotes.
//!
//! Takes in what was written, in normal form; gives every such text the type that its key wants, so that nobody behind it meets texts there. One
//! that cannot be read stays: it is reported where the key is read.

use crate::document::Context;
use crate::document::node::{Node, Table, Value as Written};

use super::amount::{Ratio, Switch};
use super::value::{Value as _, one, plain};

/// Keys of a service that hold a switch; `*` is any key of a table or any item of a list.
const SWITCHES: &[&[&str]] = &[
    &["healthcheck", "disable"],
    &["init"],
    &["networks", "*", "use_service_name_alias"],
    &["oom_kill_disable"],
    &["privileged"],
    &["read_only"],
    &["stdin_open"],
    &["tty"],
    &["volumes", "*", "bind", "create_host_path"],
    &["volumes", "*", "read_only"],
    &["volumes", "*", "volume", "nocopy"],
];

/// Keys of a service that hold a whole number.
const NUMBERS: &[&[&str]] = &[
    &["deploy", "placement", "max_replicas_per_node"],
    &["deploy", "replicas"],
    &["deploy", "resources", "limits", "pids"],
    &["deploy", "resources", "reservations", "generic_resources", "*", "discrete_resource_spec", "value"],
    &["deploy", "restart_policy", "max_attempts"],
    &["deploy", "rollback_config", "parallelism"],
    &["deploy", "update_config", "parallelism"],
    &["healthcheck", "retries"],
    &["mem_swappiness"],
    &["networks", "*", "gw_priority"],
    &["networks", "*", "priority"],
    &["oom_score_adj"],
    &["pids_limit"],
    &["ports", "*", "target"],
    &["ulimits", "*"],
    &["ulimits", "*", "hard"],
    &["ulimits", "*", "soft"],
];

/// Keys of a service that hold a part of one.
const RATIOS: &[&[&str]] =
    &[&["deploy", "rollback_config", "max_failure_ratio"], &["deploy", "update_config", "max_failure_ratio"]];

/// Keys of a network that hold a switch.
const SWITCHES_OF_A_NETWORK: &[&[&str]] = &[&["attachable"], &["enable_ipv4"], &["enable_ipv6"], &["internal"]];

/// Gives the texts of a service the types that their keys want.
pub fn settle_service(service: &mut Table) {
    settle_all(service, SWITCHES, switch);
    settle_all(service, NUMBERS, number);
    settle_all(service, RATIOS, ratio);
}

/// The same for a network.
pub fn settle_network(network: &mut Table) {
    settle_all(network, SWITCHES_OF_A_NETWORK, switch);
}

/// Reports switches of a network that cannot be read.
pub fn check_network(network: &Table, context: &mut Context) {
    for path in SWITCHES_OF_A_NETWORK {
        one::<Switch>(network.get(path[0]), context);
    }
}

type Read = fn(&str) -> Option<Written>;

fn switch(text: &str) -> Option<Written> {
    Switch::parse(text).map(|Switch(is_on)| Written::Boolean(is_on))
}

fn number(text: &str) -> Option<Written> {
    text.parse().ok().map(Written::Integer)
}

fn ratio(text: &str) -> Option<Written> {
    Ratio::parse(text)?;
    text.parse().ok().map(Written::Float)
}

fn settle_all(table: &mut Table, paths: &[&[&str]], read: Read) {
    for path in paths {
        settle_table(table, path, read);
    }
}

fn settle_table(table: &mut Table, path: &[&str], read: Read) {
    let Some((key, below)) = path.split_first() else { return };
    for (_, entry) in table.iter_mut().filter(|(name, _)| *key == "*" || key == name) {
        settle(&mut entry.node, below, read);
    }
}

fn settle(node: &mut Node, path: &[&str], read: Read) {
    match (&mut node.value, path) {
        (Written::Text(_), []) => {
            if let Some(value) = plain(node).and_then(|text| read(&text)) {
                node.value = value;
            }
        }
        (Written::Table(table), [_, ..]) => settle_table(table, path, read),
        (Written::List(list), ["*", below @ ..]) => list.iter_mut().for_each(|item| settle(item, below, read)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    #[test]
    fn texts_get_the_type_of_their_key() {
        let mut context = Context::new("bootstrap.toml".into());
        let written = "read_only = \"true\"\ntty = \"maybe\"\nuser = \"1000\"\nports = [{ target = \"80\" }, \"90\"]\nulimits = { nproc = \"5\" }";
        let mut service = parse(written, &mut context);
        settle_service(&mut service);
        let wanted = parse(
            "read_only = true\ntty = \"maybe\"\nuser = \"1000\"\nports = [{ target = 80 }, \"90\"]\nulimits = { nproc = 5 }",
            &mut context,
        );
        let values = |table: &Table| format!("{:?}", without_places(table));
        assert_eq!(values(&service), values(&wanted));
    }

    fn without_places(table: &Table) -> Vec<(String, String)> {
        table.iter().map(|(key, entry)| (key.to_owned(), shown(&entry.node))).collect()
    }

    fn shown(node: &Node) -> String {
        match &node.value {
            Written::List(list) => format!("{:?}", list.iter().map(shown).collect::<Vec<_>>()),
            Written::Table(table) => format!("{:?}", without_places(table)),
            scalar => format!("{scalar:?}"),
        }
    }
}
