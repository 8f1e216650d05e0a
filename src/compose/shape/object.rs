//! Volumes and networks (Compose Specification, 06-networks and 07-volumes).

use super::{Keys, OPTIONS, PAIRS, SWITCH, Shape, TEXT, table};

/// Keys of `[networks.NAME]`.
pub(crate) const NETWORK: Keys = keys(&[
    ("attachable", SWITCH),
    ("driver", TEXT),
    ("driver_opts", OPTIONS),
    ("enable_ipv4", SWITCH),
    ("enable_ipv6", SWITCH),
    ("external", SWITCH),
    ("internal", SWITCH),
    ("ipam", IPAM),
    ("labels", PAIRS),
    ("name", TEXT),
]);

/// Keys of `[volumes.NAME]`, but for ours.
pub(crate) const VOLUME: Keys =
    keys(&[("driver", TEXT), ("driver_opts", OPTIONS), ("external", SWITCH), ("labels", PAIRS), ("name", TEXT)]);

const IPAM: Shape = table(&[("config", Shape::List(&POOL)), ("driver", TEXT), ("options", Shape::Map(&TEXT))]);

const POOL: Shape =
    table(&[("aux_addresses", Shape::Map(&TEXT)), ("gateway", TEXT), ("ip_range", TEXT), ("subnet", TEXT)]);

const fn keys(known: &'static [(&'static str, Shape)]) -> Keys {
    Keys { known, required: &[], own: &[], takes_extensions: true }
}
