//! Runs of 10, 100 and 1,000 stages: `speed-stages WORK STORE` prints a line as `speed measure` does, which calls this
//! program if it is built.
//!
//! - `w4-stages-N`: one run at a time. The cost of a stage must not depend on the number of stages.
//! - `page-N`: what the dashboard reads to show such a run.

#[path = "../../src/bin/speed/client.rs"]
mod client;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresStore, SqliteStore};
use workflow_engine_server::Server;

use crate::client::Client;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

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

/// Returns the milliseconds of each of fifty loads of a page, sorted.
async fn load_pages<W: Workflow>(store: Arc<dyn Store>, input: W::Input) -> Outcome<Vec<f64>> {
    let engine = EngineBuilder::with_store(store, Arc::new(SystemClock)).register::<W>().build().await?;
    let run = engine.start::<W>(input).await?;
    run.output().await?;
    let server = Server::new(engine.clone()).address(SocketAddr::from(([127, 0, 0, 1], 0))).listen().await?;
    let token = server.token().ok_or("the server has made no token")?.into();
    let client = Client { address: server.address(), token };
    let (detail, timeline) = (format!("/runs/{}", run.id()), format!("/runs/{}/timeline", run.id()));
    let layout = format!("/definitions/{}/layout", W::definition().fingerprint());
    let mut samples = Vec::new();
    for load in 0..=50 {
        let began = Instant::now();
        // The page knows the definition when it has the run.
        tokio::try_join!(client.get(&timeline), async {
            client.get(&detail).await?;
            client.get(&layout).await
        })?;
        // The first load prepares the statements.
        if load > 0 {
            samples.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    server.shutdown().await;
    engine.shutdown().await;
    samples.sort_by(f64::total_cmp);
    Ok(samples)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [work, store] = given.as_slice() else { return Err("usage: speed-stages WORK STORE".into()) };
    let (opened, stages) = (open(store).await?, work.rsplit('-').next().unwrap_or_default());
    let figures = match work.as_str() {
        "w4-stages-10" => of_runs(measure::<ten::whole>(opened, || ten::S0Input { n0: 1 }, 50).await?),
        "w4-stages-100" => {
            of_runs(measure::<hundred::whole>(opened, || hundred::S0Input { n0: 1 }, 10).await?)
        }
        "w4-stages-1000" => {
            of_runs(measure::<thousand::whole>(opened, || thousand::S0Input { n0: 1 }, 3).await?)
        }
        "page-100" => of_pages(load_pages::<hundred::whole>(opened, hundred::S0Input { n0: 1 }).await?),
        "page-1000" => of_pages(load_pages::<thousand::whole>(opened, thousand::S0Input { n0: 1 }).await?),
        _ => return Err(format!("there is no work `{work}`").into()),
    };
    let mut line = serde_json::json!({
        "who": "engine",
        "work": work,
        "store": store,
        "note": "groups of ten, one run at a time",
        "stages": stages.parse::<u32>()?,
    });
    for (name, value) in figures {
        line[name] = value.into();
    }
    println!("{line}");
    Ok(())
}

fn of_runs(ms_per_stage: Vec<f64>) -> Vec<(&'static str, f64)> {
    vec![("ms_per_stage", ms_per_stage[ms_per_stage.len() / 2])]
}

fn of_pages(ms: Vec<f64>) -> Vec<(&'static str, f64)> {
    vec![("p50_ms", ms[ms.len() / 2]), ("max_ms", ms[ms.len() - 1])]
}
