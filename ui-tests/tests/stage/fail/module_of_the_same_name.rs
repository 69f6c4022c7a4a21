#![allow(unused_variables)]

use workflow_engine::prelude::*;

mod load {}

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: another name for the module, in the plural: `mod loads`
