//! Detects whether a worker process of this machine has ended.
//!
//! A killed worker leaves its leases behind, and no other worker may take their jobs before they expire. But on the same
//! machine a worker can check whether the process still exists: if it has certainly ended, its leases are void at once.
//! Only a proof counts. A process that cannot be read, for example because `hidepid` hides it, is unknown: its leases run
//! until they expire, as do those of workers on other machines and of workers with a name that the user chose.

mod local_worker;
mod process;
mod report;
#[cfg(target_os = "linux")]
mod linux;
mod death_watch;

pub(super) use death_watch::DeathWatch;
pub(super) use local_worker::worker_name;
pub(crate) use local_worker::{Liveness, liveness};
