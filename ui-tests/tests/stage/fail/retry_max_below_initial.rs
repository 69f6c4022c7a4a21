#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(retry(initial = "1h", max = "5m"))]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a `max` of at least `initial`
