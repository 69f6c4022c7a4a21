//! Extracts the text of documents, analyses it and writes reports, durably: if it is killed, the next start continues where
//! it stopped.
//!
//! `pipeline` declares the stages and the workflow, `documents`, `analysis` and `reports` contain the work of the stages,
//! and `runs` uses the engine.

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
use pipeline::DocumentProcessor;
use progress::Progress;
use runs::{Outcome, Unfinished};

/// How long a stage of a killed program waits until another program takes it over. The engine's default suits machines that
/// may lose their connection for a while; here a user is waiting.
const LEASE: Duration = Duration::from_secs(2);

/// The conventional exit code of a program stopped by Ctrl-C.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            // There is no other place to report an error of writing this line.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = arguments.folder()?;
    let requests = arguments.requests()?;
    let unfinished = runs::unfinished(&arguments.db).await?;
    let progress =
        Progress::new(unfinished.labels().chain(requests.iter().map(|request| request.label.as_str())));
    announce(&unfinished, &requests, &progress);

    let engine = Engine::builder(&arguments.db)
        .register::<DocumentProcessor>()
        .lease(LEASE)
        .shutdown_on_signals()
        .build()
        .await?;
    tokio::spawn(announce_stop(progress.clone()));
    let outcomes = match process(&engine, unfinished, requests, &folder, &progress).await {
        Err(error) if error.code() == "SHUTTING_DOWN" => return Ok(ExitCode::from(INTERRUPTED)),
        outcomes => outcomes?,
    };
    engine.shutdown().await;
    print_reports(&outcomes)?;
    let failed = outcomes.iter().any(|outcome| outcome.report.is_none());
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Processes the unfinished documents first, then the requested ones.
async fn process(
    engine: &Engine,
    unfinished: Unfinished,
    mut requests: Vec<Request>,
    folder: &std::path::Path,
    progress: &Progress,
) -> Result<Vec<Outcome>, Error> {
    let resumed = runs::resume(engine, unfinished).await?;
    let mut outcomes = runs::follow(resumed, progress).await?;
    // A user who repeats the killed command wants its runs finished, not executed a second time.
    requests.retain(|request| !outcomes.iter().any(|outcome| outcome.is_for(request, folder)));
    let started = runs::start(engine, requests, folder).await?;
    outcomes.extend(runs::follow(started, progress).await?);
    Ok(outcomes)
}

fn announce(unfinished: &Unfinished, requests: &[Request], progress: &Progress) {
    if unfinished.other_version > 0 {
        progress.line(&format!(
            "skipping {} of another version of this program",
            documents(unfinished.other_version)
        ));
    }
    match unfinished.runs.len() {
        0 if requests.is_empty() => {
            progress.line("no unfinished documents; name a document to process, or see --help");
        }
        0 => {}
        count => progress.line(&format!("resuming {}", documents(count))),
    }
}

fn documents(count: usize) -> String {
    if count == 1 { "1 unfinished document".to_owned() } else { format!("{count} unfinished documents") }
}

/// Announces that the engine drains, because this may take as long as the slowest stage.
async fn announce_stop(progress: Progress) {
    if tokio::signal::ctrl_c().await.is_ok() {
        progress.line(
            "stopping after the running stages, or at once on another Ctrl-C; run the same command again to continue",
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
