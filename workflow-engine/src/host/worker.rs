//! The worker: claims ready work and runs it, up to its concurrency.
//!
//! It does not poll. It claims after a hint, when a slot becomes free, and at the instant at which the store has
//! something due.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::ending::{self, ShutdownReport};
use super::heartbeat::Heartbeat;
use super::settings::WorkerSettings;
use super::thread::HostThread;
use super::worker_shared::WorkerShared;
use crate::error::Error;
use crate::kernel::{Kernel, Placement};
use crate::ports::Store;
use crate::telemetry::SlotMeasurements;

/// How long the start of an engine waits for the registration of its worker.
const REGISTRATION: Duration = Duration::from_millis(250);

/// A worker in this process.
pub(crate) struct Worker {
    shared: Arc<WorkerShared>,
    heartbeat: Heartbeat,
    /// The report of the drain, once one has begun.
    drained: Mutex<Option<watch::Receiver<Option<ShutdownReport>>>>,
}

impl Worker {
    /// Starts a worker on the current tokio runtime.
    pub(crate) fn start(kernel: &Arc<Kernel>, settings: WorkerSettings) -> Result<Self, Error> {
        let runtime = Handle::try_current().map_err(Error::no_runtime)?;
        let heartbeat = Heartbeat::start(Arc::clone(kernel))?;
        let host_runtime = heartbeat.thread().runtime().clone();
        let shared = WorkerShared::new(kernel, settings, host_runtime, runtime.clone());
        let placement: Weak<dyn Placement> = Arc::<WorkerShared>::downgrade(&shared);
        kernel.set_placement(placement);
        shared.start_loops(&runtime);
        Ok(Self { shared, heartbeat, drained: Mutex::default() })
    }

    /// Waits until the worker is registered, but not for long: another process may be writing.
    pub(crate) async fn registered(&self) {
        tokio::select! {
            biased;
            () = self.shared.claimant.is_decided.cancelled() => {}
            () = ending::real_time(REGISTRATION) => {}
        }
    }

    /// Drains: claims nothing more, lets bodies finish, and returns the jobs of those that do not finish in time to the
    /// queue. It runs on the worker's own thread, so it ends although the caller stops waiting, or is one of the bodies.
    pub(crate) async fn drain(&self) -> ShutdownReport {
        let mut drained = {
            let mut drained = self.drained.lock().unwrap_or_else(PoisonError::into_inner);
            drained.get_or_insert_with(|| self.begin_drain()).clone()
        };
        match drained.wait_for(Option::is_some).await {
            Ok(report) => report.clone().unwrap_or_default(),
            // The task has panicked.
            Err(_) => ShutdownReport::default(),
        }
    }

    fn begin_drain(&self) -> watch::Receiver<Option<ShutdownReport>> {
        // At once: a caller that drops its future after the first poll has stopped the claims.
        self.shared.stop_claiming();
        let (sender, receiver) = watch::channel(None);
        let (shared, heartbeat) = (Arc::clone(&self.shared), self.heartbeat.stop().clone());
        let began = shared.kernel.clock().now();
        self.thread().spawn(async move {
            let report = ending::drain(&shared, began + shared.settings.drain_timeout, &heartbeat).await;
            sender.send_replace(Some(report));
        });
        receiver
    }

    /// Returns how long a drain waits for bodies.
    pub(crate) fn drain_timeout(&self) -> Duration {
        self.shared.settings.drain_timeout
    }

    /// Returns how many slots are busy and free.
    pub(crate) fn slots(&self) -> SlotMeasurements {
        self.shared.slots()
    }

    /// Returns the worker's own thread.
    pub(crate) const fn thread(&self) -> &HostThread {
        self.heartbeat.thread()
    }

    /// Ends a worker whose engine was dropped, on the worker's own thread, then closes the store if the engine has opened
    /// it.
    pub(crate) fn abandon(&self, store: Option<Arc<dyn Store>>) {
        let shared = Arc::clone(&self.shared);
        self.thread().spawn(async move {
            ending::abandon(&shared).await;
            if let Some(store) = store {
                store.close().await;
            }
        });
    }

    /// Moves the worker to the current runtime if its own was shut down. Returns `false` where there is none.
    pub(crate) fn ensure_runtime(&self) -> bool {
        !self.shared.has_lost_runtime()
            || Handle::try_current().is_ok_and(|runtime| self.shared.move_to(runtime))
    }

    /// Waits until the worker's runtime is shut down.
    pub(crate) async fn runtime_lost(&self) {
        self.shared.runtime_lost().await;
    }
}
