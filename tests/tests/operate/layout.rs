//! The layout of a graph.

use std::collections::BTreeSet;

use serde_json::json;
use workflow_engine::Json;
use workflow_engine::definition::{EdgeEnd, Graph as StoredGraph, Layout};
use workflow_engine::prelude::*;

#[stage]
async fn first(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn left(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn longer(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn right(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn up(left: u32, right: u32) -> StageResult<u32> {
    Ok(left + right)
}

#[stage]
async fn down(left: u32, right: u32, #[require(first)] number: u32) -> StageResult<u32> {
    Ok(left + right + number)
}

workflow! { drawn = first >> [left >> longer, right] >> [up, down] }

#[test]
fn branches_are_below_each_other_and_groups_meet_in_a_junction() {
    let layout = drawn::definition().layout();
    let places: Vec<_> =
        layout.stages.iter().map(|stage| (stage.stage_id.as_str(), stage.column, stage.row)).collect();
    assert_eq!(
        places,
        [("first", 0, 0), ("left", 1, 0), ("longer", 2, 0), ("right", 1, 1), ("up", 3, 0), ("down", 3, 1)]
    );
    assert_eq!((layout.columns, layout.rows), (4, 2));
    assert_eq!(layout.junctions.iter().map(|at| (at.before_column, at.row)).collect::<Vec<_>>(), [(3, 0.0)]);
    let edges: Vec<_> =
        layout.edges.iter().map(|edge| (edge.from, edge.to, edge.row, edge.is_requirement)).collect();
    let (stage, junction) = (EdgeEnd::Stage, EdgeEnd::Junction(0));
    let expected = [
        (stage(0), stage(1), None, false),
        (stage(0), stage(3), None, false),
        (stage(1), stage(2), None, false),
        (stage(2), junction, None, false),
        (stage(3), junction, Some(1), false),
        (junction, stage(4), None, false),
        (junction, stage(5), None, false),
        (stage(0), stage(5), None, true),
    ];
    for edge in expected {
        assert!(edges.contains(&edge), "{edge:?} is not in {edges:?}");
    }
    assert_eq!(edges.len(), expected.len());
}

#[test]
fn a_stored_definition_has_the_layout_of_its_code() {
    let definition = drawn::definition();
    let description = Json::encode(&definition.to_json()).unwrap();
    assert_eq!(Layout::of_description(&description), Some(definition.layout()));
    let text = serde_json::to_string(&definition.layout()).unwrap();
    assert_eq!(serde_json::from_str::<Layout>(&text).unwrap(), definition.layout());
    for other in ["7", "{}", r#"{"stages":[{"id":"a"}]}"#] {
        assert_eq!(Layout::of_description(&Json::parse(other).unwrap()), None);
    }
}

#[test]
fn a_picture_has_every_stage_and_edge_and_no_style_that_a_page_may_forbid() {
    let definition = drawn::definition();
    let picture = definition.to_svg();
    assert_eq!(picture.matches("<rect ").count(), definition.stages.len());
    assert_eq!(picture.matches("<path fill").count() + picture.matches("<path d=").count(), 1 + 8);
    assert!(picture.contains("<title>Longer (longer)</title>"), "{picture}");
    assert!(!picture.contains("style"), "{picture}");
    let description = Json::encode(&definition.to_json()).unwrap();
    let stored = StoredGraph::of_description(&description).unwrap();
    assert_eq!(stored.to_svg().as_ref(), Some(&picture));
    assert_eq!(stored.to_dot(), definition.to_dot());
    assert_eq!(
        stored.to_text(),
        "  1  first\n  2  left  after first\n     right  after first\n  3  longer  after left\n  \
         4  up  after longer, right\n     down  after longer, right  reads first\n"
    );
}

/// A graph of `>>` and `[ ]` that a generator has written.
#[derive(Default)]
struct Graph {
    predecessors: Vec<Vec<usize>>,
    state: u64,
}

impl Graph {
    fn below(&mut self, limit: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % limit
    }

    /// Writes a chain after these stages, and returns its last ones.
    fn chain(&mut self, mut after: Vec<usize>, depth: u32) -> Vec<usize> {
        for _ in 0..=self.below(3) {
            after = if depth == 0 || self.below(2) == 0 {
                self.predecessors.push(after);
                vec![self.predecessors.len() - 1]
            } else {
                (0..=self.below(3)).flat_map(|_| self.chain(after.clone(), depth - 1)).collect()
            };
        }
        after
    }

    fn description(&self) -> Json {
        let name = |stage: &usize| format!("s{stage}");
        let mut groups: Vec<usize> = Vec::new();
        for predecessors in &self.predecessors {
            groups.push(1 + predecessors.iter().map(|stage| groups[*stage]).max().unwrap_or(0));
        }
        let stages: Vec<_> = (0..groups.len())
            .map(|stage| {
                json!({
                    "id": name(&stage),
                    "name": name(&stage),
                    "number": stage + 1,
                    "execution_group": groups[stage],
                    "predecessors": self.predecessors[stage].iter().map(name).collect::<Vec<_>>(),
                    "reads": [],
                    "retry": { "max_attempts": 3, "max_crashes": 3 },
                })
            })
            .collect();
        Json::encode(
            &json!({ "id": "generated", "name": "Generated", "stages": stages, "output_stages": [] }),
        )
        .unwrap()
    }
}

type Point = (f64, f64);

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
const fn point(column: usize, row: usize) -> Point {
    (column as f64, row as f64)
}

/// The straight parts of every edge.
#[allow(clippy::cast_precision_loss, reason = "small numbers")]
fn segments(layout: &Layout) -> Vec<(Point, Point)> {
    let place = |end: EdgeEnd| match end {
        EdgeEnd::Stage(stage) => point(layout.stages[stage].column, layout.stages[stage].row),
        EdgeEnd::Junction(junction) => {
            let junction = layout.junctions[junction];
            (junction.before_column as f64 - 0.5, junction.row)
        }
        end => panic!("{end:?}"),
    };
    let mut segments = Vec::new();
    for edge in &layout.edges {
        let (from, to) = (place(edge.from), place(edge.to));
        match edge.row {
            None => segments.push((from, to)),
            Some(row) => {
                let row = point(0, row).1;
                let (begin, end) = ((from.0 + 1.0, row), ((to.0 - 0.5).floor().max(from.0 + 1.0), row));
                segments.extend([(from, begin), (begin, end), (end, to)]);
            }
        }
    }
    segments.retain(|(from, to)| from != to);
    segments
}

fn side(of: (Point, Point), at: Point) -> f64 {
    let ((ax, ay), (bx, by)) = of;
    let area = (bx - ax) * (at.1 - ay) - (by - ay) * (at.0 - ax);
    if area.abs() < 1e-9 { 0.0 } else { area.signum() }
}

/// Whether two segments cross in the inner part of both.
fn cross(a: (Point, Point), b: (Point, Point)) -> bool {
    let sides = [side(a, b.0), side(a, b.1), side(b, a.0), side(b, a.1)];
    sides[0] * sides[1] < 0.0 && sides[2] * sides[3] < 0.0
}

#[test]
fn no_edges_cross_and_no_stages_share_a_place() {
    for seed in 1..=2_000_u64 {
        let mut graph = Graph { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), ..Graph::default() };
        graph.chain(Vec::new(), 3);
        if graph.predecessors.len() > 120 {
            continue;
        }
        let layout = Layout::of_description(&graph.description()).expect("it is a definition");
        let places: BTreeSet<_> = layout.stages.iter().map(|stage| (stage.column, stage.row)).collect();
        assert_eq!(places.len(), layout.stages.len(), "seed {seed}: {layout:?}");
        assert!(layout.stages.iter().all(|stage| stage.row < layout.rows && stage.column < layout.columns));
        let segments = segments(&layout);
        for (index, a) in segments.iter().enumerate() {
            for b in &segments[index + 1..] {
                assert!(!cross(*a, *b), "seed {seed}: {a:?} and {b:?} of {layout:?}");
            }
            // No edge passes through a stage.
            for stage in &layout.stages {
                let at = point(stage.column, stage.row);
                // Both ends of an edge are at stages or at junctions, so an edge passes a stage between its columns.
                let is_inside = a.0.0 < at.0 && at.0 < a.1.0;
                assert!(!is_inside || side(*a, at) != 0.0, "seed {seed}: {a:?} passes {stage:?}");
            }
        }
    }
}
