//! The graph of a definition, also of one that only the store has.

use std::time::Duration;

use serde::Deserialize;

use super::retry::RetryPolicy;
use super::workflow::WorkflowDefinition;
use crate::value::{Cost, Json, Place, StageKey};

/// The graph of a definition: its stages in reading order, their edges, choices and catches. A process that does not have
/// the workflow reads it from the definition in the store.
///
/// ```
/// use workflow_engine::definition::Graph;
/// use workflow_engine::prelude::*;
///
/// # #[stage]
/// # async fn load(path: String) -> StageResult<String> {
/// #     Ok(path)
/// # }
/// # workflow! { Reading = load }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Reading>().build().await?;
/// let stored = engine.definitions().await?.remove(0);
/// let graph = Graph::of_description(&stored.description).expect("the store keeps graphs");
/// assert_eq!(graph.to_mermaid(), Reading::definition().to_mermaid());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) stages: Vec<GraphStage>,
    pub(crate) output_stages: Vec<usize>,
    /// The stages of each catch.
    pub(crate) catches: Vec<Vec<usize>>,
}

/// A stage of a graph. Other stages are named by their positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphStage {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) number: u32,
    pub(crate) execution_group: u32,
    pub(crate) predecessors: Vec<usize>,
    pub(crate) reads: Vec<usize>,
    pub(crate) max_attempts: u32,
    pub(crate) max_crashes: u32,
    pub(crate) budget: Option<Cost>,
    pub(crate) delay: Option<Duration>,
    /// The arms, if its output chooses one.
    pub(crate) arms: Option<Vec<GraphArm>>,
    /// The id of the workflow that the stage runs, if it is one.
    pub(crate) child: Option<String>,
}

/// An arm of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphArm {
    pub(crate) pattern: String,
    pub(crate) stages: Vec<usize>,
}

/// A definition as [`WorkflowDefinition::to_json`] describes it.
#[derive(Deserialize)]
struct Described {
    id: String,
    name: String,
    stages: Vec<DescribedStage>,
    output_stages: Vec<String>,
    #[serde(default)]
    catches: Vec<Vec<String>>,
}

#[derive(Deserialize)]
struct DescribedStage {
    id: String,
    name: String,
    number: u32,
    execution_group: u32,
    predecessors: Vec<String>,
    reads: Vec<String>,
    retry: DescribedRetry,
    budget: Option<Cost>,
    #[serde(default)]
    delay_ms: Option<u64>,
    choice: Option<DescribedChoice>,
    #[serde(default)]
    child_workflow_id: Option<String>,
}

#[derive(Deserialize)]
struct DescribedRetry {
    /// `None` where the configuration of a run sets it.
    max_attempts: Option<u32>,
    max_crashes: u32,
}

#[derive(Deserialize)]
struct DescribedChoice {
    arms: Vec<DescribedArm>,
}

#[derive(Deserialize)]
struct DescribedArm {
    pattern: String,
    stages: Vec<String>,
}

impl GraphStage {
    /// Returns the key of the stage in a run that has it once.
    pub(crate) fn key(&self) -> StageKey {
        StageKey::new(self.id.clone(), Place::default())
    }
}

impl Graph {
    /// Reads the graph of a definition in its JSON form, which is what [`WorkflowDefinition::to_json`] returns and the
    /// store keeps. `None` if it is not the JSON of a definition.
    #[must_use]
    pub fn of_description(description: &Json) -> Option<Self> {
        Self::parse(description).ok()
    }

