#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(range(zero..=10))] max: u32, #[config(range)] min: u32, #[config(range(..))] mean: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `range(0..=10)`
