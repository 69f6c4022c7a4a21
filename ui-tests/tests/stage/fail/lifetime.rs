#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load<'a>(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: types that own what they hold
