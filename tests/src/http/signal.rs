//! From a test to the server.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// What a scripted answer waits for.
#[derive(Clone)]
pub struct Signal(Arc<Semaphore>);

impl Default for Signal {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Signal {
    /// Lets one who waits go on, now or later.
    pub fn give(&self) {
        self.0.add_permits(1);
    }

    pub(super) async fn wait(&self) {
        self.0.acquire().await.expect("never closed").forget();
    }
}
