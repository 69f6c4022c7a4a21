//! The rules of `#[config(range(…), length(…), pattern = "…")]` and of `#[input(…)]`.
//!
//! A rule is data. It becomes keywords of the field's JSON Schema, and the engine checks the stored form of an input or a
//! configuration against them, so rules need no generated code.

mod rule;
mod kinds;
mod field_rule;
mod tree;
mod value_rules;

pub use kinds::{HasLength, HasPattern, HasRange, LengthUnit};
pub use rule::{Bound, Rule};

pub(crate) use rule::{is_without_rules, without_rules};
pub(crate) use value_rules::ValueRules;
