//! # The command line of workflow-engine
//!
#![doc = include_str!("../docs/overview.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod failure;
mod output;
mod options;
mod logging;
mod session;
mod program;
mod client;
mod api;
mod values;
mod run_filter;
mod stdin;
mod consent;
mod progress;
mod typescript;
mod commands;

use std::process::ExitCode;

use workflow_engine::EngineBuilder;

pub use clap;
pub use failure::{Exit, Failure};
pub use program::Program;
pub use session::Session;

/// Runs a program: the function registers its workflows, state and plugins. [`Program`] has more options.
///
/// ```no_run
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn double(number: u32) -> StageResult<u32> {
///     Ok(number * 2)
/// }
///
/// workflow! { Doubling = double }
///
/// fn main() -> std::process::ExitCode {
///     workflow_engine_cli::run(|engine| engine.register::<Doubling>())
/// }
/// ```
pub fn run(configure: impl Fn(EngineBuilder) -> EngineBuilder + Send + Sync + 'static) -> ExitCode {
    Program::new(move |engine, _| Ok(configure(engine))).run()
}

/// Runs the program `wfe`: every command that needs no workflows.
#[must_use]
pub fn operate() -> ExitCode {
    Program::operator().name("wfe").version(env!("CARGO_PKG_VERSION")).run()
}
