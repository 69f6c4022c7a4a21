//! Work that continues when its caller has stopped waiting.
//!
//! A caller may drop a future at any `.await`: a timeout, an HTTP client that disconnects, a runtime that shuts down. The
//! store commits a request that it has received nevertheless. So everything that follows a commit in memory is part of a
//! [`Detached`] future: while its caller waits, it runs in the caller's task and costs no task switch; when the caller
//! drops it, it continues in the background.

use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::Kernel;
use crate::error::Error;
use crate::ports::{Commit, Decision};

/// A runtime of a host, on which work continues. The host ends it after the last of these tasks.
#[derive(Clone, Debug)]
pub(crate) struct Background {
    pub(crate) runtime: Handle,
    pub(crate) tasks: TaskTracker,
}

/// A future that runs to its end although its caller drops it, from its first poll on.
pub(crate) struct Detached<T: Send + 'static> {
    kernel: Option<Arc<Kernel>>,
    work: Option<BoxFuture<'static, T>>,
    is_started: bool,
    abandoned: fn(&Kernel, T),
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        this.is_started = true;
        // Taken out, so that work that panics is not continued.
        let Some(mut work) = this.work.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            this.work = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        if !self.is_started {
            return;
        }
        let (Some(work), Some(kernel)) = (self.work.take(), self.kernel.take()) else { return };
        let abandoned = self.abandoned;
        let continued = Arc::clone(&kernel);
        kernel.spawn(async move { abandoned(&continued, work.await) });
    }
}

impl Kernel {
    /// Runs `work`. If the caller drops the returned future after its first poll, the work continues in the background,
    /// and `abandoned` receives its output.
    pub(crate) fn detach<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
        abandoned: fn(&Self, T),
    ) -> Detached<T> {
        Detached { kernel: Some(self.shared()), work: Some(Box::pin(work)), is_started: false, abandoned }
    }

    /// Commits a decision. If the caller stops waiting, the jobs that the commit claims return to the queue.
    pub(super) fn commit(&self, decision: impl Into<Arc<Decision>>) -> Detached<Result<Commit, Error>> {
        let (kernel, decision) = (self.shared(), decision.into());
        self.detach(async move { kernel.commit_measured(decision).await }, |kernel, commit| {
            if let Ok(Commit::Applied(applied)) = commit {
                kernel.return_jobs(applied.claimed);
            }
        })
    }

    /// Runs work in the background: on the runtime of the host if there is one, otherwise on the current runtime. Without
    /// either, nothing can run, and the store is left as after a crash.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let host = self.background.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(host) = host.filter(|host| !host.tasks.is_closed()) {
            drop(host.tasks.spawn_on(work, &host.runtime));
        } else if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(work));
        }
    }

    /// Registers the runtime of a host, on which work continues. The latest one counts.
    pub(crate) fn set_background(&self, host: Background) {
        *self.background.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
    }
}
