//! Registries, and everything that can go wrong with one: each fault of `faults` has its own outcome, and nothing is ever stored or tagged
//! that does not match its digest.

mod answers;
mod authorities;
mod bases;
mod bodies;
mod bundle;
mod client;
mod command;
mod connection;
mod copy;
mod elsewhere;
mod faults;
mod http;
mod kept;
mod lock;
mod logins;
mod mounts;
mod named;
mod proxy;
mod pulls;
mod referrers;
mod server;
mod tags;
mod tls;
mod tokens;
mod wrong;
