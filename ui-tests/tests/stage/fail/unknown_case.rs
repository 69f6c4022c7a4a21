#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(rename_all = "camel_case")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the known cases
