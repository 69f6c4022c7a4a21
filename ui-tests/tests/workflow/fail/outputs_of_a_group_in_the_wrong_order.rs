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
pub async fn report(summary: Summary, keywords: Keywords) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> [keywords, summarize] >> report }

fn main() {}
// fix: the branches in the order of the parameters, or the other way round
