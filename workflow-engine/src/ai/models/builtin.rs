//! Current models, with their prices as of a day.

use std::collections::BTreeMap;

use crate::ai::model::ModelConfig;
use crate::value::Cost;

/// One line of the table. Prices are in thousandths of a dollar for a million tokens.
struct Line {
    id: &'static str,
    name: &'static str,
    provider: &'static str,
    input: i64,
    cached: Option<i64>,
    output: i64,
    context: u32,
    longest: Option<u32>,
    priced_at: &'static str,
}

/// Each date is that of the source of the price, and not of this table.
#[rustfmt::skip]
const LINES: [Line; 11] = [
    // platform.claude.com, pricing, as others have read it.
    Line { id: "claude-haiku-4-5", name: "Claude Haiku 4.5", provider: "anthropic", input: 1_000, cached: Some(100), output: 5_000, context: 200_000, longest: Some(64_000), priced_at: "2026-10-24" },
    Line { id: "claude-opus-5-5", name: "Claude Opus 5.5", provider: "anthropic", input: 4_000, cached: Some(200), output: 20_000, context: 1_000_000, longest: Some(128_000), priced_at: "2026-10-24" },
    Line { id: "claude-sonnet-5-5", name: "Claude Sonnet 5.5", provider: "anthropic", input: 2_000, cached: Some(100), output: 10_000, context: 1_000_000, longest: Some(128_000), priced_at: "2026-10-24" },
    // ai.google.dev, pricing. Sound costs more than text with these: register them with its price where you send it.
    Line { id: "gemini-2.5-flash", name: "Gemini 2.5 Flash", provider: "google", input: 300, cached: Some(30), output: 2_500, context: 1_048_576, longest: Some(65_536), priced_at: "2026-09-20" },
    Line { id: "gemini-2.5-flash-lite", name: "Gemini 2.5 Flash-Lite", provider: "google", input: 100, cached: Some(10), output: 400, context: 1_048_576, longest: Some(65_536), priced_at: "2026-09-20" },
    Line { id: "gemini-3.5-flash-lite", name: "Gemini 3.5 Flash-Lite", provider: "google", input: 300, cached: Some(30), output: 2_500, context: 1_048_576, longest: Some(65_536), priced_at: "2026-07-21" },
    Line { id: "gemini-embedding-001", name: "Gemini Embedding 001", provider: "google", input: 150, cached: None, output: 0, context: 2_048, longest: None, priced_at: "2026-09-20" },
    // developers.openai.com, pricing; of the embedding models, the announcement.
    Line { id: "gpt-5.4-mini", name: "GPT-5.4 mini", provider: "openai", input: 750, cached: Some(75), output: 4_500, context: 400_000, longest: Some(128_000), priced_at: "2026-05-04" },
    Line { id: "gpt-5.4-nano", name: "GPT-5.4 nano", provider: "openai", input: 200, cached: Some(20), output: 1_250, context: 400_000, longest: Some(128_000), priced_at: "2026-05-04" },
    Line { id: "text-embedding-3-large", name: "text-embedding-3-large", provider: "openai", input: 130, cached: None, output: 0, context: 8_192, longest: None, priced_at: "2024-01-25" },
    Line { id: "text-embedding-3-small", name: "text-embedding-3-small", provider: "openai", input: 20, cached: None, output: 0, context: 8_192, longest: None, priced_at: "2024-01-25" },
];

pub(super) fn models() -> BTreeMap<String, ModelConfig> {
    LINES.iter().map(|line| (line.id.to_owned(), model(line))).collect()
}

fn model(line: &Line) -> ModelConfig {
    let price = |thousandths: i64| Cost::from_picodollars(thousandths * 1_000_000_000);
    let generates = line.longest.is_some();
    ModelConfig {
        id: line.id.to_owned(),
        name: line.name.to_owned(),
        provider: line.provider.to_owned(),
        input_cost_per_million: price(line.input),
        output_cost_per_million: price(line.output),
        cached_input_cost_per_million: line.cached.map(price),
        // All three give half off for a batch. Of embeddings the engine makes none.
        supports_async_batch: generates,
        batch_discount_percent: if generates { 50 } else { 0 },
        is_embedding_model: !generates,
        supports_tools: generates,
        supports_structured_outputs: generates,
        context_length: Some(line.context),
        max_completion_tokens: line.longest,
        priced_at: Some(line.priced_at.to_owned()),
    }
}
