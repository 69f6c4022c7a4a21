//! The command line.

use std::path::PathBuf;

pub const HELP: &str = "\
usage: compile_cost [--stages 10,100,300] [--edits 7] [--limit 1000] [--json FILE]

--stages N,…   the numbers of stages in one workflow
--edits N      how often a body is edited, at least 5
--limit N      so many stages must compile with the default limits of the compiler; 0 leaves this out
--json FILE    writes the figures as JSON as well";

/// What is measured.
pub struct Arguments {
    pub stages: Vec<usize>,
    pub edits: usize,
    pub limit: usize,
    pub json: Option<PathBuf>,
}

impl Arguments {
    /// `None` when help was asked for.
    pub fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Self { stages: vec![10, 100, 300], edits: 7, limit: 1_000, json: None };
        while let Some(option) = given.next() {
            if option == "--help" {
                return Ok(None);
            }
            let value = given.next().ok_or_else(|| format!("`{option}` needs a value\n\n{HELP}"))?;
            let number =
                |text: &str| text.trim().parse().map_err(|error| format!("`{option}` of {text}: {error}"));
            match option.as_str() {
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
