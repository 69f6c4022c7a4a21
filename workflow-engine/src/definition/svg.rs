//! The graph of a workflow as a picture.

use std::fmt::Write;

use super::graph::Graph;
use super::layout::{EdgeEnd, Layout};
use super::workflow::WorkflowDefinition;

/// The width and height of a stage, and the space between columns and rows, in pixels.
const WIDTH: f64 = 160.0;
const HEIGHT: f64 = 40.0;
const GAP: f64 = 60.0;
const ROW: f64 = 64.0;
const MARGIN: f64 = 16.0;

/// The most characters of a name that fit into a stage.
const LETTERS: usize = 20;

/// The looks of everything, as attributes: a page may forbid styles. The colours are readable on light and on dark pages.
const FONT: &str = "font-family=\"system-ui,sans-serif\" font-size=\"13\" fill=\"#111\"";
const BOX: &str = "fill=\"#fff\" stroke=\"#667\" stroke-width=\"1.5\"";
const EDGE: &str = "fill=\"none\" stroke=\"#667\" stroke-width=\"1.5\"";
const LABEL: &str = "font-size=\"11\" fill=\"#445\" paint-order=\"stroke\" stroke=\"#fff\" stroke-width=\"3\" text-anchor=\"end\"";

impl WorkflowDefinition {
    /// Returns the graph as a picture in SVG, from left to right, as [`WorkflowDefinition::layout`] places it.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn load(path: String) -> StageResult<String> {
    /// #     Ok(path)
    /// # }
    /// workflow! { Reading = load }
    ///
    /// let picture = Reading::definition().to_svg();
    /// assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    /// ```
    #[must_use]
    pub fn to_svg(&self) -> String {
        Graph::of(self).to_svg().unwrap_or_default()
    }
}

impl Graph {
    /// Returns the graph as a picture in SVG, from left to right, as [`Graph::layout`] places it. A dotted edge leads from a
    /// required stage that is not a direct predecessor. The stage of a `match` has a dashed frame, and the edges to its
    /// arms have their patterns. A step that is a workflow has a double frame. `None` for a graph without a layout.
    #[must_use]
    pub fn to_svg(&self) -> Option<String> {
        let layout = self.layout()?;
        let columns = layout.columns.max(1);
        let width = coordinate(columns) * (WIDTH + GAP) - GAP + 2.0 * MARGIN;
        let height = coordinate(layout.rows.max(1)) * ROW - (ROW - HEIGHT) + 2.0 * MARGIN;
        let mut text = String::new();
        line(
            &mut text,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
                 viewBox=\"0 0 {width} {height}\" {FONT} role=\"img\" aria-label=\"{}\">",
                escaped(&self.id)
            ),
        );
        line(
            &mut text,
            format_args!(
                "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
                 markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#667\"/></marker></defs>"
            ),
        );
        self.draw_edges(&layout, &mut text);
        for (placed, stage) in layout.stages.iter().zip(&self.stages) {
            let (x, y) = (left(placed.column), middle(placed.row));
            let dashes = if stage.arms.is_some() { " stroke-dasharray=\"6 3\"" } else { "" };
            // A double frame, inside of the first one.
            let inner = if stage.child.is_some() {
                format!(
                    "<rect {BOX} x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>",
                    x + 3.0,
                    y - HEIGHT / 2.0 + 3.0,
                    WIDTH - 6.0,
                    HEIGHT - 6.0
                )
            } else {
                String::new()
            };
            line(
                &mut text,
                format_args!(
                    "<g id=\"{id}\"><title>{name} ({id})</title><rect {BOX}{dashes} x=\"{x}\" y=\"{}\" \
                     width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>{inner}<text x=\"{}\" y=\"{}\" \
                     text-anchor=\"middle\">{}</text></g>",
                    y - HEIGHT / 2.0,
                    x + WIDTH / 2.0,
                    y + 4.5,
                    escaped(&shortened(&placed.name)),
                    id = escaped(&placed.stage_id),
                    name = escaped(&placed.name),
                ),
            );
        }
        text.push_str("</svg>\n");
        Some(text)
    }

    fn draw_edges(&self, layout: &Layout, text: &mut String) {
        for edge in &layout.edges {
            let (from_x, from_y) = match edge.from {
                EdgeEnd::Stage(stage) => {
                    let stage = &layout.stages[stage];
                    (left(stage.column) + WIDTH, middle(stage.row))
                }
                EdgeEnd::Junction(junction) => junction_place(layout, junction),
            };
            let (to_x, to_y) = match edge.to {
                EdgeEnd::Stage(stage) => {
                    (left(layout.stages[stage].column), middle(layout.stages[stage].row))
                }
                EdgeEnd::Junction(junction) => junction_place(layout, junction),
            };
            let mut path = format!("M{from_x} {from_y}");
            let (mut x, mut y) = (from_x, from_y);
            if let Some(row) = edge.row {
                // Past the columns between, in the row that is free there.
                let (passed_from, passed_to) = (from_x + GAP, to_x - GAP);
                curve(&mut path, (x, y), (passed_from, middle(row)));
                let _ = write!(path, "H{passed_to}");
                (x, y) = (passed_to, middle(row));
            }
            curve(&mut path, (x, y), (to_x, to_y));
            let dashes = if edge.is_requirement { " stroke-dasharray=\"2 4\"" } else { "" };
            let arrow = match edge.to {
                EdgeEnd::Stage(_) => " marker-end=\"url(#arrow)\"",
                EdgeEnd::Junction(_) => "",
            };
            line(text, format_args!("<path {EDGE}{dashes} d=\"{path}\"{arrow}/>"));
            let label = match (edge.from, edge.to) {
                (EdgeEnd::Stage(from), EdgeEnd::Stage(to)) if !edge.is_requirement => self.label(from, to),
                _ => None,
            };
            if let Some(label) = label {
                line(
                    text,
                    format_args!(
                        "<text {LABEL} x=\"{}\" y=\"{}\">{}</text>",
                        to_x - 10.0,
                        to_y - 6.0,
                        escaped(&shortened(&label))
                    ),
                );
            }
        }
    }
}

/// Adds a curve that leaves and arrives horizontally.
fn curve(path: &mut String, (from_x, from_y): (f64, f64), (to_x, to_y): (f64, f64)) {
    let half = f64::midpoint(from_x, to_x);
    // Writing to a `String` cannot fail.
    let _ = write!(path, "C{half} {from_y} {half} {to_y} {to_x} {to_y}");
}

fn junction_place(layout: &Layout, junction: usize) -> (f64, f64) {
    let junction = layout.junctions[junction];
    (left(junction.before_column) - GAP / 2.0, MARGIN + junction.row * ROW + HEIGHT / 2.0)
}

fn left(column: usize) -> f64 {
    MARGIN + coordinate(column) * (WIDTH + GAP)
}

fn middle(row: usize) -> f64 {
    MARGIN + coordinate(row) * ROW + HEIGHT / 2.0
}

/// Returns a number of columns or rows, of which no graph has 2^32.
fn coordinate(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LETTERS {
        return text.to_owned();
    }
    text.chars().take(LETTERS - 1).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{line}");
}
