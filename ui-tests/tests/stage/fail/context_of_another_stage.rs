#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn load(path: String, ctx: &StageContext<other>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: the name of this stage: `ctx: &StageContext<load>`
