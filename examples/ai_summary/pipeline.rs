//! The workflow: a document is read, a model says it in short and names its facts side by side, and both are joined.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

use crate::documents::{self, Content, Document, Source};
use crate::openai::MODEL;

workflow! {
    /// Extracts the text of a document and has a model read it.
    pub AiSummary = extract_text >> [summarize, extract_facts] >> report
}

/// The document in short.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// A few sentences.
    pub text: String,
}

/// What a model is asked for by its type: the comments go with the schema.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// What the document is about, in a few words.
    pub subject: String,
    /// The years that it names, in order.
    pub years: Vec<u32>,
}

/// Everything that was found out.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The document's own.
    pub title: String,
    /// A few sentences.
    pub summary: String,
    /// Facts.
    pub facts: Facts,
}

/// Reads a document and takes its text out of the markup.
#[stage(retry(max_attempts = 5, backoff = fixed, initial = "500ms"), timeout = "30s")]
pub async fn extract_text(
    /// A file or an address.
    source: Source,
    /// The text is cut after so many characters: what is sent is paid.
    #[config(default = 20_000)]
    max_length: usize,
) -> StageResult<Document> {
    let content: Content = match &source {
        Source::File(path) => documents::read(path, 20_000_000).await?,
        Source::Url(url) => documents::fetch(url, 20_000_000).await?,
    };
    tokio::task::spawn_blocking(move || Document::from_content(source, &content, max_length)).await?
}

/// Has a model say it in short.
#[stage(retry(max_attempts = 5, initial = "1s"))]
pub async fn summarize(document: Document, ctx: &StageContext) -> StageResult<Summary> {
    let answer = ctx.ai().generate_text(MODEL, document.text).instructions("Say it in three sentences.");
    Ok(Summary { text: answer.max_tokens(1_000).await?.text })
}

/// Has a model name the facts. What it answers is checked against the type.
#[stage(retry(max_attempts = 5, initial = "1s"))]
pub async fn extract_facts(document: Document, ctx: &StageContext) -> StageResult<Facts> {
    let answer = ctx.ai().generate_object(MODEL, document.text).instructions("Which facts are in this text?");
    Ok(answer.max_tokens(1_000).await?)
}

/// Joins what was found out.
#[stage]
pub async fn report(
    summary: Summary,
    facts: Facts,
    #[require(extract_text)] document: &Document,
) -> StageResult<Report> {
    Ok(Report { title: document.title.clone(), summary: summary.text, facts })
}

/// What is answered where there is no key: the first sentence, and whatever looks like a year.
pub fn stand_in(text: &str, schema: Option<&str>) -> Option<String> {
    let mut blocks = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    let subject = blocks.next()?.to_owned();
    if schema.is_none() {
        let sentence = blocks.next().unwrap_or(&subject).split_inclusive(". ").next()?;
        return Some(sentence.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let words = text.split(|character: char| !character.is_ascii_digit());
    let mut years: Vec<u32> =
        words.filter(|word| word.len() == 4).filter_map(|word| word.parse().ok()).collect();
    years.sort_unstable();
    years.dedup();
    serde_json::to_string(&Facts { subject, years }).ok()
}
