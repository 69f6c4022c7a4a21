//! Measures recovery: from the kill of a worker to the commit of the next attempt, in a worker of the same machine that
//! survives, or that starts after the kill. `takeover_times [<rounds>]` prints the median and the maximum over all jobs, and
//! the throughput of three workers, of which none or one every 0.2 s is killed.

#![allow(clippy::disallowed_methods, reason = "it measures real time")]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tests::kills::work_under_kills;
use tests::postgres::{Schema, is_available};
use tests::takeover::{Database, HoldInput, held};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds = std::env::args().nth(1).map_or(Ok(10), |rounds| rounds.parse())?;
    for restart in [false, true] {
        for jobs in [1, 200] {
            let mut times = Vec::new();
            for _ in 0..rounds {
                let folder = tempfile::tempdir()?;
                let url = folder.path().join("runs.db").to_string_lossy().into_owned();
                times.extend(measure(&Database { url, schema: None }, jobs, restart).await?);
            }
            report("SQLite", jobs, restart, times);
            if is_available("takeover_times") {
                let mut times = Vec::new();
                for _ in 0..rounds {
                    let schema = Schema::new();
                    let (url, name) = (schema.url().to_owned(), schema.name().to_owned());
                    times.extend(measure(&Database { url, schema: Some(name) }, jobs, restart).await?);
                }
                report("PostgreSQL", jobs, restart, times);
            }
        }
    }
    measure_throughput().await
}

/// Runs that end after 100 ms, in three workers with 32 slots each.
async fn measure_throughput() -> Result<(), Box<dyn std::error::Error>> {
    const RUNS: u32 = 1_000;
    let program = worker()?;
    for max_kills in [0, usize::MAX] {
        let folder = tempfile::tempdir()?;
        let url = folder.path().join("runs.db").to_string_lossy().into_owned();
        let mut stores = vec![("SQLite", Database { url, schema: None })];
        let schema = is_available("takeover_times").then(Schema::new);
        if let Some(schema) = &schema {
            let (url, name) = (schema.url().to_owned(), schema.name().to_owned());
            stores.push(("PostgreSQL", Database { url, schema: Some(name) }));
        }
        for (store, database) in stores {
            let report = work_under_kills(&database, &program, RUNS, max_kills).await;
            let rate = f64::from(RUNS) / report.elapsed.as_secs_f64();
            println!("{store}, {} kills in {:.1?}: {rate:.0} runs/s", report.kills, report.elapsed);
        }
    }
    Ok(())
}

fn worker() -> std::io::Result<String> {
    Ok(std::env::current_exe()?.with_file_name("takeover_worker").to_string_lossy().into_owned())
}

/// Kills a worker that holds `jobs` jobs, and returns how long each of them took to complete.
#[allow(clippy::zombie_processes, reason = "an error ends the program")]
async fn measure(
    database: &Database,
    jobs: u32,
    restart: bool,
) -> Result<Vec<Duration>, Box<dyn std::error::Error>> {
    let starter = database.engine().without_worker().build().await?;
    let mut runs = Vec::new();
    for number in 0..jobs {
        runs.push(starter.start::<held>(HoldInput { number }).await?);
    }
    let mut worker = database.hold(&worker()?, runs.len());
    let survivor = if restart { None } else { Some(database.engine().concurrency(256).build().await) };
    let killed = Instant::now();
    let ended = worker.kill().and_then(|()| worker.wait());
    ended?;
    let survivor = match survivor {
        Some(survivor) => survivor?,
        None => database.engine().concurrency(256).build().await?,
    };
    let outputs = runs.iter().map(|run| async { run.output().await.map(|_| killed.elapsed()) });
    let times = join_all(outputs).await.into_iter().collect::<Result<_, _>>()?;
    survivor.shutdown().await;
    starter.shutdown().await;
    Ok(times)
}

fn report(store: &str, jobs: u32, restart: bool, mut times: Vec<Duration>) {
    times.sort_unstable();
    let how = if restart { "a new worker" } else { "a survivor" };
    let (median, maximum) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{store}, {jobs} jobs held, {how}: median {median:.0?}, maximum {maximum:.0?}");
}
