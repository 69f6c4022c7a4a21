//! Configurations that many stages need, flattened into a stage's own configuration.
//!
//! The fields of a preset appear beside the stage's own fields, in JSON and in the schema, with defaults and rules. One
//! stage cannot use two presets that share a field: [`EngineBuilder::build`](crate::EngineBuilder::build) refuses such a
//! workflow.
//!
//! ```
//! use workflow_engine::prelude::*;
//! use workflow_engine::presets::{AiConfig, ConcurrencyConfig};
//!
//! #[stage]
//! async fn summarize(
//!     text: String,
//!     #[config(flatten)] ai: AiConfig,
//!     #[config(flatten)] speed: ConcurrencyConfig,
//! ) -> StageResult<String> {
//!     Ok(format!("{} with {}, {} at a time", text, ai.model, speed.concurrency))
//! }
//!
//! let config = SummarizeConfig { ai: AiConfig { temperature: Some(0.2), ..AiConfig::default() }, ..Default::default() };
//! let json = serde_json::to_value(&config).unwrap();
//! assert_eq!(json["temperature"], 0.2);
//! assert_eq!(json["concurrency"], 5);
//! ```

mod ai;
mod approval;
mod concurrency;
mod for_each;
mod features;
mod debug;
mod bundles;

use schemars::{JsonSchema, Schema, SchemaGenerator};

pub use ai::AiConfig;
pub use approval::Approval;
pub use bundles::{FullConfig, StandardConfig};
pub use concurrency::ConcurrencyConfig;
pub use debug::DebugConfig;
pub use features::FeatureFlags;

use crate::definition::{Rule, is_without_rules};

/// Returns the schema of `T` with these rules.
fn ruled<T: JsonSchema>(generator: &mut SchemaGenerator, rules: &[Rule]) -> Schema {
    let mut schema = T::json_schema(generator);
    if !is_without_rules(generator) {
        let object = schema.ensure_object();
        for rule in rules {
            rule.describe(object);
        }
    }
    schema
}
