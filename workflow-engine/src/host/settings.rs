//! How a worker works.

use std::time::Duration;

use uuid::Uuid;

/// The settings of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Its name in leases, records and logs. Default: the process id and a random part, so that no two workers share
    /// one.
    pub worker_id: String,
    /// Bodies that run at the same time. Default 64: a body usually waits for something else than the processor.
    pub concurrency: usize,
    /// How long a drain waits for bodies that run, before it stops them and hands their jobs back. Default 30 s.
    pub drain_timeout: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        let unique = Uuid::now_v7().simple().to_string();
        Self {
            worker_id: format!("worker-{}-{}", std::process::id(), &unique[20..]),
            concurrency: 64,
            drain_timeout: Duration::from_secs(30),
        }
    }
}
