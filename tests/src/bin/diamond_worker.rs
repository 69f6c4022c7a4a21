//! A process that works on a database until no diamond is left unfinished: `diamond_worker <database>`.

use std::time::Duration;

use tests::diamond::diamond;
use workflow_engine::prelude::*;

#[tokio::main]
async fn main() -> Result<(), workflow_engine::Error> {
    let database = std::env::args().nth(1).unwrap_or_default();
    let engine = Engine::builder(&database)
        .register::<diamond>()
        .concurrency(4)
        // A killed process of this machine is seen to be gone; the lease is for the ones that are not.
        .lease(Duration::from_secs(2))
        .build()
        .await?;
    for run in engine.unfinished::<diamond>().await? {
        run.output().await?;
    }
    engine.shutdown().await;
    Ok(())
}
