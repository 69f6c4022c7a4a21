//! The command line.

use std::path::PathBuf;

use crate::sources::Shape;

pub const HELP: &str = "\
usage: compile_cost [--shapes chain,choices] [--stages 10,100,300] [--edits 7] [--limit 1000] [--json FILE]

--shapes S,…   kinds of workflows: chain, groups, requirements, configuration, choices; default all
--stages N,…   numbers of stages in one workflow
--edits N      number of edits of a body, at least 5
--limit N      number of stages that must compile with the default limits of the compiler; 0 skips this check
--json FILE    also write the figures as JSON";

/// The options of one call.
pub struct Arguments {
    pub shapes: Vec<Shape>,
    pub stages: Vec<usize>,
    pub edits: usize,
    pub limit: usize,
    pub json: Option<PathBuf>,
}

impl Arguments {
    /// Parses the options. Returns `None` for `--help`.
    pub fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Self {
            shapes: Shape::ALL.to_vec(),
            stages: vec![10, 100, 300],
            edits: 7,
            limit: 1_000,
            json: None,
        };
        while let Some(option) = given.next() {
            if option == "--help" {
                return Ok(None);
            }
            let value = given.next().ok_or_else(|| format!("`{option}` needs a value\n\n{HELP}"))?;
            let number = |text: &str| {
                text.trim().parse().map_err(|error| format!("invalid value `{text}` of `{option}`: {error}"))
            };
            match option.as_str() {
                "--shapes" => arguments.shapes = value.split(',').map(shape).collect::<Result<_, _>>()?,
                "--stages" => arguments.stages = value.split(',').map(number).collect::<Result<_, _>>()?,
                "--edits" => arguments.edits = number(&value)?.max(5),
                "--limit" => arguments.limit = number(&value)?,
                "--json" => arguments.json = Some(value.into()),
                _ => return Err(format!("unknown option `{option}`\n\n{HELP}")),
            }
        }
        Ok(Some(arguments))
    }
}

/// Returns the shape of this name.
fn shape(name: &str) -> Result<Shape, String> {
    let shape = Shape::ALL.into_iter().find(|shape| shape.name() == name.trim());
    shape.ok_or_else(|| format!("unknown shape `{name}`\n\n{HELP}"))
}
