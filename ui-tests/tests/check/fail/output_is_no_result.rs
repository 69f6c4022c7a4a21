#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[check]
pub async fn batch_done(ticket: &u32) -> Option<String> {
    None
}

fn main() {}
// fix: `StageResult<Check<T>>`
