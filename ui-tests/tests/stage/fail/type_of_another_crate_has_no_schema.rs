#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(id: uuid::Uuid) -> StageResult<chrono::DateTime<chrono::Utc>> {
    Ok(chrono::DateTime::UNIX_EPOCH)
}

fn main() {}
// fix: `schemars = { version = "1.2", features = ["chrono04", "uuid1"] }` in Cargo.toml
