//! Places for the stages and edges of a graph, to draw it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A drawing of a workflow's graph on a grid, from left to right. No two edges cross, apart from those of requirements,
/// which have no place of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Layout {
    /// The number of columns.
    pub columns: usize,
    /// The number of rows.
    pub rows: usize,
    /// The stages, in reading order.
    pub stages: Vec<PlacedStage>,
    /// The points in which the edges of a group meet that is followed by a group.
    pub junctions: Vec<Junction>,
    /// The edges.
    pub edges: Vec<PlacedEdge>,
}

/// The place of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PlacedStage {
    /// The stage's id.
    pub stage_id: String,
    /// The stage's name, for people.
    pub name: String,
    /// The time after which the stage starts when it is ready, in milliseconds: the `delay` before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// The id of the workflow that the stage runs, where it is one: drawings give it a double frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child_workflow_id: Option<String>,
    /// The 0-based column: the length of the longest path to the stage.
    pub column: usize,
    /// The 0-based row.
    pub row: usize,
}

/// A point between two columns in which the edges of a group meet: each of its last stages precedes each of the first
/// stages of the next group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Junction {
    /// The column to the right of it. It is halfway between this column and the one before.
    pub before_column: usize,
    /// The 0-based row; a junction may be halfway between two rows.
    pub row: f64,
}

/// The place of an edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PlacedEdge {
    /// Where it begins.
    pub from: EdgeEnd,
    /// Where it ends.
    pub to: EdgeEnd,
    /// The row of an edge that passes columns: it keeps this row in each of them, where no stage is in its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// Whether it leads from a required stage that is not a direct predecessor. It has no row, and may cross others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_requirement: bool,
}

/// An end of an edge: an index in [`Layout::stages`] or in [`Layout::junctions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EdgeEnd {
    /// A stage.
    Stage(usize),
    /// A junction.
    Junction(usize),
}
