#![allow(unused_variables)]

use workflow_engine::prelude::*;

mod load {
    use workflow_engine::prelude::*;

    #[stage]
    pub async fn load(path: String) -> StageResult<u32> {
        Ok(1)
    }
}

pub use load::load;

fn main() {}
// fix: another name for the module, in the plural: `mod loads; pub use loads::load;`
