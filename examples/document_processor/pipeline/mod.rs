//! The pipeline itself: five ordinary async functions, and one line of arrows.
//!
//! A program that is killed costs each stage that was running an attempt. So the stages that cannot fail in any other
//! way have many of them.

use std::path::PathBuf;

use workflow_engine::prelude::*;

use crate::analysis::{Keywords, Language, Summary};
use crate::documents::{self, Content, Document, Source};
use crate::reports::{self, Report, ReportFiles};

workflow! {
    /// Extracts the text of a document, analyses it and reports.
    pub DocumentProcessor = extract_text >> [rank_keywords, detect_language, summarize] >> report
}

/// Reads a document and takes its text out of the markup.
#[stage(retry(max_attempts = 5, backoff = fixed, initial = "500ms"), timeout = "30s")]
pub async fn extract_text(
    /// A file or an address.
    source: Source,
    /// The text is cut after so many characters.
    #[config(default = 1_000_000)]
    max_length: usize,
    /// Larger documents are refused.
    #[config(default = 20_000_000)]
    max_bytes: u64,
) -> StageResult<Document> {
    let content: Content = match &source {
        Source::File(path) => documents::read(path, max_bytes).await?,
        Source::Url(url) => documents::fetch(url, max_bytes).await?,
    };
    compute(move || Document::from_content(source, &content, max_length)).await
}

/// Counts the words and ranks the terms that say most about the document.
#[stage(retry(max_attempts = 100))]
pub async fn rank_keywords(
    document: Document,
    /// How many terms are kept.
    #[config(default = 10)]
    count: usize,
) -> StageResult<Keywords> {
    compute(move || Ok(Keywords::of(&document.text, count))).await
}

/// Finds out which language the document is written in.
#[stage(retry(max_attempts = 100))]
pub async fn detect_language(document: Document) -> StageResult<Language> {
    compute(move || Ok(Language::of(&document.text))).await
}

/// Chooses the most telling sentences.
#[stage(retry(max_attempts = 100))]
pub async fn summarize(
    document: Document,
    /// How many sentences are chosen.
    #[config(default = 3)]
    sentences: usize,
) -> StageResult<Summary> {
    compute(move || Ok(Summary::of(&document.text, sentences))).await
}

/// Joins what was found out and writes it as JSON and as Markdown.
#[stage(retry(max_attempts = 100, max = "10s"))]
pub async fn report(
    keywords: Keywords,
    language: Language,
    summary: Summary,
    #[require(extract_text)] document: Document,
    /// Where the files are written.
    #[config(default = PathBuf::from("reports"))]
    folder: PathBuf,
    ctx: &StageContext,
) -> StageResult<Report> {
    let files = ReportFiles::new(&folder, &document.source);
    let report = Report::new(document, keywords, language, summary, files);
    // The same in every attempt of this run, and in no other run.
    let writer = ctx.run_id().to_string();
    compute(move || reports::write(&report, &writer).map(|()| report)).await
}

/// Runs what keeps a processor or a disk busy beside the async threads, so that other documents go on meanwhile.
async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> StageResult<T> + Send + 'static,
) -> StageResult<T> {
    tokio::task::spawn_blocking(work).await?
}

#[cfg(test)]
mod tests;
