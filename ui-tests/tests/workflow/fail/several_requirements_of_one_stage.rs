#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn extract(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn summarize() -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn keywords() -> StageResult<u32> {
    unimplemented!()
}

#[stage(require(summarize, keywords))]
pub async fn report(text: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> report >> keywords }

fn main() {}
// fix: put all of them before the stage
