//! Hosts: what gives a kernel time and room. They stand on the kernel; nothing in it points back.

mod heartbeat;
mod liveness;
mod maintenance;
mod settings;
mod slots;
mod worker;

pub(crate) use settings::WorkerSettings;
pub(crate) use worker::Worker;
