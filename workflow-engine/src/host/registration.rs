//! Registers the worker in the store.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::liveness::worker_name;
use super::service::{Next, Service};
use super::settings::WorkerSettings;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::records::{Claimant, NewWorker};

/// Registers the worker once. A worker also runs without: then its number is missing in events, and lists of workers lack
/// it. So a process can start while another one writes for long, or with a role that may not write this table.
pub(super) struct Registration {
    worker: NewWorker,
    claimant: Arc<RegisteredClaimant>,
}

/// The claimant of a worker: with the worker's number, once it has one.
pub(super) struct RegisteredClaimant {
    unregistered: Claimant,
    registered: OnceLock<Claimant>,
    /// Cancelled when the worker has its number or will have none.
    pub(super) is_decided: CancellationToken,
}

impl RegisteredClaimant {
    pub(super) fn new(unregistered: Claimant) -> Self {
        Self { unregistered, registered: OnceLock::new(), is_decided: CancellationToken::new() }
    }

    pub(super) fn get(&self) -> &Claimant {
        self.registered.get().unwrap_or(&self.unregistered)
    }
}

impl Registration {
    pub(super) fn new(
        kernel: &Kernel,
        settings: &WorkerSettings,
        claimant: &Arc<RegisteredClaimant>,
    ) -> Self {
        let worker = NewWorker {
            id: settings.worker_id.clone(),
            host: host_name(),
            process: worker_name(),
            version: env!("CARGO_PKG_VERSION").into(),
            concurrency: u32::try_from(settings.concurrency).unwrap_or(u32::MAX),
            definitions: kernel.definitions(),
        };
        Self { worker, claimant: Arc::clone(claimant) }
    }
}

impl Service for Registration {
    fn name(&self) -> String {
        "register the worker".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        let claimant = &self.claimant;
        if claimant.is_decided.is_cancelled() {
            return Ok(Next::WhenWoken);
        }
        match kernel.store().register_worker(self.worker.clone()).await {
            Ok(number) => {
                let registered = Claimant { number: Some(number), ..claimant.unregistered.clone() };
                let _ = claimant.registered.set(registered);
            }
            Err(error) if error.is_retryable() => return Err(error),
            Err(error) => {
                let worker = &self.worker.id;
                tracing::warn!(worker, %error, "the worker cannot register; it runs, and lists of workers lack it");
            }
        }
        claimant.is_decided.cancel();
        Ok(Next::WhenWoken)
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        Next::At(kernel.clock().now() + pause)
    }
}

/// Returns the name of this machine; empty where it is unknown.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").or_else(|_| std::env::var("COMPUTERNAME")).ok());
    name.unwrap_or_default().trim().to_owned()
}
