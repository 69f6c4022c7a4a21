//! What a check has found.

use serde::Serialize;

/// What a check has found. With advice, it is a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// What it has found.
    pub found: String,
    /// What to do.
    pub advice: Option<String>,
}

impl Finding {
    /// Creates the finding of a check that found no problem.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, found: found.into(), advice: None }
    }

    /// Creates a finding of a problem.
    pub fn problem(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, found: found.into(), advice: Some(advice.into()) }
    }

    /// Whether it is no problem.
    pub const fn is_ok(&self) -> bool {
        self.advice.is_none()
    }
}
