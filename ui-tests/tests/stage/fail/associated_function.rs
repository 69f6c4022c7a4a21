#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Loader;

impl Loader {
    #[stage]
    pub async fn load(path: String) -> StageResult<Vec<Self>> {
        Ok(vec![Loader])
    }
}

fn main() {}
// fix: a free function, and the type by its name
