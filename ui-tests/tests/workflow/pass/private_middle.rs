//! A stage in the middle of a public workflow may be private.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Secret(u32);

#[stage]
async fn hide(n: u32, #[config(default = 1)] by: u32) -> StageResult<Secret> {
    Ok(Secret(n + by))
}

#[stage]
async fn show(secret: Secret) -> StageResult<u32> {
    Ok(secret.0)
}

#[stage]
pub async fn report(n: u32) -> StageResult<u32> {
    Ok(n)
}

workflow! { pub public = load >> hide >> show >> report }

pub fn main() {
    assert_eq!(PublicConfig::default().hide.by, 1);
}
