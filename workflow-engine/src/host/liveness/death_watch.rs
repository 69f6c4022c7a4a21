//! Waits for the end of worker processes of this machine, without polling.

use std::collections::{HashMap, HashSet};

use futures_util::future::{pending, select_all};
use tokio::runtime::Handle;

use super::local_worker::{local_process, this_process};
use super::process::Process;

/// The processes of other workers that are watched, and those that have ended.
///
/// A watched process stays watched until it ends, also while it holds no lease: its next lease may begin at any time.
pub(in crate::host) struct DeathWatch {
    /// The runtime that receives the notifications of the operating system. That of the caller may have none.
    runtime: Handle,
    own: Option<Process>,
    watched: HashMap<Process, Descriptor>,
    /// Processes that ended while they were watched. `/proc` may hide the proof.
    ended: HashSet<Process>,
}

impl DeathWatch {
    /// Watches no process yet. `runtime` must have enabled I/O.
    pub(in crate::host) fn new(runtime: Handle) -> Self {
        Self { runtime, own: this_process(), watched: HashMap::new(), ended: HashSet::new() }
    }

    /// Returns those of these workers whose process has certainly ended, and watches the processes of the others.
    pub(in crate::host) fn observe(&mut self, workers: Vec<String>) -> Vec<String> {
        let processes: Vec<_> = workers.iter().map(|worker| local_process(worker)).collect();
        // A process that has ended and holds no lease any more needs no memory.
        self.ended.retain(|process| processes.contains(&Some(process.clone())));
        let workers = workers.into_iter().zip(processes);
        workers
            .filter(|(_, process)| process.as_ref().is_some_and(|it| self.has_ended(it)))
            .map(|(it, _)| it)
            .collect()
    }

    fn has_ended(&mut self, process: &Process) -> bool {
        if self.own.as_ref() == Some(process) {
            return false;
        }
        if self.ended.contains(process) {
            return true;
        }
        // Watched before the report, so that an end between the two is noticed.
        if !self.watched.contains_key(process)
            && let Some(descriptor) = Descriptor::open(process.pid, &self.runtime)
        {
            self.watched.insert(process.clone(), descriptor);
        }
        let has_ended = process.has_ended(&process.report());
        if has_ended {
            self.watched.remove(process);
        }
        has_ended
    }

    /// Waits until a watched process has ended.
    pub(in crate::host) async fn ended(&mut self) {
        if self.watched.is_empty() {
            return pending().await;
        }
        let ends = self.watched.iter().map(|(process, descriptor)| {
            Box::pin(async move {
                descriptor.ended().await;
                process.clone()
            })
        });
        let (process, ..) = select_all(ends).await;
        // A proof even if the process id was used again before it was watched: the worker's process has ended then, too.
        self.watched.remove(&process);
        self.ended.insert(process);
    }
}

#[cfg(target_os = "linux")]
use descriptor::Descriptor;
#[cfg(not(target_os = "linux"))]
use unsupported::Descriptor;

#[cfg(target_os = "linux")]
mod descriptor {
    use std::future::pending;
    use std::os::fd::OwnedFd;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::runtime::Handle;

    use crate::host::liveness::linux;

    /// A process descriptor, which becomes readable when the process ends.
    pub(super) struct Descriptor(AsyncFd<OwnedFd>);

    impl Descriptor {
        /// Returns `None` where the operating system refuses: the leases decide then.
        #[allow(
            deprecated,
            reason = "unsound only for types whose descriptor changes, and its successor is `unsafe`"
        )]
        pub(super) fn open(pid: i32, runtime: &Handle) -> Option<Self> {
            let descriptor = linux::open(pid).ok()?;
            let _entered = runtime.enter();
            AsyncFd::with_interest(descriptor, Interest::READABLE).ok().map(Self)
        }

        pub(super) async fn ended(&self) {
            if self.0.readable().await.is_err() {
                // The runtime has ended, and with it the worker.
                pending::<()>().await;
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod unsupported {
    use tokio::runtime::Handle;

    /// Cannot exist.
    pub(super) enum Descriptor {}

    impl Descriptor {
        pub(super) const fn open(_: i32, _: &Handle) -> Option<Self> {
            None
        }

        pub(super) async fn ended(&self) {
            match *self {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
#[path = "death_watch_tests.rs"]
mod tests;
