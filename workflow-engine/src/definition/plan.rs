//! A workflow's plan: which stages run side by side.

use super::stage::StageDefinition;
use super::workflow::WorkflowDefinition;

impl WorkflowDefinition {
    /// The execution groups in order, each with its stages in reading order.
    ///
    /// Groups are a view for people: a stage starts when those right before it have completed, whatever else
    /// its group is waiting for.
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

    /// The stage with that id.
    #[must_use]
    pub fn stage(&self, id: &str) -> Option<&StageDefinition> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// A hash over the ids, the versions, the edges and what the schemas admit, in 64 hexadecimal digits.
    ///
    /// Two builds with equal fingerprints can continue each other's runs. Comments, names, descriptions,
    /// defaults and the order of fields do not change it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}
