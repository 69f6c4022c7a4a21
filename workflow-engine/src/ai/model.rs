//! What is known of a model.

use serde::{Deserialize, Serialize};

use crate::value::Cost;

/// A model, with its prices.
#[expect(clippy::struct_excessive_bools, reason = "what a model can do, each for itself")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// The name under which the provider knows it: `gpt-5-mini`.
    pub id: String,
    /// For people.
    pub name: String,
    /// The [provider](super::AiProvider::id) that serves it: `openai`.
    pub provider: String,
    /// For a million tokens of the prompt.
    pub input_cost_per_million: Cost,
    /// For a million tokens of the answer, reasoning included.
    pub output_cost_per_million: Cost,
    /// For a million tokens of the prompt that the provider had in its cache; `None` where they cost as much as others.
    #[serde(default)]
    pub cached_input_cost_per_million: Option<Cost>,
    /// Whether it can be called in batches.
    #[serde(default)]
    pub supports_async_batch: bool,
    /// What a call in a batch costs less, 0 to 100.
    #[serde(default)]
    pub batch_discount_percent: u8,
    /// Whether it makes vectors instead of text.
    #[serde(default)]
    pub is_embedding_model: bool,
    /// Whether it can call tools.
    #[serde(default)]
    pub supports_tools: bool,
    /// Whether it can be held to a schema.
    #[serde(default)]
    pub supports_structured_outputs: bool,
    /// Prompt and answer together, in tokens.
    #[serde(default)]
    pub context_length: Option<u32>,
    /// The longest answer, in tokens.
    #[serde(default)]
    pub max_completion_tokens: Option<u32>,
    /// When the prices were read, as `2026-11-22`.
    #[serde(default)]
    pub priced_at: Option<String>,
}
