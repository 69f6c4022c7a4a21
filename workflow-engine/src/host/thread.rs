//! A host's own thread, with a runtime of its own.
//!
//! Bodies share the caller's runtime. A body that computes without an `.await` starves it, and the program may shut it
//! down at any time. What must happen nevertheless happens here: the heartbeat, the work of callers that have stopped
//! waiting, the return of jobs to the queue, and the end of the host.

use std::io;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::kernel::{Background, Kernel};

/// The thread of a host. When this is dropped, the thread ends after the last of its tasks.
pub(crate) struct HostThread {
    background: Background,
    stop: CancellationToken,
}

impl HostThread {
    /// Starts the thread, and lets the kernel continue work there.
    pub(super) fn start(kernel: &Arc<Kernel>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let background = Background { runtime: runtime.handle().clone(), tasks: tasks.clone() };
        let stopped = stop.clone();
        let serve = async move {
            stopped.cancelled().await;
            tasks.close();
            tasks.wait().await;
        };
        std::thread::Builder::new()
            .name("workflow-engine-host".into())
            .spawn(move || runtime.block_on(serve))?;
        kernel.set_background(background.clone());
        Ok(Self { background, stop })
    }

    /// Returns the runtime of the thread, which has I/O enabled. It ends with the thread.
    pub(crate) const fn runtime(&self) -> &Handle {
        &self.background.runtime
    }

    /// Runs a task on the thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.background.tasks.spawn_on(task, &self.background.runtime));
    }
}

impl Drop for HostThread {
    fn drop(&mut self) {
        // Not joined: a drop must not block an async caller.
        self.stop.cancel();
    }
}
