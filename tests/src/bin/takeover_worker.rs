//! A worker that runs jobs until it is killed: `takeover_worker <slots> <database> [<schema>]`.

use tests::takeover::{Database, held, paused};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let slots = arguments.next().ok_or("the number of slots")?.parse()?;
    let url = arguments.next().ok_or("the database")?;
    let database = Database { url, schema: arguments.next() };
    let engine = database.engine().concurrency(slots).build().await?;
    for run in tests::unfinished::unfinished::<held>(&engine).await? {
        run.output().await?;
    }
    for run in tests::unfinished::unfinished::<paused>(&engine).await? {
        run.output().await?;
    }
    engine.shutdown().await;
    Ok(())
}
