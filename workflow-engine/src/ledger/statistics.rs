//! Sums over calls: counts, tokens and costs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Cost;

/// Sums over the calls of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallStatistics {
    /// Sums over all calls.
    pub total: CallSums,
    /// Sums by model key, in the order of the keys.
    pub by_model: Vec<(String, CallSums)>,
}

/// Sums over a set of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallSums {
    /// The number of calls with any outcome.
    pub calls: u64,
    /// The number of settled calls.
    pub settled: u64,
    /// The number of failed calls.
    pub failed: u64,
    /// The number of calls whose outcome is unknown.
    pub unknown: u64,
    /// Prompt tokens of the settled calls.
    pub input_tokens: u64,
    /// The input tokens that providers read from their caches.
    pub cached_input_tokens: u64,
    /// Response tokens of the settled calls.
    pub output_tokens: u64,
    /// The cost of the settled calls.
    pub cost: Cost,
    /// The maximum cost of the calls that are reserved or unknown.
    pub reserved: Cost,
}

impl CallStatistics {
    /// Sums up the models, which are in the order of their keys.
    pub(crate) fn new(by_model: Vec<(String, CallSums)>) -> Self {
        let mut total = CallSums::default();
        for (_, sums) in &by_model {
            total.add(sums);
        }
        Self { total, by_model }
    }
}

impl CallSums {
    /// Adds the sums over other calls.
    pub(crate) fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.settled = self.settled.saturating_add(other.settled);
        self.failed = self.failed.saturating_add(other.failed);
        self.unknown = self.unknown.saturating_add(other.unknown);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_input_tokens = self.cached_input_tokens.saturating_add(other.cached_input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cost += other.cost;
        self.reserved += other.reserved;
    }
}
