//! Runs the unit tests that stand inside the example `document_processor`.
//!
//! Cargo either builds an example as a program or as a test, not both, and the tests of the whole program need the
//! program. So its modules are compiled a second time, here.
#![allow(dead_code, reason = "the program uses what its unit tests do not")]

#[path = "../document_processor/analysis/mod.rs"]
mod analysis;
#[path = "../document_processor/documents/mod.rs"]
mod documents;
#[path = "../document_processor/pipeline/mod.rs"]
mod pipeline;
#[path = "../document_processor/reports/mod.rs"]
mod reports;
