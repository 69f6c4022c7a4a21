#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn load(path: String, ctx: &StageContext<load>) -> StageResult<u32> {
    Ok(ctx.optional::<other>().copied().unwrap_or_default())
}

fn main() {}
// fix: `#[stage(optional(other))]`
