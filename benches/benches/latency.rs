//! From `start` to the typed output of one diamond at a time, on an idle engine, SQLite on disk, `synchronous=FULL`:
//! `cargo bench -p benches --bench latency`.

// A benchmark measures the wall clock; that is its purpose.
#![allow(clippy::disallowed_methods)]
// Figures are rounded when they are shown.
#![allow(clippy::cast_precision_loss)]

use std::time::Instant;

use benches::{FirstInput, diamond, percentile};
use workflow_engine::stores::{SqliteOptions, SqliteStore};

const WARM_UP: u64 = 50;
const RUNS: u64 = 200;

#[tokio::main]
async fn main() -> Result<(), workflow_engine::Error> {
    let folder = tempfile::tempdir_in(".").expect("a folder beside the code, so on the same disk");
    let path = folder.path().join("latency.db");
    let store = std::sync::Arc::new(
        SqliteStore::open(path.to_str().expect("a text"), SqliteOptions::default()).await?,
    );
    let clock = std::sync::Arc::new(workflow_engine::ports::SystemClock);
    let engine =
        workflow_engine::EngineBuilder::over(store.clone(), clock).register::<diamond>().build().await?;

    for number in 0..WARM_UP {
        engine.start::<diamond>(FirstInput { number }).await?.output().await?;
    }
    let before = store.statistics();
    let mut samples = Vec::new();
    for number in 0..RUNS {
        let began = Instant::now();
        let output = engine.start::<diamond>(FirstInput { number }).await?.output().await?;
        samples.push(began.elapsed());
        assert_eq!(output, 2 * number + 3);
    }
    let after = store.statistics();
    samples.sort_unstable();

    println!("diamond of four trivial stages, one at a time, SQLite file, WAL, synchronous=FULL");
    println!("runs       {RUNS}");
    println!("median     {:.3} ms", percentile(&samples, 0.5).as_secs_f64() * 1e3);
    println!("p99        {:.3} ms", percentile(&samples, 0.99).as_secs_f64() * 1e3);
    println!("commits    {:.2} per run", (after.transactions - before.transactions) as f64 / RUNS as f64);
    println!("statements {:.2} per run", (after.statements - before.statements) as f64 / RUNS as f64);
    engine.shutdown().await;
    Ok(())
}
