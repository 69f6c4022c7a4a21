//! Signals between a test and the stage bodies of its runs.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use tokio::sync::Semaphore;
use workflow_engine::RunId;

type Signals = HashMap<(RunId, &'static str), Arc<Semaphore>>;

static SIGNALS: LazyLock<Mutex<Signals>> = LazyLock::new(Mutex::default);

fn signal(run: RunId, name: &'static str) -> Arc<Semaphore> {
    let mut signals = SIGNALS.lock().expect("the lock is not poisoned");
    Arc::clone(signals.entry((run, name)).or_insert_with(|| Arc::new(Semaphore::new(0))))
}

/// Sends a signal to one waiter, which may already wait or start to wait later.
pub fn give(run: RunId, name: &'static str) {
    signal(run, name).add_permits(1);
}

/// Waits for a signal and consumes it.
pub async fn wait(run: RunId, name: &'static str) {
    signal(run, name).acquire().await.expect("the semaphore is never closed").forget();
}
