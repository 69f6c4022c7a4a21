#![allow(unused_variables)]

use workflow_engine::prelude::*;

struct Loader;

impl Loader {
    #[stage]
    pub async fn load(&self, path: String) -> StageResult<u32> {
        Ok(1)
    }
}

fn main() {}
// fix: a free function, which takes what it needs as parameters
