//! The rules of `#[config(range(…), length(…), pattern = "…")]`.
//!
//! A rule is data. It becomes keywords of the field's JSON Schema, and the engine checks the stored form of a configuration
//! against them, so rules need no generated code.

mod rule;
mod kinds;
mod field_rule;
mod tree;
mod config_rules;

pub use kinds::{HasLength, HasPattern, HasRange, LengthUnit};
pub use rule::{Bound, Rule};

pub(crate) use config_rules::ConfigRules;
pub(crate) use rule::{is_without_rules, without_rules};
