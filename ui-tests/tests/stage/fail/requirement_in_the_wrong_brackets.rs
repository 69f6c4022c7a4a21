#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(require = other)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `require(extract_text)`
