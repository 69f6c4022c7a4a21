#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn extract(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn summarize(text: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage(optional(summarize))]
pub async fn report(text: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> report >> summarize }

fn main() {}
// fix: put the optional stage before the one that reads it, or take it out of the workflow
