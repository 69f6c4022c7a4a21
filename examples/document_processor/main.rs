//! Extracts the text of documents, analyses it and writes reports — durably: killed half-way and started again, it
//! goes on where it stopped.
//!
//! `pipeline` declares the stages and the workflow, `documents`, `analysis` and `reports` hold the work that the
//! stages do, and `runs` is where the engine is used.

mod analysis;
mod cli;
mod documents;
mod events;
mod pipeline;
mod progress;
mod reports;
mod runs;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use workflow_engine::Error;
use workflow_engine::prelude::*;

use cli::{Arguments, Request};
use pipeline::document_processor;
use progress::Progress;
use runs::{LeftOver, Outcome};

/// So long a stage of a program that was killed waits before it is taken over. The engine's default suits machines
/// that lose sight of each other; here somebody is watching.
const LEASE: Duration = Duration::from_secs(2);

/// What a shell expects of a program that was stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            // Nobody is left to tell where this fails.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = arguments.folder()?;
    let requests = arguments.requests()?;
    let left_over = runs::left_over(&arguments.db).await?;
    let progress =
        Progress::new(left_over.labels().chain(requests.iter().map(|request| request.label.as_str())));
    announce(&left_over, &requests, &progress);

    let engine = Engine::builder(&arguments.db)
        .register::<document_processor>()
        .lease(LEASE)
        .shutdown_on_signals()
        .build()
        .await?;
    tokio::spawn(announce_stop(progress.clone()));
    let outcomes = match process(&engine, left_over, requests, &folder, &progress).await {
        Err(error) if error.code() == "SHUTTING_DOWN" => return Ok(ExitCode::from(INTERRUPTED)),
        outcomes => outcomes?,
    };
    engine.shutdown().await;
    print_reports(&outcomes)?;
    let failed = outcomes.iter().any(|outcome| outcome.report.is_none());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// First what was left unfinished, then what was asked for.
async fn process(
    engine: &Engine,
    left_over: LeftOver,
    mut requests: Vec<Request>,
    folder: &std::path::Path,
    progress: &Progress,
) -> Result<Vec<Outcome>, Error> {
    let resumed = runs::resume(engine, left_over).await?;
    let mut outcomes = runs::follow(resumed, progress).await?;
    // Whoever repeats the command that was killed wants its runs finished, not done a second time.
    requests.retain(|request| !outcomes.iter().any(|outcome| outcome.answers(request, folder)));
    let started = runs::start(engine, requests, folder).await?;
    outcomes.extend(runs::follow(started, progress).await?);
    Ok(outcomes)
}

fn announce(left_over: &LeftOver, requests: &[Request], progress: &Progress) {
    if left_over.foreign > 0 {
        progress.line(&format!(
            "{} unfinished of another version of this program: left as they are",
            documents(left_over.foreign)
        ));
    }
    match left_over.runs.len() {
        0 if requests.is_empty() => {
            progress.line("nothing is unfinished; name a document to process, or see --help");
        }
        0 => {}
        count => progress.line(&format!("resuming {}", documents(count))),
    }
}

fn documents(count: usize) -> String {
    if count == 1 { "1 unfinished document".to_owned() } else { format!("{count} unfinished documents") }
}

/// The engine drains by itself; this says so, for it may take as long as the slowest stage.
async fn announce_stop(progress: Progress) {
    if tokio::signal::ctrl_c().await.is_ok() {
        progress.line(
            "stopping when the stages that run have ended, or at once on another Ctrl-C; run the same command again \
             and it goes on from there",
        );
    }
}

fn print_reports(outcomes: &[Outcome]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for report in outcomes.iter().filter_map(|outcome| outcome.report.as_ref()) {
        writeln!(stdout, "\n{report}")?;
    }
    Ok(())
}
