//! `crate = path` for a library that comes through a re-export.
#![deny(warnings)]

mod company {
    pub use workflow_engine as engine;
}

use self::company::engine::{StageContext, StageResult, Workflow, stage, workflow};

#[stage(crate = self::company::engine)]
pub async fn load(path: String, #[config(default = 1)] depth: u32, ctx: &StageContext) -> StageResult<u32> {
    let _ = (path, ctx);
    Ok(depth)
}

workflow! {
    #[workflow(crate = self::company::engine)]
    pub walk = load
}

pub fn main() {
    assert_eq!(walk::definition().stages.len(), 1);
}
