//! The stored values that a body receives, from the cache or the store.

use std::collections::HashMap;

use super::context::AttemptContext;
use crate::context::StageError;
use crate::definition::{Outcome, Slot, StageDefinition, WorkflowDefinition};
use crate::error::Error;
use crate::kernel::registry::Registered;
use crate::kernel::run_cache::CachedRun;
use crate::kernel::stored_values::cached_run;
use crate::records::ClaimedJob;
use crate::value::{Json, StageKey};

/// The stored values of one attempt.
pub(super) struct Inputs {
    /// For a first stage, the run's input; otherwise the outputs of upstream stages, in the order of the workflow.
    pub(super) upstream: Vec<Json>,
    /// The outputs that the stage requires or may read, by stage id.
    pub(super) reads: HashMap<String, Json>,
    /// The complete configuration of the stage.
    pub(super) config: Json,
    /// The metadata of the run.
    pub(super) metadata: Option<Json>,
}

/// Returns the stored values that make up the value that the stage receives, in their order, and what is stored about the
/// stages that they depend on. The inner error fails the attempt.
async fn slots(
    attempt: &AttemptContext<'_>,
    run: &CachedRun,
) -> Result<Result<(Vec<Slot>, HashMap<usize, Outcome>), StageError>, Error> {
    let AttemptContext { kernel, registered, stage, job, .. } = *attempt;
    let definition = registered.definition();
    let mut outcomes: HashMap<usize, Outcome> = HashMap::new();
    loop {
        let mut slots = Vec::new();
        let found = stage.source.slots(&|index| outcomes.get(&index).cloned(), &mut slots);
        let Err(unknown) = found else { return Ok(Ok((slots, outcomes))) };
        let unknown_stage = &definition.stages[unknown];
        // One that does not exist would be unknown again.
        if outcomes.contains_key(&unknown) {
            let id = &unknown_stage.id;
            let error = format_args!("the arm that the outcome of stage `{id}` has chosen is missing");
            return Ok(Err(StageError::permanent(error)));
        }
        let outcome = if let Some(outcome) = cached_outcome(definition, run, unknown).await {
            outcome
        } else {
            let record = kernel.store().stage(job.lease.run_id, &unknown_stage.key()).await?;
            record.map(|record| Outcome { arm: record.arm, failure: record.failure }).unwrap_or_default()
        };
        outcomes.insert(unknown, outcome);
    }
}

/// Returns what this process knows about a stage from its own commit of its output.
async fn cached_outcome(definition: &WorkflowDefinition, run: &CachedRun, index: usize) -> Option<Outcome> {
    let stage = &definition.stages[index];
    if stage.choice.is_some() {
        // Its catch, if it keeps the failure of one, ends with this output.
        return Some(Outcome { arm: Some(run.arm(&stage.key()).await?), failure: None });
    }
    // In a catch that ends in branches, another one may have failed.
    if definition.catch_kept_by(index)?.ends_in_branches {
        return None;
    }
    run.output(&stage.key()).await.map(|_| Outcome::default())
}

/// Loads the stored values that the body receives. The inner error fails the attempt: an output that should exist is
/// missing.
pub(super) async fn load_inputs(attempt: &AttemptContext<'_>) -> Result<Result<Inputs, StageError>, Error> {
    let AttemptContext { kernel, registered, stage, job, .. } = *attempt;
    let lease = &job.lease;
    let run = cached_run(kernel, lease.run_id, lease.generation).await?;
    run.note_claimed(&lease.stage_key);
    let definition = registered.definition();
    let (slots, outcomes) = match slots(attempt, &run).await? {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let delivering = slots.iter().filter_map(|slot| match slot {
        Slot::Output(stage) => Some(*stage),
        Slot::Arm(_) | Slot::Failure(_) => None,
    });
    let wanted: Vec<StageKey> =
        delivering.chain(stage.reads.iter().copied()).map(|index| definition.stages[index].key()).collect();
    // In the order of the wanted ones.
    let mut outputs: Vec<Option<Json>> = Vec::with_capacity(wanted.len());
    let mut missing = Vec::new();
    for stage_key in &wanted {
        let output = run.output(stage_key).await;
        if output.is_none() {
            missing.push(stage_key.clone());
        }
        outputs.push(output);
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        missing.dedup();
        let stored = kernel.stored_outputs(lease.run_id, &missing).await?;
        for (slot, stage_key) in outputs.iter_mut().zip(&wanted).filter(|(slot, _)| slot.is_none()) {
            *slot = stored.get(stage_key).cloned();
        }
        for (stage_key, output) in stored {
            run.insert_output(&stage_key, output);
        }
    }
    let missing = |stage_key: &StageKey| {
        StageError::permanent(format_args!("the output of stage `{stage_key}` is missing"))
    };
    let mut outputs = outputs.into_iter().zip(wanted);
    let upstream: Result<Vec<Json>, StageError> = if stage.predecessors.is_empty() {
        Ok(vec![run.input.clone()])
    } else {
        let values = slots.iter().map(|slot| match slot {
            Slot::Arm(arm) => Ok(Json::trusted(arm.to_string())),
            Slot::Failure(keeper) => {
                let failure = outcomes.get(keeper).and_then(|outcome| outcome.failure.clone());
                Ok(failure.unwrap_or_else(Json::null))
            }
            Slot::Output(_) => {
                let (output, stage_key) = outputs.next().unwrap_or_default();
                output.ok_or_else(|| missing(&stage_key))
            }
        });
        values.collect()
    };
    let mut reads = Ok(HashMap::with_capacity(stage.reads.len()));
    for (&index, (output, stage_key)) in stage.reads.iter().zip(outputs) {
        match output {
            Some(output) => _ = reads.as_mut().map(|reads| reads.insert(stage_key.id, output)),
            // It is optional, and was skipped or has failed.
            None if definition.may_lack(stage.index(), index) => {}
            None => reads = Err(missing(&stage_key)),
        }
    }
    let config = stage_config(&run, registered, stage, job);
    let metadata = run.metadata.clone();
    Ok(upstream.and_then(|upstream| Ok(Inputs { upstream, reads: reads?, config, metadata })))
}

/// Returns the complete configuration of a stage.
pub(super) fn stage_config(
    run: &CachedRun,
    registered: &Registered,
    stage: &StageDefinition,
    job: &ClaimedJob,
) -> Json {
    let mut config = run.config.get(&stage.id).cloned();
    if job.definition_fingerprint != registered.definition().fingerprint()
        && let Ok(complete) = stage.config.complete(config.as_ref())
    {
        // The run's own definition completed it, and may have had fewer fields than the compatible one.
        config = Some(complete);
    }
    config.unwrap_or_else(Json::null)
}
