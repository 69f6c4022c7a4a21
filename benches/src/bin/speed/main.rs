//! Measures throughput, latency and cost: `cargo run --release -p benches --bin speed [-- OPTIONS]`.
//!
//! Each measurement is a separate process, `speed measure WHO WORK STORE`, with its own store, and prints one line of
//! JSON. So measurements share no memory, and programs of other engines are measured in the same way. The parent process
//! starts a temporary server, runs the measurements in turn, several times, and reports medians.

// A benchmark measures wall-clock time.
#![allow(clippy::disallowed_methods)]
// Figures are rounded for display.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod arguments;
mod line;
mod place;
mod tuning;
mod store;
mod load;
mod engine;
mod history;
mod lists;
mod client;
mod operate;
mod processes;
mod idle;
mod delayed;
mod bytes;
mod fairness;
mod floor;
mod measure;
mod machine;
mod server;
mod plan;
mod session;
mod report;

use std::error::Error;
use std::fs;

use arguments::Arguments;

/// The result of a step; any error ends the program.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, who, work, store] = given.as_slice()
        && mode == "measure"
    {
        println!("{}", serde_json::to_string(&measure::one(who, work, store.parse()?).await?)?);
        return Ok(());
    }
    if let [mode, store] = given.as_slice()
        && mode == "worker"
    {
        return processes::worker(store.parse()?).await;
    }
    let Some(arguments) = Arguments::parse(given.into_iter())? else {
        println!("{}", arguments::HELP);
        return Ok(());
    };
    let figures = session::run(&arguments).await?;
    print!("{}", report::markdown(&figures));
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    if !figures.failures.is_empty() {
        return Err(format!("{} measurements failed", figures.failures.len()).into());
    }
    Ok(())
}
