#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load((path, length): (String, u32)) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one name, and `let (a, b) = pair;` in the body
