#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32>
where
    String: Clone,
{
    Ok(1)
}

fn main() {}
// fix: a function without a `where` clause
