#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage(require(other))]
pub async fn load(path: String, ctx: &StageContext) -> StageResult<u32> {
    Ok(*ctx.require::<other>())
}

fn main() {}
// fix: `ctx: &StageContext<load>`, with the name of the stage itself
