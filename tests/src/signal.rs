//! Signals between a test and the bodies of its run.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use tokio::sync::Semaphore;
use workflow_engine::RunId;

type Signals = HashMap<(RunId, &'static str), Arc<Semaphore>>;

static SIGNALS: LazyLock<Mutex<Signals>> = LazyLock::new(Mutex::default);

fn signal(run: RunId, name: &'static str) -> Arc<Semaphore> {
    let mut signals = SIGNALS.lock().expect("no panic under this lock");
    Arc::clone(signals.entry((run, name)).or_insert_with(|| Arc::new(Semaphore::new(0))))
}

/// Gives a signal once, to one waiter, now or later.
pub fn give(run: RunId, name: &'static str) {
    signal(run, name).add_permits(1);
}

/// Waits for a signal and takes it.
pub async fn wait(run: RunId, name: &'static str) {
    signal(run, name).acquire().await.expect("never closed").forget();
}
