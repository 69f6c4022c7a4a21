//! Which dead letters a replay takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::DeadLetter;
use crate::value::RunId;

/// A selection of dead letters. Each condition narrows it.
///
/// ```
/// use workflow_engine::DeadLetterFilter;
///
/// let letters = DeadLetterFilter::new().plugin("bell");
/// # let _ = letters;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[must_use]
pub struct DeadLetterFilter {
    /// The plugin, or `sink`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The run of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The sequence number of the event in its run; it needs `run_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
}

impl DeadLetterFilter {
    /// Creates a filter that selects every dead letter.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects this dead letter alone.
    pub fn letter(letter: &DeadLetter) -> Self {
        Self::new().plugin(&letter.plugin).event(letter.event.run_id, letter.event.sequence)
    }

    /// Selects the dead letters of this plugin.
    pub fn plugin(mut self, plugin: impl Into<String>) -> Self {
        self.plugin = Some(plugin.into());
        self
    }

    /// Selects the dead letters of this run.
    pub const fn run(mut self, run_id: RunId) -> Self {
        self.run_id = Some(run_id);
        self
    }

    /// Selects the dead letters of this event: one for each plugin that has refused it.
    pub const fn event(mut self, run_id: RunId, sequence: u64) -> Self {
        (self.run_id, self.sequence) = (Some(run_id), Some(sequence));
        self
    }

    /// Returns whether a dead letter of this plugin matches, for this event of this run.
    #[must_use]
    pub fn admits(&self, plugin: &str, run_id: RunId, sequence: u64) -> bool {
        self.plugin.as_deref().is_none_or(|own| own == plugin)
            && self.run_id.is_none_or(|own| own == run_id)
            && self.sequence.is_none_or(|own| own == sequence)
    }
}
