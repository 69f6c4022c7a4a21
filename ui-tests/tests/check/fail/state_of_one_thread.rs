#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Counter(std::cell::Cell<u32>);

#[check]
pub async fn batch_done(ticket: &u32, #[state] counter: &Counter) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

fn main() {}
// fix: an `AtomicU32` in place of the `Cell`
