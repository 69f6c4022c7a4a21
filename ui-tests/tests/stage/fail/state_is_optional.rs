#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Counter(u32);

#[stage]
pub async fn load(#[state] counter: Option<&Counter>) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn store(#[state] counter: &Option<Counter>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `&Counter`
