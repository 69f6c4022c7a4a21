#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct DocumentContext;

#[stage]
pub async fn load(path: String, ctx: &DocumentContext) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `ctx: &StageContext`; a value of your own is taken by value, under any type name
