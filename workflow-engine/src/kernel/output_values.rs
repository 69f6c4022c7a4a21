//! The stored values that make up the output of a run.

use super::Kernel;
use crate::definition::{Outcome, Slot, WorkflowDefinition};
use crate::error::Error;
use crate::value::{Json, RunId, StageKey};

impl Kernel {
    /// Returns the values that make up the output of a completed run of this definition, in the order in which the type of
    /// its workflow decodes them.
    pub(crate) async fn output_values_of(
        &self,
        run_id: RunId,
        definition: &WorkflowDefinition,
    ) -> Result<Vec<Json>, Error> {
        if !definition.output.has_choice() {
            return self.outputs_in_order(run_id, &definition.output_stage_keys()).await;
        }
        let id = |index: usize| definition.stages[index].id.as_str();
        let records = self.store().stages(run_id).await?;
        let outcome_of = |index: usize| {
            let record = records.iter().find(|record| record.stage_id == id(index))?;
            Some(Outcome { arm: record.arm, failure: record.failure.clone() })
        };
        let mut slots = Vec::new();
        let found = definition.output.slots(&outcome_of, &mut slots);
        found.map_err(|unknown| Error::stage_not_found(run_id, id(unknown)))?;
        let stage_keys = slots.iter().filter_map(|slot| match slot {
            Slot::Output(stage) => Some(definition.stages[*stage].key()),
            Slot::Arm(_) | Slot::Failure(_) => None,
        });
        let stage_keys: Vec<StageKey> = stage_keys.collect();
        let mut outputs = self.outputs_in_order(run_id, &stage_keys).await?.into_iter();
        let values = slots.iter().map(|slot| match slot {
            Slot::Arm(arm) => Json::trusted(arm.to_string()),
            Slot::Failure(keeper) => {
                outcome_of(*keeper).and_then(|outcome| outcome.failure).unwrap_or_else(Json::null)
            }
            // There is one for each of these slots.
            Slot::Output(_) => outputs.next().unwrap_or_else(Json::null),
        });
        Ok(values.collect())
    }

    /// Returns the outputs of these stages, which have completed, in their order.
    pub(crate) async fn outputs_in_order(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<Vec<Json>, Error> {
        let mut stored = self.stored_outputs(run_id, stage_keys).await?;
        let output = |stage_key: &StageKey| {
            stored.remove(stage_key).ok_or_else(|| Error::stage_not_found(run_id, stage_key))
        };
        stage_keys.iter().map(output).collect()
    }
}
