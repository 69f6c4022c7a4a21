//! The tests' temporary PostgreSQL server. Included by path, because the tests' crate would enable the engine's injected
//! failures here.

#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]

#[path = "../../tests/src/postgres/binaries.rs"]
mod binaries;
#[path = "../../tests/src/postgres/cluster.rs"]
mod cluster;

pub use cluster::Cluster;
