#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    let shared = std::rc::Rc::new(1);
    std::future::ready(()).await;
    Ok(*shared)
}

fn main() {}
// fix: drop the value before the `.await`, or use a type that is `Send`, `Arc` instead of `Rc`
