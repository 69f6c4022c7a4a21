//! The graph of a workflow as a drawing.

use std::fmt::Write;

use super::workflow::WorkflowDefinition;

impl WorkflowDefinition {
    /// Returns the graph as a [Mermaid](https://mermaid.js.org/syntax/flowchart.html) flowchart, top down. A dotted edge
    /// leads from a required stage that is not a direct predecessor. The stage of a `match` is a rhombus, and the edges to
    /// its arms have their patterns. A stage after a `delay` has it in its name.
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
        let mut text = String::from("flowchart TD\n");
        for stage in &self.stages {
            let name = escaped(&stage.delayed_name());
            let (open, close) = if stage.choice.is_some() { ('{', '}') } else { ('[', ']') };
            line(&mut text, format_args!("    s{}{open}\"{name}\"{close}", stage.number));
        }
        // The innermost first: a stage belongs to the first subgraph that names it.
        for (number, catch) in self.catches.iter().enumerate().rev() {
            line(&mut text, format_args!("    subgraph c{}[\"catch\"]", number + 1));
            for stage in &self.stages[catch.stages.clone()] {
                line(&mut text, format_args!("        s{}", stage.number));
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

    /// Returns the graph in the [DOT language](https://graphviz.org/doc/info/lang.html) of Graphviz. A dashed edge leads
    /// from a required stage that is not a direct predecessor. The stage of a `match` is a diamond, and the edges to its
    /// arms have their patterns.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n    node [shape=box];\n", quoted(&self.id));
        for stage in &self.stages {
            let shape = if stage.choice.is_some() { ", shape=diamond" } else { "" };
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
            let stages = self.stages[catch.stages.clone()].iter();
            let stages: Vec<String> = stages.map(|stage| format!("\"{}\"", quoted(&stage.id))).collect();
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

    fn edges(&self) -> impl Iterator<Item = Edge> {
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
    fn label(&self, from: usize, to: usize) -> Option<String> {
        let arms = &self.stages[from].choice.as_ref()?.arms;
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
struct Edge {
    from: usize,
    to: usize,
    /// Whether only a requirement causes it.
    is_required: bool,
    /// The patterns that lead over it.
    label: Option<String>,
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
