//! Choices and catches: which of them are around a stage, and what precedes a stage where it follows one.

use std::ops::Range;

use workflow_engine::records::Status;

use super::Run;

/// One branch of what precedes a stage.
pub enum Branch {
    Stage(usize),
    /// A matched stage, and those stages of its arms that end the branch.
    Choice(usize, Vec<usize>),
    /// The stages of a catch, and those of them that end the branch.
    Catch(Range<usize>, Vec<usize>),
}

/// An arm of a choice, or a catch.
#[derive(Clone, PartialEq, Eq)]
pub enum Region {
    /// A matched stage, and the stages of one of its arms.
    Arm(usize, Range<usize>),
    Catch(Range<usize>),
}

impl Region {
    fn stages(&self) -> &Range<usize> {
        match self {
            Self::Arm(_, stages) | Self::Catch(stages) => stages,
        }
    }
}

/// A stored value that a stage receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    Number(Option<u64>),
    /// Why a stage of a catch failed, or `null`.
    Failure(bool),
}

impl Received {
    /// Returns whether the text is that of this value.
    pub fn is(&self, text: &str) -> bool {
        match self {
            Self::Number(number) => number.is_some_and(|number| number.to_string() == text),
            Self::Failure(false) => text == "null",
            Self::Failure(true) => text.contains("stage_id"),
        }
    }
}

impl Run {
    /// Returns the arms of the choice on a stage.
    fn arms(&self, matched: usize) -> Vec<Range<usize>> {
        let choice = self.workflow.stages[matched].choice.iter();
        choice.flat_map(|choice| &choice.arms).map(|arm| arm.stages.clone()).collect()
    }

    /// Returns the stages of the innermost catch around a stage.
    pub fn catch_around(&self, stage: usize) -> Option<Range<usize>> {
        let mut around = self.regions_around(stage).into_iter().rev();
        around.find_map(|region| match region {
            Region::Catch(stages) => Some(stages),
            Region::Arm(..) => None,
        })
    }

    /// Returns the stages of the catches that have turned a failure into a value.
    pub fn caught(&self) -> Vec<Range<usize>> {
        let catches = self.workflow.catches.iter().map(|catch| catch.stages.clone());
        catches.filter(|stages| self.stages[stages.end - 1].has_failure).collect()
    }

    /// Returns the arm that is taken.
    pub fn taken(&self, matched: usize) -> Option<Range<usize>> {
        let arm = self.stages[matched].arm.filter(|_| self.stages[matched].status == Status::Completed)?;
        Some(self.arms(matched)[arm].clone())
    }

    /// Returns the arms and catches around a stage, the outermost first.
    pub fn regions_around(&self, stage: usize) -> Vec<Region> {
        let arms = (0..self.workflow.stages.len())
            .flat_map(|matched| self.arms(matched).into_iter().map(move |arm| Region::Arm(matched, arm)));
        let catches = self.workflow.catches.iter().map(|catch| Region::Catch(catch.stages.clone()));
        let mut around: Vec<Region> =
            arms.chain(catches).filter(|region| region.stages().contains(&stage)).collect();
        around.sort_by_key(|region| std::cmp::Reverse(region.stages().len()));
        around
    }

    /// Returns the branches that these stages end, as seen from inside of the regions `around`.
    pub fn branches(&self, stages: &[usize], around: &[Region]) -> Vec<Branch> {
        let mut branches: Vec<Branch> = Vec::new();
        for &stage in stages {
            let outer = self.regions_around(stage).into_iter().find(|region| !around.contains(region));
            let is_empty = self.arms(stage).iter().any(Range::is_empty)
                && !around
                    .iter()
                    .any(|region| matches!(region, Region::Arm(matched, _) if *matched == stage));
            let new = match outer {
                Some(Region::Catch(range)) => Branch::Catch(range, vec![stage]),
                Some(Region::Arm(matched, _)) => Branch::Choice(matched, vec![stage]),
                None if is_empty => Branch::Choice(stage, vec![stage]),
                None => Branch::Stage(stage),
            };
            let known = branches.iter_mut().find_map(|branch| match (branch, &new) {
                (Branch::Choice(other, ends), Branch::Choice(choice, _)) if other == choice => Some(ends),
                (Branch::Catch(other, ends), Branch::Catch(range, _)) if other == range => Some(ends),
                _ => None,
            });
            match known {
                Some(ends) => ends.push(stage),
                None => branches.push(new),
            }
        }
        branches
    }

