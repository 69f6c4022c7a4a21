//! A process that executes all unfinished summaries and exports its spans: `traced_worker <database> <collector>`.

use tests::models::{client, usage};
use tests::otlp::{Summary, export_spans};
use workflow_engine::ai::ScriptedProvider;
use workflow_engine::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, database, collector] = &arguments[..] else { return Err("two arguments, please".into()) };
    let provider = export_spans(collector);
    let script = ScriptedProvider::new("test").text("Short.", usage(3, 5));
    let engine = Engine::builder(database).register::<Summary>().ai(client(&script).build()?).build().await?;
    for run in tests::unfinished::unfinished::<Summary>(&engine).await? {
        run.output().await?;
    }
    engine.shutdown().await;
    tokio::task::spawn_blocking(move || provider.shutdown()).await??;
    Ok(())
}
