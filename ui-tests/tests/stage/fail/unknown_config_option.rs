#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(defualt = 3)] limit: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the options in the message
