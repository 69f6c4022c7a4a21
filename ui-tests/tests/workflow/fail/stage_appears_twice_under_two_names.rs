#![allow(unused_variables)]

use workflow_engine::prelude::*;

mod stages {
    use workflow_engine::prelude::*;

    #[stage]
    pub async fn load(number: u32) -> StageResult<u32> {
        Ok(number)
    }
}

use stages::load;
use stages::load as load_again;

workflow! { pub document_processor = load >> load_again }

fn main() {}
// fix: a second stage, whose function calls the same code
