#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Summary;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn summarize(length: u32) -> StageResult<Summary> {
    unimplemented!()
}

#[stage]
pub async fn count(summary: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage(require(orphan))]
pub async fn report(count: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn orphan() -> StageResult<u32> {
    unimplemented!()
}

workflow! {
    pub first = load >> summarize >> count >> report;
    pub second = load >> >> load;
    pub third = load >> [summarize >> ]
}

fn main() {}
// fix: correct each mistake: one compilation reports them all
