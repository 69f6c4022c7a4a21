//! A process of the crash sweep: `sweep_child <config>`. It completes one run, unless a fault happens at the point that
//! its configuration names, and prints the points that it has reached.

use std::sync::Arc;

use tests::intercept::Intercepted;
use tests::sweep::points;
use tests::sweep::ports::StorePoints;
use tests::sweep::run::ChildConfig;
use workflow_engine::Error;

/// The number of errors in a row that is more than a single failure.
const MAX_ERRORS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = std::env::args().nth(1).unwrap_or_default();
    let config: ChildConfig =
        serde_json::from_str(&config).expect("the parent process passes a valid configuration");
    let store = config.open().await?;
    points::watch(config.armed.clone());
    let store = Arc::new(Intercepted::new(store, Arc::new(StorePoints::default())));
    let engine = config.engine(store).await?;
    let mut errors = 0;
    while let Err(error) = config.run(&engine).await {
        errors += 1;
        if !error.is_retryable() || errors == MAX_ERRORS {
            return Err(error);
        }
    }
    engine.shutdown().await;
    points::send(&serde_json::to_string(&points::counts()).expect("names and numbers are serializable"));
    Ok(())
}
