//! What calls come to, together.

use crate::value::Cost;

/// Sums over calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallStatistics {
    /// Over all of them.
    pub total: CallSums,
    /// By the key of the model, in order of the keys.
    pub by_model: Vec<(String, CallSums)>,
}

/// Sums over some calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallSums {
    /// How many there are, whatever became of them.
    pub calls: u64,
    /// How many are settled.
    pub settled: u64,
    /// How many have failed.
    pub failed: u64,
    /// How many are unknown.
    pub unknown: u64,
    /// Of the prompts of those that are settled.
    pub input_tokens: u64,
    /// Of those, from the cache.
    pub cached_input_tokens: u64,
    /// Of the answers of those that are settled.
    pub output_tokens: u64,
    /// Of those that are settled.
    pub cost: Cost,
    /// What those that are intended or unknown can cost at most.
    pub reserved: Cost,
}

impl CallStatistics {
    /// Those of these models, in order of their keys.
    pub(crate) fn new(by_model: Vec<(String, CallSums)>) -> Self {
        let mut total = CallSums::default();
        for (_, sums) in &by_model {
            total.add(sums);
        }
        Self { total, by_model }
    }
}

impl CallSums {
    /// Adds the sums over some others.
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
