//! The fingerprint of a workflow: a build can continue runs in progress whose fingerprint is equal.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::canonical::{normal_form, sorted};
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
            if let Some(wait) = &stage.wait {
                whole["ticket"] = normal_form(wait.ticket_schema());
            }
            whole
        })
        .collect();
    hash(json!({
        "id": definition.id,
        "version": definition.version,
        "stages": stages,
        "ends": definition.output_stages,
        "input": normal_form(definition.input.shape()),
    }))
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
