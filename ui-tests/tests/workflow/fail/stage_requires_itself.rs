#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(require(extract))]
pub async fn extract(path: String) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract }

fn main() {}
// fix: remove the requirement: a stage that needs data of its last attempt must store it