    pub(crate) fn parse(description: &Json) -> Result<Self, serde_json::Error> {
        let Described { id, name, stages, output_stages, catches } = description.decode()?;
        let position = |id: &String| {
            let position = stages.iter().position(|stage| stage.id == *id);
            position.ok_or_else(|| serde::de::Error::custom(format_args!("it has no stage `{id}`")))
        };
        let positions = |ids: &[String]| ids.iter().map(position).collect::<Result<Vec<usize>, _>>();
        let arms = |choice: &DescribedChoice| {
            let arm = |arm: &DescribedArm| {
                Ok(GraphArm { pattern: arm.pattern.clone(), stages: positions(&arm.stages)? })
            };
            choice.arms.iter().map(arm).collect::<Result<Vec<_>, serde_json::Error>>()
        };
        let stage = |stage: &DescribedStage| {
            Ok(GraphStage {
                id: stage.id.clone(),
                name: stage.name.clone(),
                number: stage.number,
                execution_group: stage.execution_group,
                predecessors: positions(&stage.predecessors)?,
                reads: positions(&stage.reads)?,
                max_attempts: stage.retry.max_attempts.unwrap_or(RetryPolicy::CONFIGURED_ATTEMPTS),
                max_crashes: stage.retry.max_crashes,
                budget: stage.budget,
                delay: stage.delay_ms.map(Duration::from_millis),
                arms: stage.choice.as_ref().map(arms).transpose()?,
                child: stage.child_workflow_id.clone(),
            })
        };
        Ok(Self {
            stages: stages.iter().map(stage).collect::<Result<_, serde_json::Error>>()?,
            output_stages: positions(&output_stages)?,
            catches: catches.iter().map(|catch| positions(catch)).collect::<Result<_, _>>()?,
            id,
            name,
        })
    }

    pub(crate) fn of(definition: &WorkflowDefinition) -> Self {
        let stages = definition.stages.iter().map(|stage| GraphStage {
            id: stage.id.clone(),
            name: stage.name.clone(),
            number: stage.number,
            execution_group: stage.execution_group,
            predecessors: stage.predecessors.clone(),
            reads: stage.reads.clone(),
            max_attempts: stage.retry.max_attempts,
            max_crashes: stage.retry.max_crashes,
            budget: stage.budget,
            delay: stage.delay,
            arms: stage.choice.as_ref().map(|choice| {
                let arms = choice.arms.iter();
                arms.map(|arm| GraphArm {
                    pattern: arm.pattern.clone(),
                    stages: arm.stages.clone().collect(),
                })
                .collect()
            }),
            child: stage.child_workflow_id().map(str::to_owned),
        });
        Self {
            id: definition.id.clone(),
            name: definition.name.clone(),
            stages: stages.collect(),
            output_stages: definition.output_stages.clone(),
            catches: definition.catches.iter().map(|catch| catch.stages.clone().collect()).collect(),
        }
    }

    /// Returns whether the graph is more than its edges.
    pub(crate) fn has_choices_or_catches(&self) -> bool {
        !self.catches.is_empty() || self.stages.iter().any(|stage| stage.arms.is_some())
    }

    /// Returns for each stage those that follow it directly.
    pub(crate) fn successors(&self) -> Vec<Vec<usize>> {
        let mut successors = vec![Vec::new(); self.stages.len()];
        for (index, stage) in self.stages.iter().enumerate() {
            for &before in &stage.predecessors {
                successors[before].push(index);
            }
        }
        successors
    }

    /// Returns the edges, by the stages to which they lead.
    pub(super) fn edges(&self) -> impl Iterator<Item = Edge> {
        self.stages.iter().enumerate().flat_map(move |(to, stage)| {
            let plain = stage.predecessors.iter().map(move |&from| {
                let label = self.label(from, to);
                Edge { from, to, is_required: false, label }
            });
            let required = stage.reads.iter().filter(|from| !stage.predecessors.contains(from));
            plain.chain(required.map(move |&from| Edge { from, to, is_required: true, label: None }))
        })
    }

    /// The patterns of the arms that lead from a matched stage to this one: into an arm, or past an arm without stages.
    pub(super) fn label(&self, from: usize, to: usize) -> Option<String> {
        let arms = self.stages[from].arms.as_ref()?;
        let inner = arms.iter().filter(|arm| arm.stages.contains(&to));
        let mut patterns: Vec<&str> = inner.map(|arm| arm.pattern.as_str()).collect();
        if patterns.is_empty() {
            let empty = arms.iter().filter(|arm| arm.stages.is_empty());
            patterns = empty.map(|arm| arm.pattern.as_str()).collect();
        }
        Some(patterns.join(" or "))
    }
}

/// An edge between two stages, by their positions.
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether only a requirement causes it.
    pub(super) is_required: bool,
    /// The patterns that lead over it.
    pub(super) label: Option<String>,
}
