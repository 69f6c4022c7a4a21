//! A definition as the store keeps it, for a process that does not have the workflow.

use serde::Deserialize;

use super::description::millis;
use super::workflow::WorkflowDefinition;
use crate::value::Json;

/// The graph of a definition, read from [`WorkflowDefinition::to_json`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct StoredGraph {
    pub(crate) stages: Vec<StoredStage>,
}

/// A stage of a [`StoredGraph`]. Stages are named by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct StoredStage {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) execution_group: u32,
    pub(crate) predecessors: Vec<String>,
    pub(crate) reads: Vec<String>,
    #[serde(default)]
    pub(crate) delay_ms: Option<u64>,
}

impl StoredGraph {
    /// Reads the graph of a stored definition; `None` if it is not one.
    pub(crate) fn parse(description: &Json) -> Option<Self> {
        serde_json::from_str(description.as_str()).ok()
    }

    /// Returns the graph of a definition.
    pub(crate) fn of(definition: &WorkflowDefinition) -> Self {
        let ids =
            |indices: &[usize]| indices.iter().map(|index| definition.stages[*index].id.clone()).collect();
        let stages = definition.stages.iter().map(|stage| StoredStage {
            id: stage.id.clone(),
            name: stage.name.clone(),
            number: stage.number,
            execution_group: stage.execution_group,
            predecessors: ids(&stage.predecessors),
            reads: ids(&stage.reads),
            delay_ms: stage.delay.map(millis),
        });
        Self { stages: stages.collect() }
    }
}
