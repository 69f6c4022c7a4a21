//! The stored values that a body receives, from the cache or the store.

use std::collections::HashMap;

use super::context::AttemptContext;
use crate::context::StageError;
use crate::definition::StageDefinition;
use crate::error::Error;
use crate::kernel::registry::Registered;
use crate::kernel::run_cache::CachedRun;
use crate::kernel::stored_values::cached_run;
use crate::records::ClaimedJob;
use crate::value::Json;

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

/// Loads the stored values that the body receives. The inner error fails the attempt: an output that should exist is
/// missing.
pub(super) async fn load_inputs(attempt: &AttemptContext<'_>) -> Result<Result<Inputs, StageError>, Error> {
    let AttemptContext { kernel, registered, stage, job, .. } = *attempt;
    let lease = &job.lease;
    let run = cached_run(kernel, lease.run_id, lease.generation).await?;
    run.note_claimed(&lease.stage_id);
    let stages = &registered.definition().stages;
    let id = |index: &usize| stages[*index].id.as_str();
    let wanted = || stage.inputs.iter().chain(&stage.reads).map(id);
    // In the order of the wanted ones.
    let mut outputs: Vec<Option<Json>> = Vec::with_capacity(stage.inputs.len() + stage.reads.len());
    let mut missing = Vec::new();
    for stage_id in wanted() {
        let output = run.output(stage_id).await;
        if output.is_none() {
            missing.push(stage_id.to_owned());
        }
        outputs.push(output);
    }
    if !missing.is_empty() {
        missing.sort_unstable();
        missing.dedup();
        let stored = kernel.stored_outputs(lease.run_id, &missing).await?;
        for (slot, stage_id) in outputs.iter_mut().zip(wanted()).filter(|(slot, _)| slot.is_none()) {
            *slot = stored.get(stage_id).cloned();
        }
        for (stage_id, output) in stored {
            run.insert_output(&stage_id, output);
        }
    }
    let mut outputs = outputs.into_iter().zip(wanted()).map(|(output, stage_id)| {
        let missing = || StageError::permanent(format_args!("the output of stage `{stage_id}` is missing"));
        Ok((stage_id, output.ok_or_else(missing)?))
    });
    let upstream: Result<Vec<Json>, StageError> = if stage.predecessors.is_empty() {
        Ok(vec![run.input.clone()])
    } else {
        outputs.by_ref().take(stage.inputs.len()).map(|found| Ok(found?.1)).collect()
    };
    let reads = outputs
        .map(|found: Result<_, StageError>| found.map(|(stage_id, output)| (stage_id.to_owned(), output)));
    let reads: Result<HashMap<String, Json>, StageError> = reads.collect();
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
