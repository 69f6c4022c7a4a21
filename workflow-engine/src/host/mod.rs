//! Hosts: what gives a kernel time and room. They stand on the kernel; nothing in it points back.

mod settings;
mod worker;
mod claiming;
mod slots;
mod giving_way;
mod heartbeat;
mod maintenance;
mod standstill;
mod flusher;
mod retention;
mod liveness;
pub mod serverless;

pub(crate) use settings::WorkerSettings;
pub(crate) use worker::Worker;
