#![allow(unused_variables)]

use workflow_engine::prelude::*;

struct Loader;

impl Loader {
    #[stage]
    pub async fn load(path: String) -> StageResult<u32> {
        Ok(1)
    }
}

fn main() {}
// fix: a free function; the first error is the mistake, and the others are about the rest of what `#[stage]` generates
