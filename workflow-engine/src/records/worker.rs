//! A worker, as the store knows it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A worker that has registered in the store. It writes the record when it starts, and its end when it drains; between
/// them it writes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct WorkerRecord {
    /// The number: 1, and one more with each worker that starts. `stage:started` events carry it.
    pub number: u32,
    /// The worker's id, which leases carry.
    pub id: String,
    /// The name of its machine; empty where the operating system does not tell it.
    pub host: String,
    /// The process, for a check on the same machine whether it still runs. Opaque.
    pub process: String,
    /// The version of the engine.
    pub version: String,
    /// The most bodies that it runs at the same time.
    pub concurrency: u32,
    /// The fingerprints of the definitions that it can execute.
    pub definitions: Vec<String>,
    /// The instant at which it registered.
    pub started_at: DateTime<Utc>,
    /// The instant at which it drained; `None` while it runs, and if its process was killed.
    pub drained_at: Option<DateTime<Utc>>,
}

impl WorkerRecord {
    /// Creates the record of a worker that runs.
    #[must_use]
    pub fn new(number: u32, worker: NewWorker, started_at: DateTime<Utc>) -> Self {
        let NewWorker { id, host, process, version, concurrency, definitions } = worker;
        Self { number, id, host, process, version, concurrency, definitions, started_at, drained_at: None }
    }
}

/// A worker before it has its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWorker {
    /// The worker's id.
    pub id: String,
    /// The name of its machine.
    pub host: String,
    /// The process.
    pub process: String,
    /// The version of the engine.
    pub version: String,
    /// The most bodies that it runs at the same time.
    pub concurrency: u32,
    /// The fingerprints of the definitions that it can execute.
    pub definitions: Vec<String>,
}

/// The leases of one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct WorkerLeases {
    /// The worker's id.
    pub worker_id: String,
    /// Their number.
    pub leases: u64,
    /// The end of the one that ends last.
    pub leased_until: DateTime<Utc>,
}

impl WorkerLeases {
    /// Creates the leases of a worker.
    #[must_use]
    pub const fn new(worker_id: String, leases: u64, leased_until: DateTime<Utc>) -> Self {
        Self { worker_id, leases, leased_until }
    }
}
