//! The graph of a run's definition, for commands that need no code: of this process, or stored by another one.

use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Kernel;
use super::compatibility::definition_of;
use crate::definition::WorkflowDefinition;
use crate::error::{Error, ErrorCode};
use crate::records::RunRecord;
use crate::value::{Cost, Json};

/// A graph. Stages are in reading order, and named by their places in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunGraph {
    pub(super) stages: Vec<GraphStage>,
    pub(super) output_stages: Vec<usize>,
}

/// A stage of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GraphStage {
    pub(super) id: String,
    pub(super) predecessors: Vec<usize>,
    pub(super) successors: Vec<usize>,
    pub(super) max_attempts: u32,
    pub(super) max_crashes: u32,
    pub(super) budget: Option<Cost>,
    pub(super) delay: Option<Duration>,
}

/// A definition as [`WorkflowDefinition::to_json`] describes it.
#[derive(Deserialize)]
struct Description {
    output_stages: Vec<String>,
    stages: Vec<StageDescription>,
    #[serde(default)]
    catches: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct StageDescription {
    id: String,
    predecessors: Vec<String>,
    retry: RetryDescription,
    budget: Option<Cost>,
    delay_ms: Option<u64>,
    choice: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RetryDescription {
    max_attempts: u32,
    max_crashes: u32,
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
    let error = match definition_of(kernel, run).await {
        Ok(registered) => {
            let definition = registered.definition();
            return Ok((RunGraph::of(definition), Some(definition)));
        }
        Err(error) if matches!(error.code(), ErrorCode::WorkflowNotFound | ErrorCode::DefinitionMismatch) => {
            error
        }
        Err(error) => return Err(error),
    };
    match kernel.store().definition(&run.definition_fingerprint).await? {
        Some(stored) => match RunGraph::parse(&stored.description) {
            Ok(Some(graph)) => Ok((graph, None)),
            Ok(None) => Err(error),
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
    pub(crate) async fn output_stages(&self, run: &RunRecord) -> Result<Vec<String>, Error> {
        let graph = graph_of(self, run).await?;
        Ok(graph.output_stages.iter().map(|&place| graph.stages[place].id.clone()).collect())
    }
}

impl RunGraph {
    fn of(definition: &WorkflowDefinition) -> Self {
        let stages = definition.stages.iter().map(|stage| GraphStage {
            id: stage.id.clone(),
            predecessors: stage.predecessors.clone(),
            successors: stage.successors.clone(),
            max_attempts: stage.retry.max_attempts,
            max_crashes: stage.retry.max_crashes,
            budget: stage.budget,
            delay: stage.delay,
        });
        Self { stages: stages.collect(), output_stages: definition.output_stages.clone() }
    }

    /// Returns `None` for a graph with choices or catches.
    fn parse(description: &Json) -> Result<Option<Self>, serde_json::Error> {
        let Description { output_stages, stages, catches } = description.decode()?;
        if !catches.is_empty() || stages.iter().any(|stage| stage.choice.is_some()) {
            return Ok(None);
        }
        let place = |id: &String| {
            let place = stages.iter().position(|stage| stage.id == *id);
            place.ok_or_else(|| serde::de::Error::custom(format_args!("it has no stage `{id}`")))
        };
        let places = |ids: &[String]| ids.iter().map(place).collect::<Result<Vec<_>, serde_json::Error>>();
        let predecessors =
            stages.iter().map(|stage| places(&stage.predecessors)).collect::<Result<Vec<_>, _>>()?;
        let successors = |place: usize| {
            (0..stages.len()).filter(|&later| predecessors[later].contains(&place)).collect::<Vec<_>>()
        };
        let graph = stages.iter().enumerate().map(|(place, stage)| GraphStage {
            id: stage.id.clone(),
            predecessors: predecessors[place].clone(),
            successors: successors(place),
            max_attempts: stage.retry.max_attempts,
            max_crashes: stage.retry.max_crashes,
            budget: stage.budget,
            delay: stage.delay_ms.map(Duration::from_millis),
        });
        Ok(Some(Self { stages: graph.collect(), output_stages: places(&output_stages)? }))
    }
}

#[cfg(test)]
#[path = "run_graph_tests.rs"]
mod tests;
