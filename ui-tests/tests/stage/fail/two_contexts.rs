#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, ctx: &StageContext, other: &StageContext) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one context
