//! Hosts: they give a kernel time and slots. Hosts depend on the kernel; the kernel does not depend on them.

mod worker;
mod settings;
mod slot_pool;
mod preemption;
mod recently_served;
mod heartbeat;
mod service;
mod backoff;
mod stale_leases;
mod stuck_runs;
mod retention;
mod flusher;
mod liveness;
pub mod serverless;

pub(crate) use settings::WorkerSettings;
pub(crate) use worker::Worker;
