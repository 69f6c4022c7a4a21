#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn extract(text: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn summarize(text: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn polish(text: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn keywords(text: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage(require(polish))]
pub async fn rank(text: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn report(a: u32, b: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> [summarize >> polish, keywords >> rank] >> report }

fn main() {}
// fix: put the required stage before the group, or into the same branch
