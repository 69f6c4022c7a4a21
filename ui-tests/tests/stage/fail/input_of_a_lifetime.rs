#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: std::borrow::Cow<'_, str>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
