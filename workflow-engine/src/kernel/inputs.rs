//! What an attempt is called with: stored values, remembered or read.

use std::collections::HashMap;

use super::Kernel;
use super::registry::Registered;
use crate::context::StageError;
use crate::definition::StageDefinition;
use crate::error::Error;
use crate::records::ClaimedJob;
use crate::value::Json;

/// The stored values of one attempt.
pub(super) struct Inputs {
    /// At the start the run's input; elsewhere the outputs that the stage is handed, in writing order.
    pub(super) handed: Vec<Json>,
    /// The outputs that it requires or may read, by stage id.
    pub(super) reads: HashMap<String, Json>,
    /// Its complete configuration.
    pub(super) config: Json,
}

impl Kernel {
    /// The stored values that the body is called with. The inner error is the attempt's: an output that should be
    /// there is not.
    pub(super) async fn inputs(
        &self,
        registered: &Registered,
        stage: &StageDefinition,
        job: &ClaimedJob,
    ) -> Result<Result<Inputs, StageError>, Error> {
        let lease = &job.lease;
        let memory = self.run_memory(lease.run_id, lease.generation).await?;
        memory.note_claimed(&lease.stage_id);
        let stages = &registered.definition().stages;
        let id = |index: &usize| stages[*index].id.as_str();
        let mut known: HashMap<&str, Json> = HashMap::new();
        let mut missing = Vec::new();
        for stage_id in stage.inputs.iter().chain(&stage.reads).map(id) {
            match memory.output(stage_id).await {
                Some(output) => drop(known.insert(stage_id, output)),
                None => missing.push(stage_id.to_owned()),
            }
        }
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            let mut stored = self.stored_outputs(lease.run_id, &missing).await?;
            for stage_id in stage.inputs.iter().chain(&stage.reads).map(id) {
                if let Some(output) = stored.remove(stage_id) {
                    memory.remember(stage_id, output.clone());
                    known.insert(stage_id, output);
                }
            }
        }
        let find = |index: &usize| {
            known.get(id(index)).cloned().ok_or_else(|| {
                StageError::permanent(format_args!("the output of stage `{}` is missing", id(index)))
            })
        };
        let handed: Result<Vec<Json>, StageError> = if stage.predecessors.is_empty() {
            Ok(vec![memory.input.clone()])
        } else {
            stage.inputs.iter().map(find).collect()
        };
        let reads: Result<HashMap<String, Json>, StageError> =
            stage.reads.iter().map(|index| Ok((id(index).to_owned(), find(index)?))).collect();
        let mut config = memory.config.get(&stage.id).cloned();
        if job.definition_fingerprint != registered.definition().fingerprint()
            && let Ok(complete) = stage.config.complete(config.as_ref())
        {
            // It was completed by the definition before, which may have known fewer fields.
            config = Some(complete);
        }
        let config = config.unwrap_or_else(Json::null);
        Ok(handed.and_then(|handed| Ok(Inputs { handed, reads: reads?, config })))
    }
}
