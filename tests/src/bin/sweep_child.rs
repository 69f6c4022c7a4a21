//! A process of the crash sweep: `sweep_child <order>`. It brings one run to its end, unless something happens at the
//! point that its order names, and says what it has reached.

use std::sync::Arc;

use tests::intercept::Intercepted;
use tests::sweep::points;
use tests::sweep::ports::StorePoints;
use tests::sweep::run::Order;
use workflow_engine::Error;

/// More errors than this in a row are no single failure.
const TRIES: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let order = std::env::args().nth(1).unwrap_or_default();
    let order: Order = serde_json::from_str(&order).expect("the parent writes it");
    let store = order.open().await?;
    points::watch(order.armed.clone());
    let store = Arc::new(Intercepted::new(store, Arc::new(StorePoints::default())));
    let engine = order.engine(store).await?;
    let mut tries = 0;
    while let Err(error) = order.run(&engine).await {
        tries += 1;
        if !error.is_retryable() || tries == TRIES {
            return Err(error);
        }
    }
    engine.shutdown().await;
    points::say(&serde_json::to_string(&points::counts()).expect("names and numbers"));
    Ok(())
}
