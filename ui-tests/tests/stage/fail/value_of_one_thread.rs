#![allow(unused_variables)]

use workflow_engine::prelude::*;

use std::rc::Rc;

#[stage]
pub async fn load(path: Rc<String>, #[config] words: Vec<&'static str>) -> StageResult<Option<Rc<u32>>> {
    Ok(None)
}

fn main() {}
// fix: `String`, `Vec<String>` and `Option<u32>`
