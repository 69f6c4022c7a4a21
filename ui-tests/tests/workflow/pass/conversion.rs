//! A conversion of the user's own between two stages, and between a group and a stage.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(u32::try_from(path.len())?)
}

#[stage]
pub async fn show(text: String) -> StageResult<String> {
    Ok(text)
}

#[stage]
pub async fn size(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn join(text: String) -> StageResult<String> {
    Ok(text)
}

impl From<u32> for ShowInput {
    fn from(number: u32) -> Self {
        Self { text: number.to_string() }
    }
}

impl From<(String, u32)> for JoinInput {
    fn from((text, number): (String, u32)) -> Self {
        Self { text: format!("{text}{number}") }
    }
}

workflow! { pub convert = load >> [show, size] >> join }

pub fn main() {
    assert_eq!(convert::definition().stages.len(), 4);
}
