//! W4, runs of 10, 100 and 1,000 stages, one at a time: `speed-stages w4-stages-N STORE` prints a line as `speed measure`
//! does, which calls this program if it is built. The cost of a stage must not depend on the number of stages.

use std::sync::Arc;
use std::time::Instant;

use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

macro_rules! generated {
    ($name:ident, $file:literal) => {
        mod $name {
            include!(concat!(env!("OUT_DIR"), "/", $file));
        }
    };
}

generated!(ten, "stages_10.rs");
generated!(hundred, "stages_100.rs");
generated!(thousand, "stages_1000.rs");

fn variable(name: &str) -> Outcome<String> {
    Ok(std::env::var(name).map_err(|_| format!("set {name} to the location of the store"))?)
}

async fn open(store: &str) -> Outcome<Arc<dyn Store>> {
    Ok(match store {
        "sqlite" => Arc::new(SqliteStore::open(&variable("BENCH_SQLITE")?).await?),
        _ => Arc::new(PostgresStore::open(&variable("DATABASE_URL")?).await?),
    })
}

/// Returns the milliseconds per stage of each of `runs` runs.
async fn measure<W: Workflow>(
    store: Arc<dyn Store>,
    input: impl Fn() -> W::Input,
    runs: usize,
) -> Outcome<Vec<f64>> {
    let stages = W::definition().stages.len() as f64;
    let engine = EngineBuilder::with_store(store, Arc::new(SystemClock)).register::<W>().build().await?;
    let mut samples = Vec::new();
    for run in 0..=runs {
        let began = Instant::now();
        engine.start::<W>(input()).await?.output().await?;
        // The first run prepares the statements.
        if run > 0 {
            samples.push(began.elapsed().as_secs_f64() * 1e3 / stages);
        }
    }
    engine.shutdown().await;
    samples.sort_by(f64::total_cmp);
    Ok(samples)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [work, store] = given.as_slice() else { return Err("usage: speed-stages w4-stages-N STORE".into()) };
    let opened = open(store).await?;
    let (stages, samples) = match work.as_str() {
        "w4-stages-10" => (10, measure::<ten::whole>(opened, || ten::S0Input { n0: 1 }, 50).await?),
        "w4-stages-100" => (100, measure::<hundred::whole>(opened, || hundred::S0Input { n0: 1 }, 10).await?),
        "w4-stages-1000" => {
            (1_000, measure::<thousand::whole>(opened, || thousand::S0Input { n0: 1 }, 3).await?)
        }
        _ => return Err(format!("there is no work `{work}`").into()),
    };
    let line = serde_json::json!({
        "who": "engine",
        "work": work,
        "store": store,
        "note": "groups of ten, one run at a time",
        "stages": stages,
        "ms_per_stage": samples[samples.len() / 2],
    });
    println!("{line}");
    Ok(())
}
