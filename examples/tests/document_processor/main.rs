//! The program `document_processor`, run in its own folder on real input.

#[path = "../programs/mod.rs"]
mod programs;

mod failures;
mod program;
mod reporting;
mod resuming;
mod server;
