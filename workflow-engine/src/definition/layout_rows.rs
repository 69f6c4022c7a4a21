//! The rows of a layout.
//!
//! A *lane* is a part of a graph that keeps one row: a chain of stages that only follow each other, with the edges between
//! them that pass columns. In each column the lanes are in reading order; a lane's row is the first one below all lanes
//! that are above it in some column.

use std::collections::BTreeSet;

use super::layout::{EdgeEnd, Junction, PlacedEdge};

/// What a layout needs to know of a stage.
pub(super) struct StageShape {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) column: usize,
    /// Indices of stages.
    pub(super) predecessors: Vec<usize>,
    pub(super) reads: Vec<usize>,
    pub(super) delay_ms: Option<u64>,
    pub(super) child_workflow_id: Option<String>,
}

/// The rows of everything that has one.
pub(super) struct PlacedRows {
    /// The number of rows.
    pub(super) rows: usize,
    pub(super) stages: Vec<usize>,
    pub(super) junctions: Vec<f64>,
    /// The rows of edges that pass columns.
    pub(super) edges: Vec<Option<usize>>,
}

/// Returns the rows of these stages, junctions and edges.
pub(super) fn rows(shapes: &[StageShape], junctions: &[Junction], edges: &[PlacedEdge]) -> PlacedRows {
    let lanes = Lanes::of(shapes, junctions, edges);
    let order = lanes.order(shapes, edges);
    let rows = lanes.rows(&order);
    let lane = |item: usize| rows[lanes.lane_of[item]];
    let mut placed = PlacedRows {
        rows: rows.iter().map(|row| row + 1).max().unwrap_or_default(),
        stages: (0..shapes.len()).map(lane).collect(),
        junctions: Vec::new(),
        edges: (0..edges.len())
            .map(|index| passes_columns(shapes, &edges[index]).then(|| lane(shapes.len() + index)))
            .collect(),
    };
    placed.junctions = (0..junctions.len()).map(|junction| placed.between(edges, junction)).collect();
    placed
}

impl PlacedRows {
    /// Returns the row of a junction: halfway between the topmost edges before and after it, which are in the order of
    /// everything beside them.
    fn between(&self, edges: &[PlacedEdge], junction: usize) -> f64 {
        let (mut before, mut after) = (None, None);
        for (edge, row) in edges.iter().zip(&self.edges) {
            match (edge.from, edge.to) {
                (EdgeEnd::Stage(from), EdgeEnd::Junction(to)) if to == junction => {
                    let row = row.unwrap_or(self.stages[from]);
                    before = Some(before.map_or(row, |before: usize| before.min(row)));
                }
                (EdgeEnd::Junction(from), EdgeEnd::Stage(to)) if from == junction => {
                    let row = self.stages[to];
                    after = Some(after.map_or(row, |after: usize| after.min(row)));
                }
                _ => {}
            }
        }
        let sum = before.unwrap_or_default() + after.unwrap_or_default();
        f64::from(u32::try_from(sum).unwrap_or(u32::MAX)) / 2.0
    }
}

/// The columns that an edge passes without an end in them.
fn passed_columns(shapes: &[StageShape], edge: &PlacedEdge) -> std::ops::Range<usize> {
    let (EdgeEnd::Stage(from), to) = (edge.from, edge.to) else { return 0..0 };
    let to = match to {
        EdgeEnd::Stage(to) => shapes[to].column,
        // The stages behind a junction are in one column.
        EdgeEnd::Junction(_) => shapes
            .iter()
            .filter(|shape| shape.predecessors.contains(&from))
            .map(|shape| shape.column)
            .min()
            .unwrap_or_default(),
    };
    shapes[from].column + 1..to
}

fn passes_columns(shapes: &[StageShape], edge: &PlacedEdge) -> bool {
    !passed_columns(shapes, edge).is_empty()
}

/// The lane of each item: the stages, then the edges.
struct Lanes {
    lane_of: Vec<usize>,
    count: usize,
}

