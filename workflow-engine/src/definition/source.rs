//! The value that a stage receives, or that a workflow returns, by the stages that deliver it.

use crate::value::Json;

/// Where a value between two steps comes from. Stages and arms are named by their numbers.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// No stage: the run's input, or an arm without stages.
    Nothing,
    /// The outputs of these stages.
    Outputs(&'static [usize]),
    /// The values of branches.
    Group(&'static [Source]),
    /// The value of the arm that is taken.
    Choice {
        /// The matched stage.
        stage: usize,
        /// One source for each arm, in the order in which they are written.
        arms: &'static [Source],
    },
    /// The values that the pattern of an arm binds in the output of the matched stage.
    Bound {
        /// The matched stage.
        stage: usize,
        /// The arm.
        arm: usize,
        /// The matched value: the stage's output, or what its `catch` passes on.
        matched: &'static Source,
    },
    /// The value of the chain in a `catch`, or why one of its stages failed.
    Caught {
        /// The first stage in it.
        first: usize,
        /// The stage after its last. The last one keeps the failure.
        end: usize,
        /// The value of the chain.
        value: &'static Source,
    },
}

/// One stored value of those that make up the value of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The output of a stage.
    Output(usize),
    /// The number of the arm that is taken.
    Arm(u32),
    /// The failure that this stage keeps for its `catch`, or `null`.
    Failure(usize),
}

/// The progress of a stage, as far as sources depend on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) is_completed: bool,
    /// The arm that its outcome has chosen.
    pub(crate) arm: Option<u32>,
    /// Whether it keeps the failure of its `catch`.
    pub(crate) has_failure: bool,
}

/// What is stored about a stage beside its output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) arm: Option<u32>,
    /// See [`Source::Caught`].
    pub(crate) failure: Option<Json>,
}

impl Source {
    /// Returns the number of completions that release what receives this value. A choice counts as its widest arm: where
    /// a narrower one is taken, the commit of the matched stage counts for the difference.
    pub(crate) fn width(&self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Outputs(stages) => count(stages.len()),
            Self::Group(branches) => branches.iter().map(Self::width).sum(),
            // Where no arm has stages, the choice itself releases.
            Self::Choice { arms, .. } => arms.iter().map(Self::width).max().unwrap_or(0).max(1),
            Self::Bound { .. } => 1,
            Self::Caught { value, .. } => value.width(),
        }
    }

    /// Returns how many of those completions are still to come.
    pub(crate) fn open(&self, progress: &dyn Fn(usize) -> Progress) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Outputs(stages) => {
                count(stages.iter().filter(|stage| !progress(**stage).is_completed).count())
            }
            Self::Group(branches) => branches.iter().map(|branch| branch.open(progress)).sum(),
            Self::Choice { stage, arms } => {
                match progress(*stage).arm.and_then(|arm| arms.get(arm as usize)) {
                    Some(arm) => arm.open(progress),
                    None => self.width(),
                }
            }
            Self::Bound { stage, .. } => u32::from(progress(*stage).arm.is_none()),
            Self::Caught { end, .. } if progress(end - 1).has_failure => 0,
            Self::Caught { value, .. } => value.open(progress),
        }
    }

    /// Returns how many of those completions the completion of `stage` is, where its output chooses `arm`.
    pub(crate) fn releases(&self, stage: usize, arm: Option<usize>) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Outputs(stages) => count(stages.iter().filter(|other| **other == stage).count()),
            Self::Group(branches) => branches.iter().map(|branch| branch.releases(stage, arm)).sum(),
            Self::Choice { stage: matched, arms } if *matched == stage => {
                let width = arm.and_then(|arm| arms.get(arm)).map_or(0, Self::width);
                self.width() - width
            }
            Self::Choice { arms, .. } => arms.iter().map(|inner| inner.releases(stage, arm)).sum(),
            Self::Caught { value, .. } => value.releases(stage, arm),
            Self::Bound { stage: matched, arm: own, .. } => {
                u32::from(*matched == stage && arm.is_none_or(|arm| arm == *own))
            }
        }
    }

    /// Adds the stored values that make up the value. `outcome_of` returns what is known of a stage that has ended.
    ///
    /// # Errors
    /// The stage whose outcome is not known.
    pub(crate) fn slots(
        &self,
        outcome_of: &dyn Fn(usize) -> Option<Outcome>,
        slots: &mut Vec<Slot>,
    ) -> Result<(), usize> {
        match self {
            Self::Nothing => {}
            Self::Outputs(stages) => slots.extend(stages.iter().map(|stage| Slot::Output(*stage))),
            Self::Group(branches) => {
                branches.iter().try_for_each(|branch| branch.slots(outcome_of, slots))?;
            }
            Self::Choice { stage, arms } => {
                let arm = outcome_of(*stage).and_then(|outcome| outcome.arm).ok_or(*stage)?;
                let inner = arms.get(arm as usize).ok_or(*stage)?;
                slots.push(Slot::Arm(arm));
                inner.slots(outcome_of, slots)?;
            }
            Self::Bound { matched, .. } => matched.slots(outcome_of, slots)?,
            Self::Caught { end, value, .. } => {
                let keeper = end - 1;
                let outcome = outcome_of(keeper).ok_or(keeper)?;
                slots.push(Slot::Failure(keeper));
                if outcome.failure.is_none() {
                    value.slots(outcome_of, slots)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the JSON of the value from the stored values that make it up; `None` where one of them is missing.
    pub(crate) fn json(&self, values: &mut dyn Iterator<Item = &Json>) -> Option<String> {
        let mut list = |items: Vec<String>| Some(format!("[{}]", items.join(",")));
        match self {
            Self::Nothing => Some("null".to_owned()),
            Self::Outputs([_]) => values.next().map(|value| value.as_str().to_owned()),
            Self::Outputs(stages) => {
                let items = stages.iter().map(|_| values.next().map(|value| value.as_str().to_owned()));
                items.collect::<Option<Vec<String>>>().and_then(&mut list)
            }
            Self::Group(branches) => {
                let items = branches.iter().map(|branch| branch.json(values));
                items.collect::<Option<Vec<String>>>().and_then(&mut list)
            }
            Self::Choice { arms, .. } => {
                let arm: usize = values.next()?.as_str().parse().ok()?;
                arms.get(arm)?.json(values)
            }
            Self::Bound { matched, .. } => matched.json(values),
            Self::Caught { value, .. } => match values.next()?.as_str() {
                "null" => value.json(values).map(|value| format!("{{\"Ok\":{value}}}")),
                failure => Some(format!("{{\"Err\":{failure}}}")),
            },
        }
    }

    /// Returns whether it is a value that a choice or a catch decides, in whole or in part, or the values that an arm binds.
    pub(crate) fn is_chosen(&self) -> bool {
        matches!(self, Self::Bound { .. }) || self.has_choice()
    }

    /// Returns whether it depends on the arm that is taken, or on a failure.
    pub(crate) fn has_choice(&self) -> bool {
        match self {
            Self::Choice { .. } | Self::Caught { .. } => true,
            Self::Group(branches) => branches.iter().any(Self::has_choice),
            Self::Nothing | Self::Outputs(_) | Self::Bound { .. } => false,
        }
    }
}

/// Edges are counted in 32 bits; the macro refuses workflows far below that.
fn count(edges: usize) -> u32 {
    u32::try_from(edges).unwrap_or(u32::MAX)
}
