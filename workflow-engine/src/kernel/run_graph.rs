//! The graph of a run's definition, for commands that need no code: of this process, or stored by another one.

use std::time::Duration;

use super::Kernel;
use super::compatibility::definition_of;
use super::registry::Registered;
use crate::definition::{Graph, WorkflowDefinition};
use crate::error::{Error, ErrorCode};
use crate::records::RunRecord;
use crate::value::{Cost, Json, Place, StageKey};

/// A graph. Stages are in reading order, and named by their places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunGraph {
    pub(super) stages: Vec<RunStage>,
    pub(super) output_stages: Vec<usize>,
}

/// A stage of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunStage {
    pub(super) id: String,
    pub(super) predecessors: Vec<usize>,
    pub(super) successors: Vec<usize>,
    pub(super) max_attempts: u32,
    pub(super) max_crashes: u32,
    pub(super) budget: Option<Cost>,
    pub(super) delay: Option<Duration>,
}

/// Returns the graph of a run: of the definition that this process executes it against, or else of the stored one.
///
/// # Errors
/// `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` where neither this process nor the store has the definition; when the
/// store cannot be read.
pub(super) async fn graph_of(kernel: &Kernel, run: &RunRecord) -> Result<RunGraph, Error> {
    Ok(graph_and_definition_of(kernel, run).await?.0)
}

/// As [`graph_of`], with the definition that this process executes the run against, if it has one. A graph with choices
/// or catches is more than its edges, so its definition is needed.
pub(super) async fn graph_and_definition_of(
    kernel: &Kernel,
    run: &RunRecord,
) -> Result<(RunGraph, Option<&'static WorkflowDefinition>), Error> {
    match found_graph_of(kernel, run).await? {
        FoundGraph::Registered(registered) => {
            let definition = registered.definition();
            Ok((Graph::of(definition).into(), Some(definition)))
        }
        FoundGraph::Stored { graph, .. } => Ok((graph.into(), None)),
    }
}

/// The graph of a run, and where it was found.
pub(super) enum FoundGraph<'k> {
    /// This process has the definition.
    Registered(&'k Registered),
    /// The store has it. The graph has neither choices nor catches.
    Stored {
        graph: Graph,
        description: Json,
        /// Why this process lacks it.
        missing: Error,
    },
}

/// As [`graph_of`], with all that is known of the definition.
pub(super) async fn found_graph_of<'k>(kernel: &'k Kernel, run: &RunRecord) -> Result<FoundGraph<'k>, Error> {
    let error = match definition_of(kernel, run).await {
        Ok(registered) => return Ok(FoundGraph::Registered(registered)),
        Err(error) if matches!(error.code(), ErrorCode::WorkflowNotFound | ErrorCode::DefinitionMismatch) => {
            error
        }
        Err(error) => return Err(error),
    };
    match kernel.store().definition(&run.definition_fingerprint).await? {
        Some(stored) => match Graph::parse(&stored.description) {
            Ok(graph) if graph.has_choices_or_catches() => Err(error),
            Ok(graph) => Ok(FoundGraph::Stored { graph, description: stored.description, missing: error }),
            Err(error) => Err(Error::stored_value(run.id, "its definition", error)),
        },
        None => Err(error),
    }
}

impl Kernel {
    /// Returns the ids of the stages whose outputs are the output of a run.
    ///
    /// # Errors
    /// As [`graph_of`].
    pub(crate) async fn output_stages(&self, run: &RunRecord) -> Result<Vec<StageKey>, Error> {
        let graph = graph_of(self, run).await?;
        Ok(graph.output_stages.iter().map(|&index| graph.stages[index].key()).collect())
    }
}

impl RunStage {
    /// Returns the key of the stage in a run that has it once.
    pub(super) fn key(&self) -> StageKey {
        StageKey::new(self.id.clone(), Place::default())
    }
}

impl From<Graph> for RunGraph {
    fn from(graph: Graph) -> Self {
        let successors = graph.successors();
        let stages = graph.stages.into_iter().zip(successors).map(|(stage, successors)| RunStage {
            id: stage.id,
            predecessors: stage.predecessors,
            successors,
            max_attempts: stage.max_attempts,
            max_crashes: stage.max_crashes,
            budget: stage.budget,
            delay: stage.delay,
        });
        Self { stages: stages.collect(), output_stages: graph.output_stages }
    }
}

#[cfg(test)]
#[path = "run_graph_tests.rs"]
mod tests;
