#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub trait Stages {
    #[stage]
    async fn load(path: String) -> StageResult<u32>;
}

fn main() {}
// fix: a free function with a body; a stage can call a method of a trait
