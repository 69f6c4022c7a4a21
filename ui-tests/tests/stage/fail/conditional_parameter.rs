#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[cfg(unix)] mode: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: two functions, each under its own `#[cfg]`, or the parameter always
