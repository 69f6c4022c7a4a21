#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(default = "x")] limit: usize) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a value of the parameter's type
