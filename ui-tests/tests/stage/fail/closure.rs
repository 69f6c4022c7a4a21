#![allow(unused_variables)]

use workflow_engine::prelude::*;

fn main() {
    let load = #[stage]
    |path: String| 1;
}
// fix: `#[stage]` on an `async fn`
