#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(ret(max_attempts = 3))]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the options in the message
