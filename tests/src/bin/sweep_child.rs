//! A process of the crash sweep: `sweep_child <order>`. It brings one run to its end, unless something happens at the
//! point that its order names, and says what it has reached.

use std::sync::Arc;

use tests::intercept::Intercepted;
use tests::sweep::points;
use tests::sweep::ports::StorePoints;
use tests::sweep::run::ChildConfig;
use workflow_engine::Error;

/// More errors than this in a row are no single failure.
const TRIES: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = std::env::args().nth(1).unwrap_or_default();
    let config: ChildConfig = serde_json::from_str(&config).expect("the parent writes it");
    let store = config.open().await?;
    points::watch(config.armed.clone());
    let store = Arc::new(Intercepted::new(store, Arc::new(StorePoints::default())));
    let engine = config.engine(store).await?;
    let mut tries = 0;
    while let Err(error) = config.run(&engine).await {
        tries += 1;
        if !error.is_retryable() || tries == TRIES {
            return Err(error);
        }
    }
    engine.shutdown().await;
    points::send(&serde_json::to_string(&points::counts()).expect("names and numbers"));
    Ok(())
}
