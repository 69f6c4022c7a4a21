//! `wfe`: shows and steers the runs of a store, without the program that they belong to.

use std::process::ExitCode;

fn main() -> ExitCode {
    workflow_engine_cli::operate()
}
