#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn extract(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn summarize(text: u32) -> StageResult<bool> {
    unimplemented!()
}

#[stage]
pub async fn keywords(text: u32, #[require(summarize)] summary: bool) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn report(summary: bool, keywords: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> [summarize, keywords] >> report }

fn main() {}
// fix: put the required stage before the group, or both into one branch
