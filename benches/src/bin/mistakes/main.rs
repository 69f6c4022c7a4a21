//! Compares how several engines report the same mistakes: `cargo run -p benches --bin mistakes [-- ENGINE…]`.
//!
//! Checks the programs under `peers/mistakes`, one mistake in each file, and prints the results as a Markdown table. A
//! file marks its culprit with `//~ token` at the end of the line.

mod catalogue;
mod compiler;

use std::error::Error;
use std::fmt::Write;
use std::{env, io};

use catalogue::{CORRECT, ENGINES, Engine, MISTAKES};
use compiler::{Finding, Underlined, check, source};

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let engines: Vec<&Engine> = ENGINES
        .iter()
        .filter(|engine| wanted.is_empty() || wanted.contains(&engine.name.to_owned()))
        .collect();
    let mut builds = Vec::new();
    for engine in &engines {
        eprintln!("{}", engine.name);
        // A result counts only if the same program without the mistake compiles.
        let mut accepted = true;
        for file in CORRECT.into_iter().filter(|file| source(engine, file).exists()) {
            accepted &= matches!(check(engine, file)?, Finding::Accepted);
        }
        builds.push(accepted);
    }
    let titles =
        engines.iter().map(|engine| Ok(format!(" {} {} |", engine.name, compiler::version(engine)?)));
    println!("| mistake |{}", titles.collect::<io::Result<String>>()?);
    println!("|---|{}", "---|".repeat(engines.len()));
    for (file, mistake) in MISTAKES {
        let mut row = format!("| {mistake} |");
        for (engine, builds) in engines.iter().zip(&builds) {
            let cell = if *builds { cell(engine, file)? } else { "does not build here".to_owned() };
            // Writing to a string cannot fail.
            let _ = write!(row, " {cell} |");
        }
        println!("{row}");
    }
    Ok(())
}

fn cell(engine: &Engine, file: &str) -> io::Result<String> {
    if !source(engine, file).exists() {
        return Ok("–".to_owned());
    }
    Ok(match check(engine, file)? {
        Finding::Accepted => "**not caught**".to_owned(),
        Finding::Refused { errors, lines, underlined } => {
            let errors = if errors == 1 { String::new() } else { format!("{errors} errors, ") };
            let place = match underlined {
                Underlined::Token => "underlined",
                Underlined::Line => "its line",
                Underlined::Elsewhere => "elsewhere",
            };
            format!("{errors}{lines} lines, {place}")
        }
    })
}
