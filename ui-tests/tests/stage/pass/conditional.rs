//! The items that are generated for a stage have the `#[cfg]` of the stage.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[cfg(any())]
#[stage]
pub async fn before(path: Missing) -> StageResult<u32> {
    Ok(1)
}

#[stage(require(nowhere))]
#[cfg(any())]
pub async fn after(path: Missing, #[config] depth: Missing) -> StageResult<u32> {
    Ok(1)
}

#[stage]
#[cfg(all())]
pub async fn here(path: String) -> StageResult<usize> {
    Ok(path.len())
}

workflow! {
    #[cfg(any())]
    pub something = after;

    #[cfg(all())]
    pub something = here
}

pub fn main() {
    assert_eq!(something::definition().id, "something");
}
