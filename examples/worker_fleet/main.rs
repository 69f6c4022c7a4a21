//! Runs four worker processes on one PostgreSQL server. They share the work; if one is killed, the others finish it.
//!
//! ```console
//! $ cargo run --example worker_fleet -- --db postgres://user@localhost/database solve --kill-one
//! ```
//!
//! The process of `solve` starts the runs and executes no stages. `pipeline` declares the workflow; `fleet` starts the
//! workers, which run this program with `worker`. Every other command of the program is that of the kit: while it works,
//! look at the runs with `runs list`.

mod fleet;
mod pipeline;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use workflow_engine_cli::clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use workflow_engine_cli::{Failure, Program, Session};

use fleet::Fleet;
use pipeline::{HashedInput, Puzzle};

/// How long the stages of a killed worker wait for another one. On the same machine they do not wait: the other workers
/// detect that the process has ended.
const LEASE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    Program::new(|engine, _| Ok(engine.register::<Puzzle>().concurrency(8).lease(LEASE)))
        .about("Solves puzzles with several worker processes on one PostgreSQL server")
        .command(solve_command(), |session, arguments| async move { solve(&session, &arguments).await })
        .run()
}

fn solve_command() -> Command {
    let number = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name).long(name).default_value(default).value_parser(value_parser!(usize)).help(help)
    };
    Command::new("solve")
        .about("Starts workers and runs, and shows which worker executed how many stages")
        .arg(number("workers", "4", "The number of worker processes"))
        .arg(number("runs", "200", "The number of runs"))
        .arg(
            Arg::new("kill-one")
                .long("kill-one")
                .action(ArgAction::SetTrue)
                .help("Kill a worker when a quarter of the runs have completed"),
        )
}

/// Starts the runs, waits for them and prints which worker executed how many stages.
async fn solve(session: &Session, arguments: &ArgMatches) -> Result<(), Failure> {
    let number = |name: &str| arguments.get_one::<usize>(name).copied().unwrap_or_default();
    let mut out = io::stdout();
    let engine = session.engine().await?;
    let mut fleet = Fleet::start(&session.database()?, number("workers"))?;
    writeln!(out, "{} workers: {:?}", number("workers"), fleet.ids())?;

    let mut runs = Vec::new();
    for number in 0..number("runs") {
        runs.push(engine.start::<Puzzle>(HashedInput { text: format!("puzzle {number}") }).await?);
    }
    writeln!(out, "{} runs started", runs.len())?;

    let mut stages_by_worker = BTreeMap::<u32, usize>::new();
    for (done, run) in (1..).zip(&runs) {
        for worker in run.output().await?.solved_by {
            *stages_by_worker.entry(worker).or_default() += 1;
        }
        if arguments.get_flag("kill-one")
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
