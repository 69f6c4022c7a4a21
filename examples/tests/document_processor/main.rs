//! The program `document_processor`, run as a newcomer runs it: in a folder of its own, on real input.

mod failures;
mod program;
mod reporting;
mod resuming;
mod server;
