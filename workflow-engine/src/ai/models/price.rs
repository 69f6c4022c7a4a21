//! What a call costs, exactly.

use crate::ai::model::ModelConfig;
use crate::ai::response::Usage;
use crate::value::Cost;

/// Prices are for so many tokens.
const TOKENS: u128 = 1_000_000;

impl ModelConfig {
    /// What these tokens cost with this model, in a batch or not.
    ///
    /// Tokens from the cache have their own price where there is one; more of them than the prompt has are taken as the
    /// whole prompt. A batch costs `batch_discount_percent` less, on all of it. What is left of a picodollar (a
    /// millionth of a millionth of a dollar) counts as a whole one, once a call; so a sum is never less than what is
    /// owed, and more by one picodollar a call at most. What is more than [`Cost::MAX`] is that.
    ///
    /// ```
    /// use workflow_engine::ai::{ModelRegistry, Usage};
    ///
    /// let models = ModelRegistry::builtin();
    /// let usage = Usage { input_tokens: 1_000, cached_input_tokens: 400, output_tokens: 200 };
    /// // 600 at 0.30 USD, 400 at 0.03 USD and 200 at 2.50 USD for a million.
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
        // Where this stops at the largest number, the amount is far beyond the largest cost.
        .fold(0_u128, |sum, (tokens, price)| sum.saturating_add(amount(tokens, price)));
        let discount = if batch { self.batch_discount_percent.min(100) } else { 0 };
        let percent = u128::from(100 - discount);
        let picodollars = full.saturating_mul(percent).div_ceil(TOKENS * 100);
        Cost::from_picodollars(i64::try_from(picodollars).unwrap_or(i64::MAX))
    }
}

/// Millionths of a picodollar.
fn amount(tokens: u64, price: Cost) -> u128 {
    u128::from(tokens).saturating_mul(u128::from(price.picodollars().unsigned_abs()))
}
