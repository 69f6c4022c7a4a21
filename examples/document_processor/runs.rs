//! Finds, starts and follows the runs of the documents.

use std::path::Path;

use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt};
use workflow_engine::prelude::*;
use workflow_engine::{Error, RunFilter, RunId};

use crate::cli::Request;
use crate::documents::Source;
use crate::pipeline::{DocumentProcessor, DocumentProcessorConfig, ExtractTextInput, ReportConfig};
use crate::progress::Progress;
use crate::reports::Report;

/// The unfinished runs of earlier programs.
#[derive(Debug, Default)]
pub struct Unfinished {
    /// Runs that this program can finish.
    pub runs: Vec<UnfinishedRun>,
    /// The number of runs with another definition of the workflow, which only a program with that definition can finish.
    pub other_version: usize,
}

impl Unfinished {
    /// Returns the names of the documents.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().map(|run| run.request.label.as_str())
    }
}

/// An unfinished run of an earlier program.
#[derive(Debug)]
pub struct UnfinishedRun {
    run_id: RunId,
    request: Request,
    /// The number of its last event.
    seen: u64,
}

/// A run in progress.
#[derive(Debug)]
pub struct DocumentRun {
    run: RunHandle<DocumentProcessor>,
    request: Request,
    /// The number of the last event from an earlier program.
    seen: u64,
}

/// The outcome of a run.
#[derive(Debug)]
pub struct Outcome {
    source: Source,
    /// The report; `None` if the run failed, which has already been printed.
    pub report: Option<Report>,
}

impl Outcome {
    /// Returns whether this is the outcome of `request` with a report in `folder`.
    pub fn is_for(&self, request: &Request, folder: &Path) -> bool {
        let is_in_folder = |report: &Report| report.files.json.parent() == Some(folder);
        self.source == request.source && self.report.as_ref().is_none_or(is_in_folder)
    }
}

/// Returns the unfinished runs in the store at `database`.
///
/// # Errors
/// When the store cannot be read.
pub async fn unfinished(database: &str) -> Result<Unfinished, Error> {
    // A worker could finish one of the runs before it is listed.
    let engine = Engine::builder(database).register::<DocumentProcessor>().without_worker().build().await?;
    let here = std::env::current_dir().unwrap_or_default();
    let mut unfinished = Unfinished::default();
    let filter = RunFilter::new().workflow::<DocumentProcessor>().unfinished();
    let mut records: Vec<_> = engine.runs(&filter).stream().try_collect().await?;
    // The list begins with the newest run.
    records.reverse();
    for record in records {
        if record.definition_fingerprint != DocumentProcessor::definition().fingerprint() {
            unfinished.other_version += 1;
            continue;
        }
        let run = engine.run_handle::<DocumentProcessor>(record.id).await?;
        let source = run.input().await?.source;
        let request = Request { label: source.label(&here), source };
        unfinished.runs.push(UnfinishedRun { run_id: run.id(), request, seen: record.last_sequence });
    }
    engine.shutdown().await;
    Ok(unfinished)
}

/// Returns handles of the unfinished runs. The worker continues the runs by itself.
///
/// # Errors
/// When the store cannot be read.
pub async fn resume(engine: &Engine, unfinished: Unfinished) -> Result<Vec<DocumentRun>, Error> {
    let mut runs = Vec::new();
    for UnfinishedRun { run_id, request, seen } in unfinished.runs {
        runs.push(DocumentRun { run: engine.run_handle(run_id).await?, request, seen });
    }
    Ok(runs)
}

/// Starts a run for each request, with its report in `folder`.
///
/// # Errors
/// When the store cannot be written.
pub async fn start(
    engine: &Engine,
    requests: Vec<Request>,
    folder: &Path,
) -> Result<Vec<DocumentRun>, Error> {
    let mut runs = Vec::new();
    for request in requests {
        let config = DocumentProcessorConfig {
            report: ReportConfig { folder: folder.to_owned() },
            ..DocumentProcessorConfig::default()
        };
        let input = ExtractTextInput { source: request.source.clone() };
        let run = engine.start::<DocumentProcessor>(input).config(config).await?;
        runs.push(DocumentRun { run, request, seen: 0 });
    }
    Ok(runs)
}

/// Waits for all runs concurrently and shows their progress.
///
/// # Errors
/// When the store cannot be read, or the engine is shut down; the failure of a document is an outcome.
pub async fn follow(runs: Vec<DocumentRun>, progress: &Progress) -> Result<Vec<Outcome>, Error> {
    try_join_all(runs.into_iter().map(|run| follow_one(run, progress))).await
}

async fn follow_one(document: DocumentRun, progress: &Progress) -> Result<Outcome, Error> {
    let DocumentRun { run, request: Request { source, label }, seen } = document;
    let mut lines = progress.document(&label);
    let mut failure = None;
    let mut events = run.events();
    while let Some(event) = events.next().await {
        let event = event?;
        failure = crate::events::failure(&event).or(failure);
        if let Some(step) = crate::events::step(event, seen) {
            lines.show(&step);
        }
    }
    drop(lines);
    let report = match run.output().await {
        Ok(report) => Some(report),
        Err(error) if error.is_run_failed() || error.is_run_cancelled() => {
            // The stage's own message: the engine's error adds ids that do not help the reader.
            let failure = failure.unwrap_or_else(|| error.to_string());
            progress.line(&format!("error: {label}: {failure}"));
            None
        }
        Err(error) => return Err(error),
    };
    Ok(Outcome { source, report })
}
