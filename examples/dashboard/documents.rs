//! Documents that models read: with costs, a choice, and a budget that stops a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::ai::{AiError, AiErrorKind, ScriptedProvider, Usage};
use workflow_engine::prelude::*;

use crate::traffic::{number, pause, roll};

workflow! {
    /// Reads a document, files an invoice or replies to a letter.
    pub DocumentIntake = extract_text >> [summarize, find_dates] >> match classify {
        Invoice(cents) => book,
        Letter { from } => draft_reply,
        Advertisement => (),
    } >> archive
}

/// The models, which follow a script.
#[derive(Clone)]
pub struct Models {
    pub openai: ScriptedProvider,
    pub google: ScriptedProvider,
}

impl Models {
    pub fn new() -> Self {
        Self { openai: ScriptedProvider::new("openai"), google: ScriptedProvider::new("google") }
    }

    /// Adds the next response to a script.
    fn script(provider: &ScriptedProvider, text: &str) {
        let (input_tokens, output_tokens) = (400 + number(9_000), 60 + number(900));
        let usage = Usage { input_tokens, cached_input_tokens: input_tokens / 3, output_tokens };
        if roll(12) {
            let error = AiError::new(AiErrorKind::Overloaded, "the provider is overloaded").with_status(503);
            drop(provider.clone().fail(error));
        }
        drop(provider.clone().text(text, usage));
    }
}

/// A document of the inbox.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Source {
    /// A file of the scanner.
    Scan { path: String, pages: u32 },
    /// A message.
    Mail { from: String, subject: String },
}

/// Extracts the text.
#[stage]
pub async fn extract_text(source: Source, ctx: &StageContext) -> StageResult<String> {
    pause(200, 900).await;
    let text = match source {
        Source::Scan { path, pages } => format!("{pages} pages of {path}"),
        Source::Mail { from, subject } => format!("{subject}, from {from}"),
    };
    ctx.put_artifact("text", &text)?;
    Ok(text)
}

/// Summarises the text.
#[stage(retry(max_attempts = 4, initial = "1s"), over_budget = wait)]
pub async fn summarize(text: String, #[state] models: &Models, ctx: &StageContext) -> StageResult<String> {
    Models::script(&models.openai, "A letter about a delivery, with a date and a sum.");
    pause(500, 2_500).await;
    Ok(ctx.ai().generate_text("gpt-5.4-mini", text).max_tokens(1_000).await?.text)
}

/// Finds the dates in the text.
#[stage(retry(max_attempts = 4, initial = "1s"), over_budget = wait)]
pub async fn find_dates(
    text: String,
    #[state] models: &Models,
    ctx: &StageContext,
) -> StageResult<Vec<String>> {
    Models::script(&models.google, "2026-11-30");
    pause(300, 1_500).await;
    let response = ctx.ai().generate_text("gemini-2.5-flash", text).max_tokens(400).await?;
    Ok(vec![response.text])
}

/// What a document is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Class {
    Invoice(u64),
    Letter { from: String },
    Advertisement,
}

/// Decides what the document is.
#[stage]
pub async fn classify(summary: String, dates: Vec<String>) -> StageResult<Class> {
    let _ = (summary, dates);
    pause(200, 600).await;
    Ok(match number(3) {
        0 => Class::Invoice(4_200 + number(90_000)),
        1 => Class::Letter { from: "Ada Lovelace".into() },
        _ => Class::Advertisement,
    })
}

/// Books an invoice.
#[stage]
pub async fn book(cents: u64) -> StageResult<String> {
    pause(300, 900).await;
    Ok(format!("booked {cents} cents"))
}

/// Drafts a reply.
#[stage(retry(max_attempts = 4, initial = "1s"))]
pub async fn draft_reply(from: String, #[state] models: &Models, ctx: &StageContext) -> StageResult<String> {
    Models::script(&models.openai, "Dear Ada, thank you for your letter.");
    Ok(ctx.ai().generate_text("gpt-5.4-mini", format!("Answer {from}.")).max_tokens(600).await?.text)
}

/// Files the document.
#[stage]
pub async fn archive(filed: Option<String>) -> StageResult<String> {
    Ok(filed.unwrap_or_else(|| "nothing to file".into()))
}
