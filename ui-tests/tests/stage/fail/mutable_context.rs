#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, ctx: &mut StageContext) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `ctx: &StageContext`
