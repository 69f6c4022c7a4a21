#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(Clone)]
pub struct Pool(u32);

#[stage]
pub async fn load(path: String, #[state] pool: &Pool, #[state] replica: Pool) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `pub struct Replica(Pool);` and `#[state] replica: &Replica`
