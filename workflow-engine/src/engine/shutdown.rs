//! The end of an engine: a shutdown, the drop of its last handle, or the loss of its runtime.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{Engine, Inner};
use crate::error::{Error, ErrorCode};
use crate::host::{ShutdownReport, elapsed};
use crate::ports::RunWatch;

/// How long a shutdown waits for the store to close. A store that does not respond closes later.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(150);

impl Engine {
    /// Drains the worker: it claims nothing more, waits for running stage bodies up to the drain timeout, and returns the jobs
    /// of the others to the queue. It ends within the drain timeout plus one second, even if the store does not respond or a
    /// body blocks, and reports what it leaves. The store stays open.
    ///
    /// A drain that has begun goes to its end although the caller stops waiting.
    pub async fn drain(&self) -> ShutdownReport {
        match self.worker() {
            Some(worker) => worker.drain().await,
            None => ShutdownReport::default(),
        }
    }

    /// Drains the worker and closes the store. Handles that still wait return `SHUTTING_DOWN`, and so do later calls. It ends
    /// within the drain timeout plus one second, even if the store does not respond or a body blocks, and reports what it leaves:
    /// jobs that another worker takes over when their leases have expired, and bodies in code without an `.await`, which keep
    /// the process from ending by itself.
    ///
    /// A shutdown that has begun goes to its end although the caller stops waiting, or is a stage of this engine, which is then
    /// stopped like the others.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").build().await?;
    /// let report = engine.shutdown().await;
    /// assert!(report.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self) -> ShutdownReport {
        let inner = &self.inner;
        if inner.worker.is_none() {
            return inner.kernel.detach(inner.end(), |_, _| {}).await;
        }
        let mut ended = {
            let mut shutdown = inner.shutdown.lock().unwrap_or_else(PoisonError::into_inner);
            shutdown.get_or_insert_with(|| inner.begin_shutdown()).clone()
        };
        match ended.wait_for(Option::is_some).await {
            Ok(report) => report.clone().unwrap_or_default(),
            // The task has panicked.
            Err(_) => ShutdownReport::default(),
        }
    }

    /// Moves the worker to the current runtime if its own was shut down. Returns `false` where there is none.
    pub(super) fn ensure_runtime(&self) -> bool {
        self.worker().is_none_or(|worker| worker.ensure_runtime())
    }

    /// The error for a waiting reader: if the store was closed during its call, that is a shutdown and not a failure.
    pub(super) fn unless_closed(&self, error: Error) -> Error {
        if self.inner.closed.is_cancelled() { Error::shutting_down() } else { error }
    }

    /// The error of a command: if the store is closed, that is a shutdown and not a failure.
    pub(super) fn unless_store_closed(&self, error: Error) -> Error {
        if error.code() == ErrorCode::StoreUnavailable { self.unless_closed(error) } else { error }
    }

    /// Waits for a change of a run.
    ///
    /// # Errors
    /// `SHUTTING_DOWN` if the engine shuts down first; `RUNTIME_GONE` if the worker's runtime is shut down and the caller is
    /// on no other.
    pub(super) async fn changed(&self, watch: &mut RunWatch) -> Result<(), Error> {
        self.until_closed(watch.changed()).await
    }

    /// Waits for a future, or for the engine to shut down.
    ///
    /// # Errors
    /// As [`Engine::changed`].
    pub(super) async fn until_closed<T>(&self, what: impl Future<Output = T>) -> Result<T, Error> {
        tokio::pin!(what);
        loop {
            if !self.ensure_runtime() {
                return Err(Error::runtime_gone());
            }
            let runtime_lost = async {
                match self.worker() {
                    Some(worker) => worker.runtime_lost().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                output = &mut what => return Ok(output),
                () = self.inner.closed.cancelled() => return Err(Error::shutting_down()),
                () = runtime_lost => {}
            }
        }
    }
}

impl Inner {
    /// Begins the shutdown on the worker's own thread.
    fn begin_shutdown(&self) -> watch::Receiver<Option<ShutdownReport>> {
        let (sender, receiver) = watch::channel(None);
        let end = self.end();
        if let Some(worker) = &self.worker {
            worker.thread().spawn(async move {
                let report = end.await;
                sender.send_replace(Some(report));
            });
        }
        receiver
    }

    fn end(&self) -> impl Future<Output = ShutdownReport> + Send + use<> {
        let (kernel, worker) = (Arc::clone(&self.kernel), self.worker.clone());
        let (closed, stopped) = (self.closed.clone(), self.stopped.clone());
        async move {
            let mut report = match worker {
                Some(worker) => worker.drain().await,
                None => ShutdownReport::default(),
            };
            closed.cancel();
            let store = Arc::clone(kernel.store());
            // It continues in the background where the store does not respond.
            let closing = kernel.detach(async move { store.close().await }, |_, ()| {});
            tokio::select! {
                biased;
                () = closing => {}
                () = elapsed(kernel.clock(), CLOSE_TIMEOUT) => report.is_store_open = true,
            }
            if !report.is_clean() {
                tracing::warn!(?report, "the engine has shut down and left something behind");
            }
            stopped.cancel();
            report
        }
    }
}

impl Drop for Inner {
    /// Ends the engine with its last handle.
    fn drop(&mut self) {
        self.closed.cancel();
        if let Some(worker) = &self.worker {
            worker.abandon(self.owns_store.then(|| Arc::clone(self.kernel.store())));
        }
        self.stopped.cancel();
    }
}
