#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(require(extract))]
pub async fn extract(path: String) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract }

fn main() {}
// fix: no requirement: what a stage needs of its last attempt it must store
