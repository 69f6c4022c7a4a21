#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: std::borrow::Cow<'_, str>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a type that owns what it holds, `String` instead of `Cow<'a, str>`
