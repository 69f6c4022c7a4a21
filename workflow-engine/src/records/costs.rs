//! Costs of model calls over time, which outlive the runs.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Cost;

/// What the costs of a report are grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CostKey {
    /// The hour of the call, in UTC.
    Hour,
    /// The day of the call, in UTC.
    Day,
    /// The workflow.
    Workflow,
    /// The stage; the same id in two workflows is one group unless the workflow is a key too.
    Stage,
    /// The name under which the program has registered the model.
    Model,
}

/// The costs of the model calls of a time, grouped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CostReport {
    /// The beginning of the time, a full hour; `None` without a beginning.
    pub from: Option<DateTime<Utc>>,
    /// The end of the time, a full hour that is not part of it; `None` without an end.
    pub until: Option<DateTime<Utc>>,
    /// The sums over all calls of the time.
    pub total: CostSums,
    /// The groups, ordered by time, workflow, stage and model; one if nothing was to group by.
    pub groups: Vec<CostGroup>,
    /// Whether `groups` has all groups. Otherwise it has the first 10,000; `total` is complete anyhow.
    pub is_complete: bool,
    /// The costs so far of the runs that have not ended, whenever their calls were made. They are part of the sums too.
    pub unfinished: UnfinishedCosts,
}

/// The costs of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CostGroup {
    /// The beginning of the hour or day; `None` unless it is a key.
    pub at: Option<DateTime<Utc>>,
    /// The workflow; `None` unless it is a key, and for calls outside of runs.
    pub workflow_id: Option<String>,
    /// The stage; `None` unless it is a key, and for calls outside of stages.
    pub stage_id: Option<String>,
    /// The model's key; `None` unless it is a key.
    pub model_key: Option<String>,
    /// The sums of the group.
    #[serde(flatten)]
    pub sums: CostSums,
}

/// Sums over calls of models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CostSums {
    /// The number of calls.
    pub calls: u64,
    /// The number of calls that the provider has refused. They cost nothing.
    pub failed_calls: u64,
    /// The tokens of the prompts of settled calls.
    pub input_tokens: u64,
    /// Those tokens of prompts that providers read from their caches.
    pub cached_input_tokens: u64,
    /// The tokens of the responses of settled calls.
    pub output_tokens: u64,
    /// The cost of the settled calls.
    pub cost: Cost,
    /// The number of calls in progress.
    pub pending_calls: u64,
    /// The most that the calls in progress can cost.
    pub reserved: Cost,
    /// The number of calls whose outcome is unknown.
    pub unknown_calls: u64,
    /// The most that the calls with an unknown outcome can have cost.
    pub unknown_cost: Cost,
}

/// What runs that have not ended have cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct UnfinishedCosts {
    /// The number of runs, at most 10,000.
    pub runs: u64,
    /// Whether these are all.
    pub is_exact: bool,
    /// The cost of their settled calls.
    pub cost: Cost,
    /// The most that their calls in progress, and those with an unknown outcome, can cost.
    pub reserved: Cost,
}

impl CostSums {
    /// Adds the sums over other calls. Costs and numbers stop at their largest value.
    pub(crate) fn add(&mut self, other: &Self) {
        let add = |to: &mut u64, number: u64| *to = to.saturating_add(number);
        add(&mut self.calls, other.calls);
        add(&mut self.failed_calls, other.failed_calls);
        add(&mut self.input_tokens, other.input_tokens);
        add(&mut self.cached_input_tokens, other.cached_input_tokens);
        add(&mut self.output_tokens, other.output_tokens);
        add(&mut self.pending_calls, other.pending_calls);
        add(&mut self.unknown_calls, other.unknown_calls);
        self.cost += other.cost;
        self.reserved += other.reserved;
        self.unknown_cost += other.unknown_cost;
    }
}
