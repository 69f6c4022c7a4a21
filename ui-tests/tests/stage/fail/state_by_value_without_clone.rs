#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Counter(u32);

#[stage]
pub async fn load(path: String, #[state] counter: Counter) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `&Counter`
