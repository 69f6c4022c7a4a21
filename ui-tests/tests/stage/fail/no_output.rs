#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) {
}

fn main() {}
// fix: `-> StageResult<()>`, or the type of the output
