#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(#[input(rename = "")] path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[input(rename = "filePath")]`
