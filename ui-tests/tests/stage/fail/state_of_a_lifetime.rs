#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Words<'a>(&'a str);

#[stage]
pub async fn load(path: String, #[state] words: &Words<'_>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `Words<'static>`, or a type with a `String`
