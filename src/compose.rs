//! A Compose service as types: what every key means, whichever way it is written.
//!
//! Takes in the table of a service in normal form; gives out a [`Service`], read once from short and long forms, each value by its own type and
//! with its place. What is invalid is a diagnostic with a caret at the value and a hint. Sections in comments are those of the Compose
//! Specification (<https://github.com/compose-spec/compose-spec>). Knows no platform and no other service.

mod amount;
mod container;
mod deploy;
mod device;
mod health_check;
mod mount;
mod network;
mod port;
mod process;
mod resources;
mod service;
pub(crate) mod shape;
mod value;
mod written;

pub use amount::{ByteSize, Cpus, Duration, Integer, is_true_word};
pub(crate) use container::check_patch;
pub use deploy::{Constraint, Deploy, EndpointMode, Mode, NodeFact, RestartPolicy, UpdateOrder, UpdatePolicy};
pub use health_check::{HealthCheck, Test};
pub use mount::{Mount, MountSource};
pub use network::{ExtraHost, HOST_GATEWAY, Namespace};
pub use port::{Exposed, Port, PortRange, Protocol};
pub use process::{Capability, Identity, Restart, SecurityOption, User};
pub use resources::{Amounts, Resources};
pub use service::Service;
pub use value::{Value, pairs, plain};
pub use written::{check_network, settle_network, settle_service};
