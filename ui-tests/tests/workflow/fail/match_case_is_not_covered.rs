#![allow(unused_variables)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Invoice {
    pub total: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    Invoice(Invoice),
    Letter { text: String, from: String },
    Spam,
}

#[stage]
pub async fn classify(path: String) -> StageResult<Kind> {
    unimplemented!()
}

#[stage]
pub async fn book(invoice: Invoice) -> StageResult<String> {
    unimplemented!()
}

#[stage]
pub async fn answer(text: String, from: String) -> StageResult<String> {
    unimplemented!()
}

workflow! {
    pub filing = match classify {
        Invoice(invoice) => book,
        Letter { text, from } => answer,
    }
}

fn main() {}
// fix: `Spam => ()`, or `_ => ()` for all other cases
