#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(default = 3, rang(0..=10))] max: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the options in the message
