//! The pipeline itself: five ordinary async functions, and one line of arrows.

use std::path::PathBuf;

use workflow_engine::prelude::*;

use crate::analysis::{Keywords, Language, Summary};
use crate::documents::{self, Content, Document, Source};
use crate::reports::{self, Report, ReportFiles};

/// Reads a document and takes its text out of the markup.
pub async fn extract_text(source: Source, max_length: usize, max_bytes: u64) -> StageResult<Document> {
    let content: Content = match &source {
        Source::File(path) => documents::read(path, max_bytes).await?,
        Source::Url(url) => documents::fetch(url, max_bytes).await?,
    };
    compute(move || Document::from_content(source, &content, max_length)).await
}

/// Counts the words and ranks the terms that say most about the document.
pub async fn rank_keywords(document: Document, count: usize) -> StageResult<Keywords> {
    compute(move || Ok(Keywords::of(&document.text, count))).await
}

/// Finds out which language the document is written in.
pub async fn detect_language(document: Document) -> StageResult<Language> {
    compute(move || Ok(Language::of(&document.text))).await
}

/// Chooses the most telling sentences.
pub async fn summarize(document: Document, sentences: usize) -> StageResult<Summary> {
    compute(move || Ok(Summary::of(&document.text, sentences))).await
}

/// Joins what was found out and writes it as JSON and as Markdown.
pub async fn report(
    keywords: Keywords,
    language: Language,
    summary: Summary,
    folder: PathBuf,
    document: Document,
) -> StageResult<Report> {
    let files = ReportFiles::new(&folder, &document.source);
    let report = Report::new(document, keywords, language, summary, files);
    compute(move || reports::write(&report).map(|()| report)).await
}

/// Runs what keeps a processor or a disk busy beside the async threads, so that other documents go on meanwhile.
async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> StageResult<T> + Send + 'static,
) -> StageResult<T> {
    tokio::task::spawn_blocking(work).await?
}

#[cfg(test)]
mod tests;
