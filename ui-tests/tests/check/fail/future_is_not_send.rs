#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[check]
pub async fn batch_done(ticket: &u32) -> StageResult<Check<String>> {
    let shared = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(shared);
    Ok(Check::Pending)
}

fn main() {}
// fix: drop the value before the `.await`, or use a type that is `Send`
