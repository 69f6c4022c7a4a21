//! The runs of the documents: found again, started, and followed to their end.

use std::path::Path;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use workflow_engine::prelude::*;
use workflow_engine::{Error, RunId};

use crate::cli::Request;
use crate::documents::Source;
use crate::events;
use crate::pipeline::{DocumentProcessorConfig, ExtractTextInput, ReportConfig, document_processor};
use crate::progress::Progress;
use crate::reports::Report;

/// What an earlier program has left.
#[derive(Debug, Default)]
pub struct LeftOver {
    /// Runs that this program can finish.
    pub runs: Vec<Unfinished>,
    /// How many were started with another definition of the workflow; only a program that has it can finish them.
    pub foreign: usize,
}

impl LeftOver {
    /// What the documents are called in messages.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().map(|run| run.request.label.as_str())
    }
}

/// A run that an earlier program has left.
#[derive(Debug)]
pub struct Unfinished {
    run_id: RunId,
    request: Request,
    /// The number of its last event.
    seen: u64,
}

/// A run that is under way.
#[derive(Debug)]
pub struct DocumentRun {
    run: RunHandle<document_processor>,
    request: Request,
    /// The number of the last event that an earlier program brought about.
    seen: u64,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    source: Source,
    /// What it delivered; `None` where it failed, which has been said already.
    pub report: Option<Report>,
}

impl Outcome {
    /// Whether it is the answer to `request` for a report in `folder`.
    pub fn answers(&self, request: &Request, folder: &Path) -> bool {
        let is_in_folder = |report: &Report| report.files.json.parent() == Some(folder);
        self.source == request.source && self.report.as_ref().is_none_or(is_in_folder)
    }
}

/// Looks for what an earlier program has left in the store at `database`.
///
/// # Errors
/// When the store cannot be read.
pub async fn left_over(database: &str) -> Result<LeftOver, Error> {
    // An engine with a worker might finish one of them before it is found.
    let engine = Engine::builder(database).register::<document_processor>().without_worker().build().await?;
    let here = std::env::current_dir().unwrap_or_default();
    let mut left_over = LeftOver::default();
    for run in engine.unfinished::<document_processor>().await? {
        let record = run.record().await?;
        if record.definition_fingerprint != document_processor::definition().fingerprint() {
            left_over.foreign += 1;
            continue;
        }
        let source = run.input().await?.source;
        let request = Request { label: source.label(&here), source };
        left_over.runs.push(Unfinished { run_id: run.id(), request, seen: record.last_sequence });
    }
    engine.shutdown().await;
    Ok(left_over)
}

/// Takes the runs in hand that an earlier program has left; the worker goes on with them by itself.
///
/// # Errors
/// When the store cannot be read.
pub async fn resume(engine: &Engine, left_over: LeftOver) -> Result<Vec<DocumentRun>, Error> {
    let mut runs = Vec::new();
    for Unfinished { run_id, request, seen } in left_over.runs {
        runs.push(DocumentRun { run: engine.run_handle(run_id).await?, request, seen });
    }
    Ok(runs)
}

/// Starts one run for each request. The reports will be in `folder`.
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
        let run = engine.start::<document_processor>(input).config(config).await?;
        runs.push(DocumentRun { run, request, seen: 0 });
    }
    Ok(runs)
}

/// Waits for all of them, side by side, and shows how far they are.
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
    let mut happened = run.events();
    while let Some(event) = happened.next().await {
        let event = event?;
        failure = events::failure(&event).or(failure);
        if let Some(step) = events::step(event, seen) {
            lines.show(&step);
        }
    }
    drop(lines);
    let report = match run.output().await {
        Ok(report) => Some(report),
        Err(error) if error.is_run_failed() || error.is_run_cancelled() => {
            // The stage's own words; the engine's error adds ids that say nothing to the reader of this line.
            let failure = failure.unwrap_or_else(|| error.to_string());
            progress.line(&format!("error: {label}: {failure}"));
            None
        }
        Err(error) => return Err(error),
    };
    Ok(Outcome { source, report })
}
