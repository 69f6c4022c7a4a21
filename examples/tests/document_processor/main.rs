//! The program `document_processor`, run as a newcomer runs it: in a folder of its own, on real input.

#[path = "../programs/mod.rs"]
mod programs;

mod failures;
mod program;
mod reporting;
mod resuming;
mod server;
