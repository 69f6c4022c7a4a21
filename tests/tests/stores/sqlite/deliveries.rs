//! Flushers of several processes on one file.

use std::sync::Arc;

use tests::deliveries::race;
use workflow_engine::ports::Store;

use super::fixture::Directory;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_15_flushers_of_two_processes_deliver_everything_once_and_in_order() {
    let directory = Directory::new();
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..2 {
        let store = directory.open().await;
        tests::deliveries::subscribe(&store).await;
        stores.push(Arc::new(store));
    }
    race(stores.clone()).await;
    for store in stores {
        store.close().await;
    }
}