    /// Returns how many branches are not over.
    pub fn open(&self, stages: &[usize], around: &mut Vec<Region>) -> usize {
        let branches = self.branches(stages, around).into_iter();
        let open = branches.map(|branch| match branch {
            Branch::Stage(stage) => usize::from(self.stages[stage].status != Status::Completed),
            Branch::Choice(matched, ends) => {
                let Some(arm) = self.taken(matched) else { return 1 };
                let ends: Vec<usize> = ends.into_iter().filter(|end| arm.contains(end)).collect();
                inside(Region::Arm(matched, arm), around, |around| self.open(&ends, around))
            }
            Branch::Catch(range, _) if self.stages[range.end - 1].has_failure => 0,
            Branch::Catch(range, ends) => {
                inside(Region::Catch(range), around, |around| self.open(&ends, around))
            }
        });
        open.sum()
    }

    /// Returns the stored values that a stage receives which follows these stages.
    pub fn received(&self, stages: &[usize], around: &mut Vec<Region>) -> Vec<Received> {
        let mut values = Vec::new();
        for branch in self.branches(stages, around) {
            match branch {
                Branch::Stage(stage) => values.push(Received::Number(self.stages[stage].output)),
                Branch::Choice(matched, ends) => {
                    let arm = self.taken(matched).expect("the stage was ready");
                    let ends: Vec<usize> = ends.into_iter().filter(|end| arm.contains(end)).collect();
                    values.push(Received::Number(self.stages[matched].arm.map(|arm| arm as u64)));
                    let region = Region::Arm(matched, arm);
                    values.extend(inside(region, around, |around| self.received(&ends, around)));
                }
                Branch::Catch(range, ends) => {
                    let has_failure = self.stages[range.end - 1].has_failure;
                    values.push(Received::Failure(has_failure));
                    if !has_failure {
                        let region = Region::Catch(range);
                        values.extend(inside(region, around, |around| self.received(&ends, around)));
                    }
                }
            }
        }
        values
    }

    /// Notes the arm that an output chooses, and skips the stages of the others.
    pub(super) fn choose(&mut self, stage: usize, arm: Option<usize>) {
        self.stages[stage].arm = arm;
        let Some(arm) = arm else { return };
        let others = self.arms(stage).into_iter().enumerate().filter(|(other, _)| *other != arm);
        for (_, stages) in others {
            for skipped in stages {
                self.stages[skipped].status = Status::Skipped;
                self.emit_for("stage:skipped", skipped);
            }
        }
    }

    /// Ends the stages of a catch in which `failed` has failed, and returns the stages that this makes ready.
    pub(super) fn catch(&mut self, failed: usize, range: Range<usize>) -> Vec<usize> {
        let before: Vec<usize> = (0..self.stages.len()).map(|stage| self.waits_for(stage)).collect();
        self.stages[failed].job = None;
        self.stages[range.end - 1].has_failure = true;
        for stage in range.clone() {
            if self.stages[stage].status.is_terminal() {
                continue;
            }
            let (status, event) = match self.stages[stage].job.take() {
                Some(_) => (Status::Cancelled, "stage:cancelled"),
                None => (Status::Skipped, "stage:skipped"),
            };
            self.stages[stage].status = status;
            self.emit_for(event, stage);
        }
        let ready = |stage: &usize| {
            !range.contains(stage)
                && !self.stages[*stage].status.is_terminal()
                && self.is_ready(*stage)
                && before[*stage] > 0
        };
        (0..self.stages.len()).filter(ready).collect()
    }
}

/// Calls a function inside of one more region.
fn inside<T>(region: Region, around: &mut Vec<Region>, look: impl FnOnce(&mut Vec<Region>) -> T) -> T {
    around.push(region);
    let seen = look(around);
    around.pop();
    seen
}
