//! The stand-in of an API server, held against the real kubectl: what is right here may be relied on by the tests of the driver.

mod apply;
mod objects;
mod session;
mod workloads;
