//! Lays out a graph: junctions, columns and edges.

use super::description::millis;
use super::graph::{Graph, GraphStage};
use super::layout::{EdgeEnd, Junction, Layout, PlacedEdge, PlacedStage};
use super::layout_rows::{StageShape, rows};
use super::workflow::WorkflowDefinition;
use crate::value::Json;

impl WorkflowDefinition {
    /// Returns where to draw the stages and edges: a stage's column is the length of the longest path to it, and the
    /// branches of a group are below each other in reading order.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn load(path: String) -> StageResult<String> {
    ///     Ok(path)
    /// }
    ///
    /// #[stage]
    /// async fn words(text: String) -> StageResult<usize> {
    ///     Ok(text.split(' ').count())
    /// }
    ///
    /// #[stage]
    /// async fn lines(text: String) -> StageResult<usize> {
    ///     Ok(text.lines().count())
    /// }
    ///
    /// workflow! { Measure = load >> [words, lines] }
    ///
    /// let layout = Measure::definition().layout();
    /// let places: Vec<_> = layout.stages.iter().map(|stage| (stage.column, stage.row)).collect();
    /// assert_eq!(places, [(0, 0), (1, 0), (1, 1)]);
    /// ```
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::of(&shapes(&Graph::of(self)))
    }
}

impl Graph {
    /// Returns where to draw the stages and edges: see [`WorkflowDefinition::layout`]. `None` where a stored graph has a
    /// stage in a column before one of its predecessors.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        let shapes = shapes(self);
        let is_after = |shape: &StageShape| {
            let from = shape.predecessors.iter();
            shape.column < shapes.len()
                && from.map(|from| shapes[*from].column).all(|from| from < shape.column)
        };
        shapes.iter().all(is_after).then(|| Layout::of(&shapes))
    }
}

fn shapes(graph: &Graph) -> Vec<StageShape> {
    let shape = |stage: &GraphStage| StageShape {
        id: stage.id.clone(),
        name: stage.name.clone(),
        // A stored level 0 is in no column.
        column: (stage.execution_group as usize).wrapping_sub(1),
        predecessors: stage.predecessors.clone(),
        reads: stage.reads.clone(),
        delay_ms: stage.delay.map(millis),
        child_workflow_id: stage.child.clone(),
    };
    graph.stages.iter().map(shape).collect()
}

impl Layout {
    /// Returns the layout of a definition in its JSON form, which is what
    /// [`WorkflowDefinition::to_json`] returns and the store keeps: for a process that does not have the workflow. `None`
    /// if it is not the JSON of a definition.
    #[must_use]
    pub fn of_description(description: &Json) -> Option<Self> {
        Graph::of_description(description)?.layout()
    }

    fn of(shapes: &[StageShape]) -> Self {
        let mut edges = Vec::new();
        let mut junctions: Vec<Junction> = Vec::new();
        // The heads of a group that follows a group have the same predecessors.
        let mut seen: Vec<(&[usize], Option<usize>)> = Vec::new();
        for (to, shape) in shapes.iter().enumerate() {
            let from = shape.predecessors.as_slice();
            let is_shared = || shapes.iter().filter(|other| other.predecessors == from).count() > 1;
            let known = seen.iter().find(|(known, _)| *known == from).map(|(_, junction)| *junction);
            let junction = known.unwrap_or_else(|| {
                let junction = (from.len() > 1 && is_shared()).then(|| {
                    junctions.push(Junction { before_column: shape.column, row: 0.0 });
                    junctions.len() - 1
                });
                if let Some(junction) = junction {
                    let meets = EdgeEnd::Junction(junction);
                    edges.extend(from.iter().map(|from| edge(EdgeEnd::Stage(*from), meets)));
                }
                seen.push((from, junction));
                junction
            });
            match junction {
                Some(junction) => edges.push(edge(EdgeEnd::Junction(junction), EdgeEnd::Stage(to))),
                None => edges.extend(from.iter().map(|from| edge(EdgeEnd::Stage(*from), EdgeEnd::Stage(to)))),
            }
        }
        let placed = rows(shapes, &junctions, &edges);
        let stages = shapes.iter().zip(&placed.stages).map(|(shape, row)| PlacedStage {
            stage_id: shape.id.clone(),
            name: shape.name.clone(),
            delay_ms: shape.delay_ms,
            child_workflow_id: shape.child_workflow_id.clone(),
            column: shape.column,
            row: *row,
        });
        let stages: Vec<PlacedStage> = stages.collect();
        for (junction, row) in junctions.iter_mut().zip(placed.junctions) {
            junction.row = row;
        }
        for (edge, row) in edges.iter_mut().zip(placed.edges) {
            edge.row = row;
        }
        for (to, shape) in shapes.iter().enumerate() {
            let required = shape.reads.iter().filter(|from| !shape.predecessors.contains(from));
            edges.extend(required.map(|from| PlacedEdge {
                is_requirement: true,
                ..edge(EdgeEnd::Stage(*from), EdgeEnd::Stage(to))
            }));
        }
        Self {
            columns: shapes.iter().map(|shape| shape.column + 1).max().unwrap_or_default(),
            rows: placed.rows,
            stages,
            junctions,
            edges,
        }
    }
}

const fn edge(from: EdgeEnd, to: EdgeEnd) -> PlacedEdge {
    PlacedEdge { from, to, row: None, is_requirement: false }
}
