//! Measures the compile time of the macros: `cargo run --release -p benches --bin compile_cost [-- OPTIONS]`.
//!
//! Generates crates with one workflow of many stages, and crates with the same functions without macros. Times
//! `cargo check` on both, cold and after an edit of one body. The difference divided by the number of stages is the cost
//! of the macros.

// A benchmark measures wall-clock time.
#![allow(clippy::disallowed_methods)]
// Figures are rounded for display.
#![allow(clippy::cast_precision_loss)]

mod arguments;
mod sources;
mod sample;
mod project;
mod measure;
mod report;

use std::error::Error;
use std::fs;

use arguments::Arguments;
use project::Project;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1))? else {
        println!("{}", arguments::HELP);
        return Ok(());
    };
    let project = Project::create(&arguments.shapes, &arguments.stages, arguments.limit)?;
    let before = measure::load();
    let mut costs = Vec::new();
    for &shape in &arguments.shapes {
        for stages in &arguments.stages {
            eprintln!("{} of {stages} stages", shape.name());
            costs.push(measure::cost(&project, shape, *stages, arguments.edits)?);
        }
    }
    let mut limits = Vec::new();
    for &shape in arguments.shapes.iter().filter(|_| arguments.limit > 0) {
        limits.push(measure::at_the_limit(&project, shape, arguments.limit)?);
    }
    let macros = measure::macro_crate(&project, arguments.edits)?;
    let figures = measure::Figures {
        costs,
        limit: arguments.limit,
        limits,
        macros,
        edits: arguments.edits,
        load: [before, measure::load()],
    };

    print!("{}", report::markdown(&figures));
    if let Some(path) = &arguments.json {
        fs::write(path, report::json(&figures))?;
    }
    Ok(())
}
