//! Runs four worker processes on one PostgreSQL server. They share the work; if one is killed, the others finish it.
//!
//! ```console
//! $ cargo run --example worker_fleet -- --db postgres://user@localhost/database --kill-one
//! ```
//!
//! This process starts the runs and executes no stages. `pipeline` declares the workflow; `fleet` starts the workers, which
//! run this program with `--worker`.

mod fleet;
mod pipeline;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use workflow_engine::prelude::*;

use fleet::Fleet;
use pipeline::{HashedInput, Puzzle};

/// Solves puzzles with several worker processes on one PostgreSQL server.
#[derive(Parser)]
struct Arguments {
    /// The server, `postgres://user:password@host/database`. Missing tables are created.
    #[arg(long, env = "DATABASE_URL")]
    db: String,
    /// The number of worker processes.
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// The number of runs.
    #[arg(long, default_value_t = 200)]
    runs: u32,
    /// Kill a worker when a quarter of the runs have completed.
    #[arg(long)]
    kill_one: bool,
    /// Run as a worker.
    #[arg(long, hide = true)]
    worker: bool,
}

/// How long the stages of a killed worker wait for another one. On the same machine they do not wait: the other workers
/// detect that the process has ended.
const LEASE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = if arguments.worker { work(&arguments.db).await } else { command(&arguments).await };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place to report an error of writing this line.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a worker until a signal stops it.
async fn work(db: &str) -> Result<(), Box<dyn std::error::Error>> {
    let builder = Engine::builder(db).register::<Puzzle>().concurrency(8).lease(LEASE);
    builder.shutdown_on_signals().build().await?.wait_for_shutdown().await;
    Ok(())
}

/// Starts the runs, waits for them and prints which worker executed how many stages.
async fn command(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout();
    let engine = Engine::builder(&arguments.db).register::<Puzzle>().without_worker().build().await?;
    let mut fleet = Fleet::start(&arguments.db, arguments.workers)?;
    writeln!(out, "{} workers: {:?}", arguments.workers, fleet.ids())?;

    let mut runs = Vec::new();
    for number in 0..arguments.runs {
        runs.push(engine.start::<Puzzle>(HashedInput { text: format!("puzzle {number}") }).await?);
    }
    writeln!(out, "{} runs started", runs.len())?;

    let mut stages_by_worker = BTreeMap::<u32, usize>::new();
    for (done, run) in (1..).zip(&runs) {
        for worker in run.output().await?.solved_by {
            *stages_by_worker.entry(worker).or_default() += 1;
        }
        if arguments.kill_one
            && done == runs.len().div_ceil(4)
            && let Some(killed) = fleet.kill_one()?
        {
            writeln!(out, "worker {killed} was killed; the others continue")?;
        }
    }
    for (worker, stages) in &stages_by_worker {
        writeln!(out, "worker {worker}: {stages} stages")?;
    }
    writeln!(out, "{} puzzles solved, by {} stages", runs.len(), stages_by_worker.values().sum::<usize>())?;
    fleet.stop()?;
    engine.shutdown().await;
    Ok(())
}
