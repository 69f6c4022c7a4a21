//! The graph of a workflow as a drawing.

use std::fmt::Write;

use super::graph::{Edge, Graph};
use super::workflow::WorkflowDefinition;

impl WorkflowDefinition {
    /// Returns the graph as a [Mermaid](https://mermaid.js.org/syntax/flowchart.html) flowchart, top down. A dotted edge
    /// leads from a required stage that is not a direct predecessor. The stage of a `match` is a rhombus, and the edges to
    /// its arms have their patterns. A step that is a workflow has a double frame.
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
    /// async fn count(text: String) -> StageResult<usize> {
    ///     Ok(text.len())
    /// }
    ///
    /// workflow! { Measure = load >> count }
    ///
    /// assert_eq!(
    ///     Measure::definition().to_mermaid(),
    ///     "flowchart TD\n    s1[\"Load\"]\n    s2[\"Count\"]\n    s1 --> s2\n",
    /// );
    /// ```
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        Graph::of(self).to_mermaid()
    }

    /// Returns the graph in the [DOT language](https://graphviz.org/doc/info/lang.html) of Graphviz. A dashed edge leads
    /// from a required stage that is not a direct predecessor. The stage of a `match` is a diamond, and the edges to its
    /// arms have their patterns. A step that is a workflow has a double frame.
    #[must_use]
    pub fn to_dot(&self) -> String {
        Graph::of(self).to_dot()
    }
}

impl Graph {
    /// Returns the graph as a Mermaid flowchart: see [`WorkflowDefinition::to_mermaid`].
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        for stage in &self.stages {
            let name = escaped(&stage.delayed_name());
            let (open, close) = match (&stage.arms, &stage.child) {
                (Some(_), _) => ("{", "}"),
                (None, Some(_)) => ("[[", "]]"),
                (None, None) => ("[", "]"),
            };
            line(&mut text, format_args!("    s{}{open}\"{name}\"{close}", stage.number));
        }
        // The innermost first: a stage belongs to the first subgraph that names it.
        for (number, catch) in self.catches.iter().enumerate().rev() {
            line(&mut text, format_args!("    subgraph c{}[\"catch\"]", number + 1));
            for &stage in catch {
                line(&mut text, format_args!("        s{}", self.stages[stage].number));
            }
            line(&mut text, format_args!("    end"));
        }
        for Edge { from, to, is_required, label } in self.edges() {
            let arrow = if is_required { "-.->" } else { "-->" };
            let label = label.map(|label| format!("|\"{}\"|", escaped(&label))).unwrap_or_default();
            line(&mut text, format_args!("    s{} {arrow}{label} s{}", from + 1, to + 1));
        }
        text
    }

    /// Returns the graph in the DOT language of Graphviz: see [`WorkflowDefinition::to_dot`].
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n    node [shape=box];\n", quoted(&self.id));
        for stage in &self.stages {
            let mut shape = if stage.arms.is_some() { ", shape=diamond" } else { "" }.to_owned();
            if stage.child.is_some() {
                shape.push_str(", peripheries=2");
            }
            line(
                &mut text,
                format_args!(
                    "    \"{}\" [label=\"{}\"{shape}];",
                    quoted(&stage.id),
                    quoted(&stage.delayed_name())
                ),
            );
        }
        for (number, catch) in self.catches.iter().enumerate().rev() {
            let stages = catch.iter().map(|&stage| format!("\"{}\"", quoted(&self.stages[stage].id)));
            let stages: Vec<String> = stages.collect();
            let stages = stages.join("; ");
            line(
                &mut text,
                format_args!("    subgraph cluster_{} {{ label=\"catch\"; {stages}; }}", number + 1),
            );
        }
        for Edge { from, to, is_required, label } in self.edges() {
            let (from, to) = (quoted(&self.stages[from].id), quoted(&self.stages[to].id));
            let style = match label {
                Some(label) => format!(" [label=\"{}\"]", quoted(&label)),
                None if is_required => " [style=dashed]".to_owned(),
                None => String::new(),
            };
            line(&mut text, format_args!("    \"{from}\" -> \"{to}\"{style};"));
        }
        text.push_str("}\n");
        text
    }

    /// Returns the graph as lines for a terminal: the levels, the stages of each, and what they follow. A stage of a
    /// `match` has the pattern that leads to it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let levels = self.stages.iter().map(|stage| stage.execution_group).max().unwrap_or_default();
        for level in 1..=levels {
            let of_level = self.stages.iter().enumerate().filter(|(_, stage)| stage.execution_group == level);
            for (place, (index, stage)) in of_level.enumerate() {
                let head = if place == 0 { level.to_string() } else { String::new() };
                let before = stage.predecessors.iter().map(|&from| {
                    let label = self.label(from, index).map(|label| format!(" ({label})"));
                    self.stages[from].id.clone() + &label.unwrap_or_default()
                });
                let before: Vec<String> = before.collect();
                let after =
                    if before.is_empty() { String::new() } else { format!("  after {}", before.join(", ")) };
                let required = stage.reads.iter().filter(|from| !stage.predecessors.contains(from));
                let required: Vec<&str> = required.map(|&from| self.stages[from].id.as_str()).collect();
                let reads = if required.is_empty() {
                    String::new()
                } else {
                    format!("  reads {}", required.join(", "))
                };
                let later = stage.delayed_by().map(|delay| format!("  {delay} later")).unwrap_or_default();
                let child = if stage.child.is_some() { "  (workflow)" } else { "" };
                line(&mut text, format_args!("{head:>3}  {}{child}{after}{later}{reads}", stage.id));
            }
        }
        text
    }
}

/// A text in Mermaid, which has the entities of HTML, with `#` instead of `&`.
fn escaped(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;")
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{line}");
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
