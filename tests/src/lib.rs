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
pub mod provider_requests;
pub mod models;
pub mod dying;
pub mod audit_provider;

/// Every snippet of the Markdown files compiles, and runs.
#[cfg(doctest)]
mod markdown {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../ARCHITECTURE.md")]
    struct Architecture;
    #[doc = include_str!("../../STYLE.md")]
    struct Style;
}
