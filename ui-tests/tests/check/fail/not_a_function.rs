#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[check]
pub struct BatchDone;

fn main() {}
// fix: `#[check]` on an `async fn`
