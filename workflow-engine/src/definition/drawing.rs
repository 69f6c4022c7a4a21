//! The graph of a workflow as a drawing.

use std::fmt::Write;

use super::workflow::WorkflowDefinition;

impl WorkflowDefinition {
    /// Returns the graph as a [Mermaid](https://mermaid.js.org/syntax/flowchart.html) flowchart, top down. A dotted edge
    /// leads from a required stage that is not a direct predecessor.
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
            // Mermaid has the entities of HTML, with `#` instead of `&`.
            let name = stage.name.replace('#', "#35;").replace('"', "#quot;");
            line(&mut text, format_args!("    s{}[\"{name}\"]", stage.number));
        }
        for (from, to, required) in self.edges() {
            let arrow = if required { "-.->" } else { "-->" };
            line(&mut text, format_args!("    s{from} {arrow} s{to}"));
        }
        text
    }

    /// Returns the graph in the [DOT language](https://graphviz.org/doc/info/lang.html) of Graphviz. A dashed edge leads
    /// from a required stage that is not a direct predecessor.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n    node [shape=box];\n", quoted(&self.id));
        for stage in &self.stages {
            line(
                &mut text,
                format_args!("    \"{}\" [label=\"{}\"];", quoted(&stage.id), quoted(&stage.name)),
            );
        }
        for (from, to, required) in self.edges() {
            let (from, to) = (quoted(&self.stages[from - 1].id), quoted(&self.stages[to - 1].id));
            let style = if required { " [style=dashed]" } else { "" };
            line(&mut text, format_args!("    \"{from}\" -> \"{to}\"{style};"));
        }
        text.push_str("}\n");
        text
    }

    /// Each edge as the numbers of its stages, and whether only a requirement causes it.
    fn edges(&self) -> impl Iterator<Item = (usize, usize, bool)> {
        self.stages.iter().enumerate().flat_map(|(to, stage)| {
            let plain = stage.predecessors.iter().map(|from| (*from, false));
            let required = stage
                .reads
                .iter()
                .filter(|from| !stage.predecessors.contains(from))
                .map(|from| (*from, true));
            plain.chain(required).map(move |(from, required)| (from + 1, to + 1, required))
        })
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{line}");
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
