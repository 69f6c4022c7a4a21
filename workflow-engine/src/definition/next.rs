//! The stages that follow a completion.

use super::choice::CatchDefinition;
use super::source::Source;
use super::workflow::WorkflowDefinition;
use crate::records::StoredValue;
use crate::value::{Json, StageKey};

/// The effect of the completion of a stage on the rest of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Next {
    /// The stages that wait for it, each with the number of completions that this one counts for.
    pub(crate) releases: Vec<(usize, u32)>,
    /// The stages of the arms that are not taken.
    pub(crate) skips: Vec<usize>,
    /// The number of completions that it counts for at the end of the run.
    pub(crate) ends: u32,
}

/// The output of a run whose last completion is that of a certain stage.
pub(crate) enum RunOutput {
    /// This value.
    Value(StoredValue),
    /// The outputs of these stages.
    Stages(Vec<StageKey>),
}

/// Returns what a `catch` passes on, as JSON.
pub(crate) fn caught(outcome: Result<&Json, &Json>) -> Json {
    Json::trusted(match outcome {
        Ok(value) => format!("{{\"Ok\":{}}}", value.as_str()),
        Err(failure) => format!("{{\"Err\":{}}}", failure.as_str()),
    })
}

impl WorkflowDefinition {
    /// Returns what follows the completion of a stage whose output chooses `arm`, if it chooses.
    pub(crate) fn next(&self, stage: usize, arm: Option<usize>) -> Next {
        let successors = self.stages[stage].successors.iter();
        let releases = successors.filter_map(|&successor| {
            let count = self.stages[successor].source.releases(stage, arm);
            (count > 0).then_some((successor, count))
        });
        let choice = self.stages[stage].choice.as_ref().zip(arm);
        Next {
            releases: releases.collect(),
            skips: choice.map(|(choice, arm)| choice.skipped(arm).collect()).unwrap_or_default(),
            ends: self.output.releases(stage, arm),
        }
    }

    /// Returns the output of a run that ends with the completion of `stage`, whose output is `value` and chooses `arm`.
    pub(crate) fn run_output(&self, stage: usize, arm: Option<usize>, value: &StoredValue) -> RunOutput {
        let mut source = &self.output;
        loop {
            source = match source {
                Source::Outputs([_]) => return RunOutput::Value(value.clone()),
                Source::Nothing => return RunOutput::Value(StoredValue::Inline(Json::null())),
                Source::Caught { value: inner, .. } => {
                    return match (inner, value) {
                        (Source::Outputs([_]), StoredValue::Inline(value)) => {
                            RunOutput::Value(StoredValue::Inline(caught(Ok(value))))
                        }
                        _ => RunOutput::Stages(self.keys_of(source)),
                    };
                }
                Source::Choice { stage: matched, arms } => {
                    let inner = if *matched == stage {
                        arm.and_then(|arm| arms.get(arm))
                    } else {
                        arms.iter().find(|arm| arm.releases(stage, None) > 0)
                    };
                    match inner {
                        Some(inner) => inner,
                        None => return RunOutput::Stages(self.output_stage_keys()),
                    }
                }
                source => return RunOutput::Stages(self.keys_of(source)),
            };
        }
    }

    /// Returns whether the stage `of` may run in a run that has skipped the stage `other`.
    pub(crate) fn may_lack(&self, of: usize, other: usize) -> bool {
        let choices = self.stages.iter().filter_map(|stage| stage.choice.as_ref());
        let arms = choices.flat_map(|choice| &choice.arms).map(|arm| &arm.stages);
        let mut regions = arms.chain(self.catches.iter().map(|catch| &catch.stages));
        regions.any(|stages| stages.contains(&other) && !stages.contains(&of))
    }

    /// Returns the innermost catch around a stage.
    pub(crate) fn catch_around(&self, stage: usize) -> Option<&CatchDefinition> {
        let around = self.catches.iter().filter(|catch| catch.stages.contains(&stage));
        around.min_by_key(|catch| catch.stages.len())
    }

    /// Returns the catch whose failure this stage keeps.
    pub(crate) fn catch_kept_by(&self, stage: usize) -> Option<&CatchDefinition> {
        self.catches.iter().find(|catch| catch.keeper() == stage)
    }

    /// Returns the matched stages of the choices around a stage, from the outermost on.
    pub(crate) fn choices_around(&self, stage: usize) -> impl Iterator<Item = usize> + '_ {
        let choices =
            self.stages.iter().filter_map(|matched| Some((matched.index(), matched.choice.as_ref()?)));
        choices
            .filter(move |(_, choice)| choice.arms.iter().any(|arm| arm.stages.contains(&stage)))
            .map(|(matched, _)| matched)
    }

    /// Returns the keys of the stages whose outputs are the value of a source.
    fn keys_of(&self, source: &Source) -> Vec<StageKey> {
        match source {
            Source::Nothing | Source::Bound { .. } => Vec::new(),
            Source::Caught { value, .. } => self.keys_of(value),
            Source::Outputs(stages) => stages.iter().map(|&stage| self.stages[stage].key()).collect(),
            Source::Group(sources) | Source::Choice { arms: sources, .. } => {
                sources.iter().flat_map(|source| self.keys_of(source)).collect()
            }
        }
    }
}
