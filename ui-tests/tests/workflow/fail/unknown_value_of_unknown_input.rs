#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

workflow! {
    #[workflow(unknown_input = allow)]
    Loading = load
}

fn main() {}
// fix: `deny` or `ignore`
