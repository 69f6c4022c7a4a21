//! A throwaway PostgreSQL: the one of the tests, whose crate would turn on the engine's points of failure here.

#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]

#[path = "../../tests/src/postgres/binaries.rs"]
mod binaries;
#[path = "../../tests/src/postgres/cluster.rs"]
mod cluster;

pub use cluster::Cluster;
