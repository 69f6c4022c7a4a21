#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<&'static str> {
    Ok("loaded")
}

fn main() {}
// fix: `StageResult<String>`
