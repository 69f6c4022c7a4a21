//! Choices: their arms, and the functions that choose; and catches.

use std::ops::Range;

use crate::value::Json;

/// The choice that follows a stage, `match stage { … }` or `match catch(… >> stage) { … }`: each run executes one of its arms.
#[derive(Debug)]
pub struct ChoiceDefinition {
    /// The arms, in the order in which they are written. The first whose pattern fits is taken.
    pub arms: Vec<ArmDefinition>,
    /// Whether the matched value is what a `catch` around the stage passes on.
    pub(crate) is_caught: bool,
    pub(crate) choose: Choose,
}

/// One arm of a choice.
#[derive(Debug)]
pub struct ArmDefinition {
    /// The pattern, as it is written.
    pub pattern: String,
    /// The guard, as it is written.
    pub guard: Option<String>,
    /// The stages of the arm, those of choices inside it included; empty for `()`.
    pub stages: Range<usize>,
}

/// Returns the arm for the stored values that make up the matched value.
pub(crate) type Choose = fn(&[Json]) -> Result<usize, serde_json::Error>;

/// A `catch`: a failure in it becomes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatchDefinition {
    /// The stages in it. The last one keeps the failure.
    pub stages: Range<usize>,
    /// Whether its chain ends in a group or a `match`, so that several stages end it.
    pub(crate) ends_in_branches: bool,
}

impl CatchDefinition {
    /// The stage that keeps the failure.
    pub(crate) fn keeper(&self) -> usize {
        self.stages.end - 1
    }
}

impl ChoiceDefinition {
    /// Returns the stages that a run skips where it takes this arm, in reading order.
    pub fn skipped(&self, arm: usize) -> impl Iterator<Item = usize> + '_ {
        let others = self.arms.iter().enumerate().filter(move |(other, _)| *other != arm);
        others.flat_map(|(_, arm)| arm.stages.clone())
    }
}
