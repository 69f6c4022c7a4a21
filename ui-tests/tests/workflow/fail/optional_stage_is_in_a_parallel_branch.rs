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

#[stage]
pub async fn keywords(text: u32, #[optional(summarize)] summary: Option<u32>) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn report(summary: u32, keywords: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub document_processor = extract >> [summarize, keywords] >> report }

fn main() {}
// fix: put the optional stage before the group, or before its reader in one branch
