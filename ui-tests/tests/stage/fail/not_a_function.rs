#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub struct load;

fn main() {}
// fix: `#[stage]` on an `async fn`
