#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn size(length: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! {}

fn main() {}
// fix: `pub MyWorkflow = first >> second`
