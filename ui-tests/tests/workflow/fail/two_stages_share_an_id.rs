#![allow(unused_variables)]

use workflow_engine::prelude::*;

mod a {
    use workflow_engine::prelude::*;

    #[stage]
    pub async fn load(number: u32) -> StageResult<u32> {
        Ok(number)
    }
}

mod b {
    use workflow_engine::prelude::*;

    #[stage]
    pub async fn load(number: u32) -> StageResult<u32> {
        Ok(number)
    }
}

workflow! { pub document_processor = a::load >> b::load }

fn main() {}
// fix: `#[stage(id = "…")]` on one of them
