#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(pattern(a-z))] name: String, #[config(pattern = 3)] other: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `pattern = "^[a-z]+$"`
