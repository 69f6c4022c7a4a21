//! What `#[config(range(…), length(…), pattern = "…")]` asks of a value.
//!
//! A rule is data. It becomes keywords of the field's JSON Schema, and a configuration is checked against those in its
//! stored form, so that no code is generated for it.

mod rule;
mod kinds;
mod field_rule;
mod tree;
mod config_rules;

pub use kinds::{HasLength, HasPattern, HasRange, LengthUnit};
pub use rule::{Bound, Rule};

pub(crate) use config_rules::ConfigRules;
pub(crate) use rule::{is_without_rules, without_rules};
