#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(timeout = "30 parsecs")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `"30s"`, `"5m"`, `"2h"` or `"1d"`
