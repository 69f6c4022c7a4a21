#![allow(unused_variables)]

use workflow_engine::prelude::*;

use std::rc::Rc;

#[stage]
pub async fn load(path: String, #[state] names: Rc<Vec<String>>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `Arc<Vec<String>>`
