//! A process that works on a database until every diamond has finished: `diamond_worker <database>`.

use std::time::Duration;

use tests::diamond::diamond;
use workflow_engine::prelude::*;

#[tokio::main]
async fn main() -> Result<(), workflow_engine::Error> {
    let database = std::env::args().nth(1).unwrap_or_default();
    let engine = Engine::builder(&database)
        .register::<diamond>()
        .concurrency(4)
        // The engine detects killed processes of the same machine; the lease covers the others.
        .lease(Duration::from_secs(2))
        .build()
        .await?;
    for run in tests::unfinished::unfinished::<diamond>(&engine).await? {
        run.output().await?;
    }
    engine.shutdown().await;
    Ok(())
}
