//! Signals from a test to the fake server.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A signal that a scripted response waits for.
#[derive(Clone)]
pub struct Signal(Arc<Semaphore>);

impl Default for Signal {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Signal {
    /// Releases one waiter, which may already wait or start to wait later.
    pub fn give(&self) {
        self.0.add_permits(1);
    }

    pub(super) async fn wait(&self) {
        self.0.acquire().await.expect("the semaphore is never closed").forget();
    }
}
