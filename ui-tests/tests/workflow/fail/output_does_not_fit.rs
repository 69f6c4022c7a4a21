#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Summary;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Keywords;

#[stage]
pub async fn summarize(text: String) -> StageResult<Summary> {
    unimplemented!()
}

#[stage]
pub async fn rank(keywords: Keywords) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = summarize >> rank }

fn main() {}
// fix: a parameter of the type that the stage before returns, or `impl From<Summary> for RankInput`
