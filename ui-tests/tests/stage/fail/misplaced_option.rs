#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(max_attempts = 3)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: the option where the message says: `retry(max_attempts = 3)`
