//! Flushers of several processes.

use std::sync::Arc;

use tests::deliveries::race;
use tests::postgres::Schema;
use workflow_engine::ports::{Outbox, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_15_flushers_of_three_processes_deliver_everything_once_and_in_order() {
    needs_postgres!("trap_15_flushers_of_three_processes_deliver_everything_once_and_in_order");
    let schema = Schema::new();
    let mut stores: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..3 {
        let store = schema.open().await;
        store.deliver_events(true);
        stores.push(Arc::new(store));
    }
    race(stores.clone()).await;
    for store in stores {
        store.close().await;
    }
}
