//! Hosts: what gives a kernel time and room. They stand on the kernel; nothing in it points back.

mod settings;
mod worker;
mod recently_served;
mod slot_pool;
mod preemption;
mod heartbeat;
mod maintenance;
mod stuck_runs;
mod flusher;
mod retention;
mod liveness;
pub mod serverless;

pub(crate) use settings::WorkerSettings;
pub(crate) use worker::Worker;
