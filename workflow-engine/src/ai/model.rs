//! A model: its features, limits and prices, and the cost of a call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ledger::usage::Usage;
use crate::value::Cost;

/// A model with its features, limits and prices.
#[expect(clippy::struct_excessive_bools, reason = "each flag is an independent feature of a model")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelConfig {
    /// The provider's id of the model, such as `gpt-5-mini`.
    pub id: String,
    /// A display name.
    pub name: String,
    /// The [id of the provider](super::AiProvider::id) that serves the model, such as `openai`.
    pub provider: String,
    /// The price of a million prompt tokens.
    pub input_cost_per_million: Cost,
    /// The price of a million response tokens, including reasoning.
    pub output_cost_per_million: Cost,
    /// The price of a million prompt tokens that the provider reads from its cache; `None` if they have no special
    /// price.
    #[serde(default)]
    pub cached_input_cost_per_million: Option<Cost>,
    /// Whether the model supports batches.
    #[serde(default)]
    pub supports_async_batch: bool,
    /// The discount for a call in a batch, in percent from 0 to 100.
    #[serde(default)]
    pub batch_discount_percent: u8,
    /// Whether the model computes embeddings instead of text.
    #[serde(default)]
    pub is_embedding_model: bool,
    /// Whether the model can call tools.
    #[serde(default)]
    pub supports_tools: bool,
    /// Whether the model can be constrained to a JSON Schema.
    #[serde(default)]
    pub supports_structured_outputs: bool,
    /// The maximum number of tokens of prompt and response together.
    #[serde(default)]
    pub context_length: Option<u32>,
    /// The maximum number of response tokens.
    #[serde(default)]
    pub max_completion_tokens: Option<u32>,
    /// The date of the prices, such as `2026-11-22`.
    #[serde(default)]
    pub priced_at: Option<String>,
}

/// The number of tokens that a price is for.
const PRICE_UNIT: u128 = 1_000_000;

impl ModelConfig {
    /// Computes the exact cost of a call with this usage, in a batch or not.
    ///
    /// Cached tokens have their own price if the model has one; if the usage reports more cached tokens than prompt
    /// tokens, the whole prompt counts as cached. A batch reduces the whole cost by `batch_discount_percent`.
    ///
    /// The cost is rounded up to a whole picodollar (a millionth of a millionth of a dollar) once per call. So a sum
    /// is never less than the amount owed, and exceeds it by at most one picodollar per call. Costs above [`Cost::MAX`]
    /// are reported as that.
    ///
    /// ```
    /// use workflow_engine::ai::{ModelRegistry, Usage};
    ///
    /// let models = ModelRegistry::builtin();
    /// let usage = Usage { input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 200 };
    /// // 600 tokens at 0.30 USD, 400 at 0.03 USD and 200 at 2.50 USD per million.
    /// assert_eq!(models.get("gemini-2.5-flash")?.cost(&usage, false).to_string(), "0.000692 USD");
    /// assert_eq!(models.get("gemini-2.5-flash")?.cost(&usage, true).to_string(), "0.000346 USD");
    /// # Ok::<(), workflow_engine::ai::AiError>(())
    /// ```
    #[must_use]
    pub fn cost(&self, usage: &Usage, batch: bool) -> Cost {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let cached_price = self.cached_input_cost_per_million.unwrap_or(self.input_cost_per_million);
        let full = [
            (usage.input_tokens - cached, self.input_cost_per_million),
            (cached, cached_price),
            (usage.output_tokens, self.output_cost_per_million),
        ]
        .into_iter()
        // A sum that saturates here is far above `Cost::MAX` in any case.
        .fold(0_u128, |sum, (tokens, price)| sum.saturating_add(unscaled_amount(tokens, price)));
        let discount = if batch { self.batch_discount_percent.min(100) } else { 0 };
        let percent = u128::from(100 - discount);
        let picodollars = full.saturating_mul(percent).div_ceil(PRICE_UNIT * 100);
        Cost::from_picodollars(i64::try_from(picodollars).unwrap_or(i64::MAX))
    }
}

/// Returns an amount in millionths of a picodollar.
fn unscaled_amount(tokens: u64, price: Cost) -> u128 {
    u128::from(tokens).saturating_mul(u128::from(price.picodollars().unsigned_abs()))
}
