//! Hosts: they give a kernel time and slots. Hosts depend on the kernel; the kernel does not depend on them.

mod worker;
mod worker_shared;
mod settings;
mod slot_pool;
mod successor_slots;
mod bodies;
mod preemption;
mod recently_served;
pub(crate) mod thread;
mod heartbeat;
mod ending;
mod service;
mod backoff;
mod stale_leases;
mod clock_jumps;
mod registration;
mod enqueued_runs;
mod stuck_runs;
mod timers;
mod unclaimed_runs;
mod retention;
mod cost_roll_up;
mod flusher;
mod liveness;
pub mod serverless;

pub(crate) use ending::elapsed;
pub use ending::{LeftJob, ShutdownReport};
pub(crate) use liveness::{Liveness, liveness};
pub(crate) use settings::WorkerSettings;
pub(crate) use worker::Worker;
