//! Token counts of a call to a language model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tokens of a call, as the provider counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the prompt, including those that the provider read from its cache.
    pub input_tokens: u64,
    /// The input tokens that the provider read from its cache.
    pub cached_input_tokens: u64,
    /// Tokens of the response, including reasoning.
    pub output_tokens: u64,
}
