//! Extracts the text of documents, analyses it and writes reports, durably.
#![allow(dead_code)]

mod analysis;
mod documents;
mod pipeline;
mod reports;

fn main() {}
