//! The fingerprint of a workflow: a build can continue runs in progress whose fingerprint is equal.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::canonical::{normal_form, sorted};
use super::source::Source;
use super::stage::StageDefinition;
use super::workflow::WorkflowDefinition;
use crate::value::hex::hex;

/// The prefix of the hashed text; it changes with the algorithm.
pub(crate) const ALGORITHM: &str = "workflow-engine-fingerprint-1";

/// Hashes ids, versions, edges and the normal form of the schemas.
pub(crate) fn fingerprint(definition: &WorkflowDefinition) -> String {
    let stages: Vec<Value> = definition
        .stages
        .iter()
        .map(|stage| {
            let mut whole = json!({
                "id": stage.id,
                "version": stage.version,
                "after": stage.predecessors,
                "reads": stage.reads,
                "input": normal_form(stage.input_shape()),
                "output": normal_form((stage.output_schema)()),
                "config": normal_form(stage.config.shape()),
            });
            // The check of this build reads tickets that an earlier build has stored.
            match &stage.wait {
                // The ticket of a child is the engine's own. The child has a fingerprint of its own.
                Some(_) if stage.child.is_some() => whole["child"] = json!(stage.child_workflow_id()),
                // No code reads a stored question, and the payload of a signal is the output.
                Some(wait) if wait.is_signal() => whole["signal"] = json!(true),
                Some(wait) => whole["ticket"] = normal_form(wait.ticket_schema()),
                None => {}
            }
            // Stored arms are numbers. Guards are policy: another build may decide otherwise.
            if let Some(arms) = arms(stage) {
                whole["arms"] = arms;
            }
            if stage.source.is_chosen() {
                whole["receives"] = receives(&stage.source);
            }
            whole
        })
        .collect();
    let mut whole = json!({
        "id": definition.id,
        "version": definition.version,
        "stages": stages,
        "ends": definition.output_stages,
        "input": normal_form(definition.input.shape()),
    });
    if !definition.catches.is_empty() {
        whole["catches"] = catches(definition);
    }
    if definition.output.is_chosen() {
        whole["returns"] = receives(&definition.output);
    }
    hash(whole)
}

/// The arms of the choice on the stage's output, with the numbers of their stages; `None` without a choice.
pub(crate) fn arms(stage: &StageDefinition) -> Option<Value> {
    let arms = stage.choice.as_ref()?.arms.iter();
    let arms = arms.map(|arm| json!([arm.pattern, arm.stages.clone().collect::<Vec<usize>>()]));
    Some(arms.collect())
}

/// The stages of each catch.
fn catches(definition: &WorkflowDefinition) -> Value {
    let stages = definition.catches.iter().map(|catch| catch.stages.clone().collect::<Vec<usize>>());
    stages.map(|stages| json!(stages)).collect()
}

/// The source of a value that depends on a choice or a catch: a number for a stage, `null` for nothing, an array for branches, and
/// an object for a choice or for the values that an arm binds.
pub(crate) fn receives(source: &Source) -> Value {
    match source {
        Source::Nothing => Value::Null,
        Source::Outputs([stage]) => json!(stage),
        Source::Outputs(stages) => json!(stages),
        Source::Group(branches) => branches.iter().map(receives).collect(),
        Source::Choice { stage, arms } => {
            json!({ "match": stage, "arms": arms.iter().map(receives).collect::<Vec<Value>>() })
        }
        Source::Bound { stage, arm, .. } => json!({ "match": stage, "arm": arm }),
        Source::Caught { first, end, value } => {
            json!({ "catch": [first, end], "value": receives(value) })
        }
    }
}

/// Hashes the content of a fingerprint.
pub(crate) fn hash(whole: Value) -> String {
    let mut hasher = Sha256::new();
    hasher.update(ALGORITHM);
    hasher.update([0]);
    // The keys of serde_json's map are sorted, except with the feature `preserve_order`.
    hasher.update(sorted(whole).to_string());
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests;
