#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Summary;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Keywords;

#[stage]
pub async fn extract(text: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn summarize(text: u32) -> StageResult<Summary> {
    unimplemented!()
}

#[stage]
pub async fn keywords(text: u32) -> StageResult<Keywords> {
    unimplemented!()
}

#[stage]
pub async fn count(text: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn report(summary: Summary, keywords: Keywords, count: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> [summarize, [keywords, count]] >> report }

fn main() {}
// fix: parameters of the tuple's types: an inner group gives an inner tuple
