//! The built-in models, with the dates of their prices.

use std::collections::BTreeMap;

use crate::ai::model::ModelConfig;
use crate::value::Cost;

/// One row of the table. Prices are in thousandths of a dollar per million tokens.
struct Row {
    id: &'static str,
    name: &'static str,
    provider: &'static str,
    input: i64,
    cached: Option<i64>,
    output: i64,
    context: u32,
    max_output: Option<u32>,
    priced_at: &'static str,
}

/// Each date is that of the price's source, not of this table.
#[rustfmt::skip]
const ROWS: [Row; 11] = [
    // platform.claude.com, pricing, from secondary sources.
    Row { id: "claude-haiku-4-5", name: "Claude Haiku 4.5", provider: "anthropic", input: 1_000, cached: Some(100), output: 5_000, context: 200_000, max_output: Some(64_000), priced_at: "2026-10-24" },
    Row { id: "claude-opus-5-5", name: "Claude Opus 5.5", provider: "anthropic", input: 4_000, cached: Some(200), output: 20_000, context: 1_000_000, max_output: Some(128_000), priced_at: "2026-10-24" },
    Row { id: "claude-sonnet-5-5", name: "Claude Sonnet 5.5", provider: "anthropic", input: 2_000, cached: Some(100), output: 10_000, context: 1_000_000, max_output: Some(128_000), priced_at: "2026-10-24" },
    // ai.google.dev, pricing. Audio input costs more than text: to send audio, register the models with its price.
    Row { id: "gemini-2.5-flash", name: "Gemini 2.5 Flash", provider: "google", input: 300, cached: Some(30), output: 2_500, context: 1_048_576, max_output: Some(65_536), priced_at: "2026-09-20" },
    Row { id: "gemini-2.5-flash-lite", name: "Gemini 2.5 Flash-Lite", provider: "google", input: 100, cached: Some(10), output: 400, context: 1_048_576, max_output: Some(65_536), priced_at: "2026-09-20" },
    Row { id: "gemini-3.5-flash-lite", name: "Gemini 3.5 Flash-Lite", provider: "google", input: 300, cached: Some(30), output: 2_500, context: 1_048_576, max_output: Some(65_536), priced_at: "2026-07-21" },
    Row { id: "gemini-embedding-001", name: "Gemini Embedding 001", provider: "google", input: 150, cached: None, output: 0, context: 2_048, max_output: None, priced_at: "2026-09-20" },
    // developers.openai.com, pricing; for the embedding models, their announcement.
    Row { id: "gpt-5.4-mini", name: "GPT-5.4 mini", provider: "openai", input: 750, cached: Some(75), output: 4_500, context: 400_000, max_output: Some(128_000), priced_at: "2026-05-04" },
    Row { id: "gpt-5.4-nano", name: "GPT-5.4 nano", provider: "openai", input: 200, cached: Some(20), output: 1_250, context: 400_000, max_output: Some(128_000), priced_at: "2026-05-04" },
    Row { id: "text-embedding-3-large", name: "text-embedding-3-large", provider: "openai", input: 130, cached: None, output: 0, context: 8_192, max_output: None, priced_at: "2024-01-25" },
    Row { id: "text-embedding-3-small", name: "text-embedding-3-small", provider: "openai", input: 20, cached: None, output: 0, context: 8_192, max_output: None, priced_at: "2024-01-25" },
];

pub(super) fn models() -> BTreeMap<String, ModelConfig> {
    ROWS.iter().map(|row| (row.id.to_owned(), model(row))).collect()
}

fn model(row: &Row) -> ModelConfig {
    let price = |thousandths: i64| Cost::from_picodollars(thousandths * 1_000_000_000);
    let generates = row.max_output.is_some();
    ModelConfig {
        id: row.id.to_owned(),
        name: row.name.to_owned(),
        provider: row.provider.to_owned(),
        input_cost_per_million: price(row.input),
        output_cost_per_million: price(row.output),
        cached_input_cost_per_million: row.cached.map(price),
        // All three providers discount batches by half. The engine batches no embeddings.
        supports_async_batch: generates,
        batch_discount_percent: if generates { 50 } else { 0 },
        is_embedding_model: !generates,
        supports_tools: generates,
        supports_structured_outputs: generates,
        context_length: Some(row.context),
        max_completion_tokens: row.max_output,
        priced_at: Some(row.priced_at.to_owned()),
    }
}
