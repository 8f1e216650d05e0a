//! The bootstrap image on a real engine, as an operator uses it.
//!
//! `cargo xtask e2e` makes what these tests need and runs them. Elsewhere they are skipped, and say so; with `BOOTSMITH_E2E=1` a
//! missing engine, base or registry is a failure.

mod changes;
mod clients;
mod compose_v1;
mod drift;
mod engine;
mod faults;
mod first;
mod handbook;
mod interchange;
mod kills;
mod lifecycle;
mod lock;
mod names;
mod nodes;
mod objects;
mod own_engine;
mod own_registry;
mod product;
mod read_only;
mod registry;
mod restarts;
mod round_trips;
mod said;
mod shop;
mod tcp;
mod two_nodes;
mod update;
mod walks;

pub(crate) use engine::surroundings_on;
