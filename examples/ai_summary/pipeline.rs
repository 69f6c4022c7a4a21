//! The workflow: reads a document, lets a model summarise it and extract facts in parallel, and joins both results.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

use crate::documents::{self, Content, Document, Source};
use crate::openai::MODEL;

workflow! {
    /// Extracts the text of a document, summarises it and extracts facts.
    pub AiSummary = extract_text >> [summarize, extract_facts] >> report
}

/// A summary of the document.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// A few sentences.
    pub text: String,
}

/// The facts that the model extracts. The request contains the schema of this type, with these comments.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// The subject of the document, in a few words.
    pub subject: String,
    /// The years that the document mentions, in order.
    pub years: Vec<u32>,
}

/// All results.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The title of the document.
    pub title: String,
    /// A few sentences.
    pub summary: String,
    /// The extracted facts.
    pub facts: Facts,
}

/// Reads a document and extracts its text from the markup.
#[stage(retry(max_attempts = 5, backoff = fixed, initial = "500ms"), timeout = "30s")]
pub async fn extract_text(
    /// A file or a URL.
    source: Source,
    /// The maximum number of characters to send, which limits the cost.
    #[config(default = 20_000)]
    max_length: usize,
) -> StageResult<Document> {
    let content: Content = match &source {
        Source::File(path) => documents::read(path, 20_000_000).await?,
        Source::Url(url) => documents::fetch(url, 20_000_000).await?,
    };
    tokio::task::spawn_blocking(move || Document::from_content(source, &content, max_length)).await?
}

/// Lets a model summarise the document.
#[stage(retry(max_attempts = 5, initial = "1s"))]
pub async fn summarize(document: Document, ctx: &StageContext) -> StageResult<Summary> {
    let request =
        ctx.ai().generate_text(MODEL, document.text).instructions("Summarise the text in three sentences.");
    Ok(Summary { text: request.max_tokens(1_000).await?.text })
}

/// Lets a model extract the facts. The response is validated against the type.
#[stage(retry(max_attempts = 5, initial = "1s"))]
pub async fn extract_facts(document: Document, ctx: &StageContext) -> StageResult<Facts> {
    let request =
        ctx.ai().generate_object(MODEL, document.text).instructions("Which facts are in this text?");
    Ok(request.max_tokens(1_000).await?)
}

/// Joins the results.
#[stage]
pub async fn report(
    summary: Summary,
    facts: Facts,
    #[require(extract_text)] document: &Document,
) -> StageResult<Report> {
    Ok(Report { title: document.title.clone(), summary: summary.text, facts })
}

/// The response of the local stand-in, which replaces the provider if there is no API key: the first sentence, or every
/// number that looks like a year.
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
