//! The preset for concurrent work on many items.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::ruled;
use crate::definition::{Bound, Rule};

/// The concurrency, pace and retries with which a stage processes items. See
/// [`StageContext::for_each_concurrent`](crate::StageContext::for_each_concurrent).
///
/// ```
/// let speed = workflow_engine::presets::ConcurrencyConfig::default();
/// assert_eq!((speed.concurrency, speed.delay_ms, speed.max_retries), (5, 0, 3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ConcurrencyConfig {
    /// The number of items in progress at the same time, at least 1. Default: 5.
    #[schemars(schema_with = "concurrency")]
    pub concurrency: usize,
    /// The delay between the starts of two items, in milliseconds. Default: 0.
    pub delay_ms: u64,
    /// The number of retries of a failed item. Default: 3.
    pub max_retries: u32,
}

impl Default for ConcurrencyConfig {
    fn default() -> Self {
        Self { concurrency: 5, delay_ms: 0, max_retries: 3 }
    }
}

fn concurrency(generator: &mut SchemaGenerator) -> Schema {
    let rule = Rule::Range { min: Some(Bound::Int(1)), max: None, exclusive: false };
    ruled::<usize>(generator, &[rule])
}
