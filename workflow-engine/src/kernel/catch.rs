//! Failures inside of a `catch`: they become a value, and the run continues.

use super::Kernel;
use super::choice::choose_for_failure;
use super::commit_from_snapshot::decision_at;
use super::compatibility::open_completions;
use super::run_output::run_output;
use super::start_plan::delay_of;
use crate::definition::{CatchDefinition, StageDefinition, WorkflowDefinition};
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Decision, Snapshot};
use crate::records::{Lease, StageFailure, StageRecord, Status};
use crate::value::Json;

/// A failure that a `catch` turns into a value.
#[derive(Clone, Debug)]
pub(super) struct CaughtFailure {
    definition: &'static WorkflowDefinition,
    catch: &'static CatchDefinition,
    /// The [`StageFailure`].
    failure: Json,
    /// The arm that the failure chooses, if a `match` follows the `catch`.
    arm: Option<u32>,
}

/// Returns the failure as the value of the innermost `catch` around its stage. `None` without a `catch`, and where the
/// `match` on it fails: no user code runs inside of a transaction, so the arm is chosen here.
pub(super) async fn catch_failure(
    kernel: &Kernel,
    definition: &'static WorkflowDefinition,
    lease: &Lease,
    (code, error): (ErrorCode, &str),
) -> Result<Option<CaughtFailure>, Error> {
    let position = definition.stages.iter().position(|stage| stage.id == lease.stage_key.id);
    let Some(catch) = position.and_then(|position| definition.catch_around(position)) else {
        return Ok(None);
    };
    if code == ErrorCode::DefinitionMismatch {
        return Ok(None);
    }
    let Some(record) = kernel.store().stage(lease.run_id, &lease.stage_key).await? else { return Ok(None) };
    let failure = StageFailure::new(&lease.stage_key, code.as_str(), error, record.attempt);
    let failure = Json::encode(&failure)
        .map_err(|error| Error::stored_value(lease.run_id, "the failure of a stage", error))?;
    let keeper = &definition.stages[catch.keeper()];
    let arm = match choose_for_failure(keeper, &failure) {
        Ok(arm) => arm,
        Err(error) => {
            tracing::error!(run = %lease.run_id, stage = %lease.stage_key, error = error.message(), "a failure is not caught, because the `match` on it failed");
            return Ok(None);
        }
    };
    Ok(Some(CaughtFailure { definition, catch, failure, arm }))
}

impl CaughtFailure {
    /// Returns the decision that ends the catch: the stage fails, the others in it are cancelled or skipped, and what
    /// follows is released. The second value are the leases of the stages that it cancels.
    pub(super) fn decide(
        &self,
        snapshot: &Snapshot,
        failed: &StageRecord,
        error: &str,
    ) -> (Decision, Vec<Lease>) {
        let Self { definition, catch, failure, arm } = self;
        let keeper = &definition.stages[catch.keeper()].id;
        let mut after = snapshot.clone();
        if let Some(stage) = after.stages.iter_mut().find(|stage| stage.stage_id == *keeper) {
            (stage.failure, stage.arm) = (Some(failure.clone()), *arm);
        }
        let mut changes = vec![
            Change::Fail { stage_key: failed.key(), error: error.to_owned() },
            Change::Catch { stage_key: keeper.into(), failed: failed.key(), failure: failure.clone() },
        ];
        changes.extend(arm.map(|arm| Change::Choose { stage_key: keeper.into(), arm }));
        let mut counts = Counts { active: snapshot.run.active, suspended: snapshot.run.suspended };
        counts.remove(failed);
        let mut leases = Vec::new();
        for stage in
            definition.stages[catch.stages.clone()].iter().filter(|stage| stage.id != failed.stage_id)
        {
            let Some(stored) = open_stage(snapshot, stage) else { continue };
            let job = snapshot
                .jobs
                .iter()
                .find(|job| job.stage_id == stage.id && job.generation == snapshot.run.generation);
            let Some(job) = job else {
                changes.push(Change::Skip { stage_key: stage.key(), because: failed.stage_id.clone() });
                continue;
            };
            counts.remove(stored);
            leases.extend((job.status == Status::Running).then(|| Lease {
                run_id: job.run_id,
                stage_key: job.key(),
                generation: job.generation,
                epoch: job.lease_epoch,
            }));
            changes.push(Change::Cancel { stage_key: stage.key() });
        }
        let choice = definition.stages[catch.keeper()].choice.as_ref().zip(*arm);
        let skips: Vec<usize> =
            choice.map(|(choice, arm)| choice.skipped(arm as usize).collect()).unwrap_or_default();
        changes.extend(skips.iter().map(|&skipped| Change::Skip {
            stage_key: definition.stages[skipped].key(),
            because: keeper.clone(),
        }));
        changes.push(Change::Recount { active: counts.active, suspended: counts.suspended });
        changes.extend(self.releases(snapshot, &after, &skips));
        (decision_at(snapshot, "job.execute", changes), leases)
    }

    /// Returns the releases of the stages after the catch, and of the run.
    fn releases(&self, before: &Snapshot, after: &Snapshot, skips: &[usize]) -> Vec<Change> {
        let Self { definition, catch, .. } = self;
        let mut changes = Vec::new();
        for (index, stage) in definition.stages.iter().enumerate() {
            if catch.stages.contains(&index) || skips.contains(&index) || open_stage(before, stage).is_none()
            {
                continue;
            }
            let [open, left] =
                [before, after].map(|state| open_completions(state, definition, &stage.source));
            changes.extend((left..open).map(|_| Change::Release {
                stage_key: stage.key(),
                max_attempts: stage.retry.max_attempts,
                max_crashes: stage.retry.max_crashes,
                claim: None,
            }));
            changes.extend(delay_of(stage).filter(|_| left < open));
        }
        let [open, left] =
            [before, after].map(|state| open_completions(state, definition, &definition.output));
        let output = run_output(after, definition);
        changes.extend(
            (left..open).map(|_| Change::ReleaseRun {
                output: output.clone(),
                stages: definition.output_stage_keys(),
            }),
        );
        changes
    }
}

/// The run's counts of stages.
struct Counts {
    active: u32,
    suspended: u32,
}

impl Counts {
    /// Counts a stage with a job no longer.
    fn remove(&mut self, stage: &StageRecord) {
        let count = if stage.status == Status::Suspended { &mut self.suspended } else { &mut self.active };
        *count = count.saturating_sub(1);
    }
}

/// Returns the row of a stage that is not terminal.
fn open_stage<'a>(snapshot: &'a Snapshot, stage: &StageDefinition) -> Option<&'a StageRecord> {
    snapshot.stages.iter().find(|stored| stored.stage_id == stage.id && !stored.status.is_terminal())
}
