//! The graph of a stored definition: the program that has it need not be here.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

/// A definition as the store keeps it, as far as it is drawn.
#[derive(Debug, Deserialize)]
pub struct Graph {
    id: String,
    stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
struct Stage {
    id: String,
    name: String,
    number: u32,
    execution_group: u32,
    predecessors: Vec<String>,
    reads: Vec<String>,
    #[serde(default)]
    delay_ms: Option<u64>,
}

impl Graph {
    /// Returns one line for each level, and the predecessors of each stage.
    pub fn to_text(&self) -> String {
        let mut levels: BTreeMap<u32, Vec<&Stage>> = BTreeMap::new();
        for stage in &self.stages {
            levels.entry(stage.execution_group).or_default().push(stage);
        }
        let mut text = String::new();
        for (level, stages) in levels {
            for (index, stage) in stages.iter().enumerate() {
                let head = if index == 0 { format!("{level}") } else { String::new() };
                let mut line = format!("{head:>3}  {}", stage.id);
                if !stage.predecessors.is_empty() {
                    let _ = write!(line, "  after {}", stage.predecessors.join(", "));
                }
                if let Some(delay) = stage.delay() {
                    let _ = write!(line, "  {delay} later");
                }
                let required: Vec<&str> = stage.required().collect();
                if !required.is_empty() {
                    let _ = write!(line, "  reads {}", required.join(", "));
                }
                text.push_str(&line);
                text.push('\n');
            }
        }
        text
    }

    /// Returns the graph as a Mermaid flowchart, as `WorkflowDefinition::to_mermaid` does.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        for stage in &self.stages {
            // Mermaid has the entities of HTML, with `#` instead of `&`.
            let name = stage.label().replace('#', "#35;").replace('"', "#quot;");
            let _ = writeln!(text, "    s{}[\"{name}\"]", stage.number);
        }
        let numbers: BTreeMap<&str, u32> =
            self.stages.iter().map(|stage| (stage.id.as_str(), stage.number)).collect();
        for (from, to, is_required) in self.edges() {
            if let (Some(from), Some(to)) = (numbers.get(from), numbers.get(to)) {
                let arrow = if is_required { "-.->" } else { "-->" };
                let _ = writeln!(text, "    s{from} {arrow} s{to}");
            }
        }
        text
    }

    /// Returns the graph in the DOT language of Graphviz, as `WorkflowDefinition::to_dot` does.
    pub fn to_dot(&self) -> String {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut text = format!("digraph \"{}\" {{\n    node [shape=box];\n", quoted(&self.id));
        for stage in &self.stages {
            let _ = writeln!(text, "    \"{}\" [label=\"{}\"];", quoted(&stage.id), quoted(&stage.label()));
        }
        for (from, to, is_required) in self.edges() {
            let style = if is_required { " [style=dashed]" } else { "" };
            let _ = writeln!(text, "    \"{}\" -> \"{}\"{style};", quoted(from), quoted(to));
        }
        text.push_str("}\n");
        text
    }

    fn edges(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.stages.iter().flat_map(|stage| {
            let plain = stage.predecessors.iter().map(|from| (from.as_str(), false));
            let required = stage.required().map(|from| (from, true));
            plain.chain(required).map(move |(from, is_required)| (from, stage.id.as_str(), is_required))
        })
    }
}

impl Stage {
    /// Returns how much later the stage starts than it is ready, in the largest unit of which that is a multiple.
    fn delay(&self) -> Option<String> {
        let delay = self.delay_ms?;
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
        let unit = units.iter().find(|(_, unit)| delay.is_multiple_of(*unit))?;
        Some(format!("{}{}", delay / unit.1, unit.0))
    }

    fn label(&self) -> String {
        match self.delay() {
            Some(delay) => format!("{}, {delay} later", self.name),
            None => self.name.clone(),
        }
    }

    /// Returns the stages whose outputs it reads, apart from its predecessors.
    fn required(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().filter(|from| !self.predecessors.contains(from)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use workflow_engine::prelude::*;

    use super::*;

    #[stage]
    async fn load(path: String) -> StageResult<String> {
        Ok(path)
    }

    #[stage]
    async fn count(text: String) -> StageResult<usize> {
        Ok(text.len())
    }

    #[stage]
    async fn lines(text: String) -> StageResult<usize> {
        Ok(text.lines().count())
    }

    #[stage]
    async fn report(count: usize, lines: usize, #[require(load)] text: &String) -> StageResult<String> {
        Ok(format!("{count} {lines} {text}"))
    }

    workflow! { Reporting = load >> [count, delay("90m") >> lines] >> report }

    #[test]
    fn a_stored_definition_is_drawn_as_the_definition_itself() {
        let definition = Reporting::definition();
        let stored = serde_json::to_string(&definition.to_json()).unwrap();
        let graph: Graph = serde_json::from_str(&stored).unwrap();
        assert_eq!(graph.to_mermaid(), definition.to_mermaid());
        assert_eq!(graph.to_dot(), definition.to_dot());
        let text = "  1  load\n  2  count  after load\n     lines  after load  90m later\n  3  report  after count, lines  reads load\n";
        assert_eq!(graph.to_text(), text);
    }
}
