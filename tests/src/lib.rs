//! What several tests share: stores with a clock of the test's own, workflows, and a ledger that outlives a killed
//! process.

// A test's helper panics where the test has failed.
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]

pub mod world;
pub mod intercept;
pub mod sweep;
pub mod postgres;
pub mod decisions;
pub mod hands;
pub mod lost_jobs;
pub mod deliveries;
pub mod recorder;
pub mod events;
pub mod signal;
pub mod diamond;
pub mod ledger;
pub mod random;
pub mod chaos;
pub mod tables;
pub mod transfer;
pub mod http;
pub mod asking;
pub mod models;
pub mod dying;
pub mod far;
#[cfg(doctest)]
mod markdown;
