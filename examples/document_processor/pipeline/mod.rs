//! The pipeline: five ordinary async functions, connected by one `workflow!` declaration.
//!
//! Killing the program costs each running stage one attempt. So stages that cannot fail in another way have a high
//! `max_attempts`.

use std::path::PathBuf;

use workflow_engine::prelude::*;

use crate::analysis::{Keywords, Language, Summary};
use crate::documents::{self, Content, Document, Source};
use crate::reports::{self, Report, ReportFiles};

workflow! {
    /// Extracts the text of a document, analyses it and writes a report.
    pub DocumentProcessor = extract_text >> [rank_keywords, detect_language, summarize] >> report
}

/// Reads a document and extracts its text from the markup.
#[stage(retry(max_attempts = 5, backoff = fixed, initial = "500ms"), timeout = "30s")]
pub async fn extract_text(
    /// A file or a URL.
    source: Source,
    /// The number of characters after which the text is cut.
    #[config(default = 1_000_000)]
    max_length: usize,
    /// The maximum size of a document.
    #[config(default = 20_000_000)]
    max_bytes: u64,
) -> StageResult<Document> {
    let content: Content = match &source {
        Source::File(path) => documents::read(path, max_bytes).await?,
        Source::Url(url) => documents::fetch(url, max_bytes).await?,
    };
    compute(move || Document::from_content(source, &content, max_length)).await
}

/// Counts the words and ranks the most significant terms.
#[stage(retry(max_attempts = 100))]
pub async fn rank_keywords(
    document: Document,
    /// The number of terms to keep.
    #[config(default = 10)]
    count: usize,
) -> StageResult<Keywords> {
    compute(move || Ok(Keywords::of(&document.text, count))).await
}

/// Detects the language of the document.
#[stage(retry(max_attempts = 100))]
pub async fn detect_language(document: Document) -> StageResult<Language> {
    compute(move || Ok(Language::of(&document.text))).await
}

/// Selects the most significant sentences.
#[stage(retry(max_attempts = 100))]
pub async fn summarize(
    document: Document,
    /// The number of sentences to select.
    #[config(default = 3)]
    sentences: usize,
) -> StageResult<Summary> {
    compute(move || Ok(Summary::of(&document.text, sentences))).await
}

/// Joins the results and writes them as JSON and as Markdown.
#[stage(retry(max_attempts = 100, max = "10s"))]
pub async fn report(
    keywords: Keywords,
    language: Language,
    summary: Summary,
    #[require(extract_text)] document: Document,
    /// The folder for the files.
    #[config(default = PathBuf::from("reports"))]
    folder: PathBuf,
    ctx: &StageContext,
) -> StageResult<Report> {
    let files = ReportFiles::new(&folder, &document.source);
    let report = Report::new(document, keywords, language, summary, files);
    // Equal in every attempt of this run, and unique to this run.
    let writer = ctx.run_id().to_string();
    compute(move || reports::write(&report, &writer).map(|()| report)).await
}

/// Runs processor-bound or disk-bound work on a blocking thread, so that other documents continue meanwhile.
async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> StageResult<T> + Send + 'static,
) -> StageResult<T> {
    tokio::task::spawn_blocking(work).await?
}

#[cfg(test)]
mod tests;
