#![allow(unused_variables)]

use workflow_engine::prelude::*;

struct SplitInput;

#[stage]
async fn split(text: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: another name for the structure or for the stage; the first error is the mistake, and the others follow from it
