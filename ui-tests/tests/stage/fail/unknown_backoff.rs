#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(retry(backoff = linear))]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `exponential` or `fixed`
