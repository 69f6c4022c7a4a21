//! Helpers that several tests share: stores with a virtual clock, workflows, injected faults and fake servers.

// A helper panics when the test has failed.
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate)]

pub mod world;
pub mod tables;
pub mod stored;
pub mod postgres;
pub mod events;
pub mod unfinished;
pub mod exact_count;
pub mod registered;
pub mod returned;
pub mod signal;
pub mod log_lines;
pub mod recorder;
pub mod diamond;
pub mod transfer;
pub mod takeover;
pub mod ticking;
pub mod kills;
pub mod execution_log;
pub mod decisions;
pub mod manual_claims;
pub mod deliveries;
pub mod deleted_jobs;
pub mod intercept;
pub mod dying;
pub mod sweep;
pub mod random;
pub mod chaos;
pub mod http;
pub mod provider_requests;
pub mod models;
pub mod audit_provider;
pub mod otlp;

#[cfg(doctest)]
mod markdown;
