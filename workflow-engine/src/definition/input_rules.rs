//! The rules at the parameters of a stage.

use std::sync::Arc;

use super::rules::{Rule, ValueRules};
use crate::value::Json;

/// The rules at the plain parameters of a stage, `#[input(…)]`.
#[derive(Debug)]
pub(crate) struct InputRules {
    /// Shared with the attempts in progress.
    pub(crate) rules: Arc<ValueRules>,
    /// Checks the run's input as the input of this stage, if it is a first stage and converts the run's input.
    pub(crate) check_start: CheckStart,
    pub(crate) faults: Vec<String>,
}

/// As [`InputRules::check_start`].
pub(crate) type CheckStart = fn(&Json, &ValueRules) -> Result<(), String>;

impl InputRules {
    /// `None` for a stage without rules.
    pub(crate) fn new(fields: &[(&'static str, &'static [Rule])], check_start: CheckStart) -> Option<Self> {
        if fields.is_empty() {
            return None;
        }
        let (rules, faults) = ValueRules::of_fields(fields);
        Some(Self { rules: Arc::new(rules), check_start, faults })
    }
}
