#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Counter(std::cell::Cell<u32>);

#[stage]
pub async fn load(path: String, #[state] counter: &Counter) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: an `AtomicU32` in place of the `Cell`
