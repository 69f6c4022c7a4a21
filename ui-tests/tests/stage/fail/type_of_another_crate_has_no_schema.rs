#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(id: uuid::Uuid) -> StageResult<uuid::Uuid> {
    Ok(id)
}

fn main() {}
// fix: `schemars = { version = "1.2", features = ["uuid1"] }` in Cargo.toml
