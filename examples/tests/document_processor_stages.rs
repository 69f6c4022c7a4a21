//! Runs the unit tests in the example `document_processor`.
//!
//! Cargo builds an example either as a program or as a test, and the tests of the whole program need the program. So this
//! file compiles the modules a second time.
#![allow(dead_code, reason = "the unit tests do not use all that the program uses")]

#[path = "../document_processor/analysis/mod.rs"]
mod analysis;
#[path = "../document_processor/documents/mod.rs"]
mod documents;
#[path = "../document_processor/pipeline/mod.rs"]
mod pipeline;
#[path = "../document_processor/reports/mod.rs"]
mod reports;
