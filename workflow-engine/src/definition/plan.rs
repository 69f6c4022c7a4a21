//! The plan of a workflow, its stages by id, and its fingerprint.

use super::stage::StageDefinition;
use super::workflow::WorkflowDefinition;

impl WorkflowDefinition {
    /// Returns the execution groups in order, each with its stages in reading order.
    ///
    /// The groups are for display. A stage starts when its direct predecessors have completed, also if other stages of the
    /// group before it are still running.
    #[must_use]
    pub fn plan(&self) -> Vec<Vec<&StageDefinition>> {
        let mut groups: Vec<Vec<&StageDefinition>> = Vec::new();
        for stage in &self.stages {
            let group = stage.execution_group as usize;
            if groups.len() < group {
                groups.resize_with(group, Vec::new);
            }
            groups[group - 1].push(stage);
        }
        groups
    }

    /// Returns the stage with this id.
    #[must_use]
    pub fn stage(&self, id: &str) -> Option<&StageDefinition> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// Returns the fingerprint: a SHA-256 hash of ids, versions, edges and schemas, as 64 hexadecimal digits.
    ///
    /// Two builds with equal fingerprints can continue each other's runs. Comments, names, descriptions, defaults, rules
    /// of `#[config]` and the order of fields do not change it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}
