#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn find(path: String) -> StageResult<Option<u32>> {
    unimplemented!()
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn zero() -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub measure = match find { Some(length) => count, No } }

fn main() {}
// fix: the whole arm, `None => zero`
