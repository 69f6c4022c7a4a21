#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config] ctx: &StageContext) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `ctx: &StageContext` without an attribute
