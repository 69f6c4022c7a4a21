//! Token counts in OpenAI's format.

use serde::Deserialize;

use crate::ledger::usage::Usage;

#[derive(Clone, Copy, Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    prompt_tokens: u64,
    /// Includes reasoning tokens.
    #[serde(default)]
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<Details>,
}

#[derive(Clone, Copy, Deserialize)]
struct Details {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let cached = wire.prompt_tokens_details.and_then(|details| details.cached_tokens);
        Self {
            input_tokens: wire.prompt_tokens,
            cached_input_tokens: cached.unwrap_or(0),
            output_tokens: wire.completion_tokens,
        }
    }
}
