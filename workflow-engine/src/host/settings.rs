//! How a worker works.

use std::time::Duration;

use super::liveness::worker_name;

/// The settings of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Its name in leases, records and logs. The default is unique, and lets another process of this machine see
    /// that this one is gone.
    pub worker_id: String,
    /// Bodies that run at the same time. Default 128: a body usually waits for something else than the processor, and
    /// where bodies are short most of the room is taken by what a commit is about to begin.
    pub concurrency: usize,
    /// How long a drain waits for bodies that run, before it stops them and hands their jobs back. Default 30 s.
    pub drain_timeout: Duration,
    /// How long nothing may have happened in a run before it is looked at whether it is stuck. Default 1 h.
    pub stuck_threshold: Duration,
    /// How long runs may wait whose definition nobody has. Default: for ever.
    pub unclaimed_limit: Option<Duration>,
    /// Runs that ended at least this long ago are deleted. Default never.
    pub retention: Option<Duration>,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            worker_id: worker_name(),
            concurrency: 128,
            drain_timeout: Duration::from_secs(30),
            stuck_threshold: Duration::from_secs(3_600),
            unclaimed_limit: None,
            retention: None,
        }
    }
}
