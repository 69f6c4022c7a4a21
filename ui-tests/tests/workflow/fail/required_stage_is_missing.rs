#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn extract(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn summarize() -> StageResult<bool> {
    unimplemented!()
}

#[stage(require(summarize))]
pub async fn report(text: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> report }

fn main() {}
// fix: put the required stage into the workflow, before the one that needs it