impl Lanes {
    fn of(shapes: &[StageShape], junctions: &[Junction], edges: &[PlacedEdge]) -> Self {
        let index = |end: EdgeEnd| match end {
            EdgeEnd::Stage(stage) => stage,
            EdgeEnd::Junction(junction) => shapes.len() + junction,
        };
        let (mut out, mut into) =
            (vec![0; shapes.len() + junctions.len()], vec![0; shapes.len() + junctions.len()]);
        for edge in edges {
            out[index(edge.from)] += 1;
            into[index(edge.to)] += 1;
        }
        // Edges are in the order of their ends, so a lane is known before what continues it.
        let unknown = usize::MAX;
        let mut lane_of = vec![unknown; shapes.len() + edges.len()];
        let mut count = 0;
        let mut new = || {
            count += 1;
            count - 1
        };
        for stage in 0..shapes.len() {
            let mut only = None;
            for (place, edge) in edges.iter().enumerate().filter(|(_, edge)| edge.to == EdgeEnd::Stage(stage))
            {
                let EdgeEnd::Stage(from) = edge.from else { continue };
                let continues = out[from] == 1;
                let lane = if continues { lane_of[from] } else { new() };
                lane_of[shapes.len() + place] = lane;
                if continues && into[stage] == 1 {
                    only = Some(lane);
                }
            }
            lane_of[stage] = only.unwrap_or_else(&mut new);
        }
        for (place, edge) in edges.iter().enumerate() {
            if lane_of[shapes.len() + place] == unknown {
                lane_of[shapes.len() + place] = match edge.from {
                    EdgeEnd::Stage(from) if out[from] == 1 => lane_of[from],
                    _ => new(),
                };
            }
        }
        Self { lane_of, count }
    }

    /// Returns the lanes that are above another in some column, directly: pairs of the upper and the lower one.
    fn order(&self, shapes: &[StageShape], edges: &[PlacedEdge]) -> BTreeSet<(usize, usize)> {
        let columns = shapes.iter().map(|shape| shape.column + 1).max().unwrap_or_default();
        // By the reading order of the stage, or of the one at which the edge begins.
        let mut items: Vec<Vec<(usize, usize)>> = vec![Vec::new(); columns];
        for (stage, shape) in shapes.iter().enumerate() {
            items[shape.column].push((stage, self.lane_of[stage]));
        }
        for (place, edge) in edges.iter().enumerate() {
            let EdgeEnd::Stage(from) = edge.from else { continue };
            for column in passed_columns(shapes, edge) {
                items[column].push((from, self.lane_of[shapes.len() + place]));
            }
        }
        let mut order = BTreeSet::new();
        for column in &mut items {
            column.sort_unstable();
            order.extend(column.windows(2).map(|pair| (pair[0].1, pair[1].1)).filter(|(a, b)| a != b));
        }
        order
    }

    /// Returns the row of each lane.
    fn rows(&self, order: &BTreeSet<(usize, usize)>) -> Vec<usize> {
        let mut above = vec![0_usize; self.count];
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); self.count];
        for &(upper, lower) in order {
            above[lower] += 1;
            below[upper].push(lower);
        }
        let mut rows = vec![0; self.count];
        let mut is_placed = vec![false; self.count];
        let mut open: Vec<usize> = (0..self.count).filter(|lane| above[*lane] == 0).collect();
        // `>>` and `[ ]` write no graph in which two lanes are above each other; for another one, edges may cross.
        while let Some(lane) = open.pop().or_else(|| is_placed.iter().position(|is_placed| !is_placed)) {
            if std::mem::replace(&mut is_placed[lane], true) {
                continue;
            }
            for &lower in below[lane].iter().filter(|lower| !is_placed[**lower]) {
                rows[lower] = rows[lower].max(rows[lane] + 1);
                above[lower] -= 1;
                if above[lower] == 0 {
                    open.push(lower);
                }
            }
        }
        rows
    }
}
