#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(rename_all = "camelCase")]
pub async fn load(max_length: u32, #[input(rename = "maxLength")] limit: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: another `rename` for one of the two
