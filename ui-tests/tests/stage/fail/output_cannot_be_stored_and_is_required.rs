#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    Ok(length)
}

#[stage]
pub async fn add(a: u32, b: u32) -> StageResult<u32> {
    Ok(a + b)
}

pub struct Document;

#[stage]
pub async fn read(length: u32) -> StageResult<Document> {
    Ok(Document)
}

#[stage]
pub async fn report(length: u32, #[require(read)] document: &Document) -> StageResult<u32> {
    Ok(length)
}

workflow! { pub measure(u32) = [count, read >> ignore] >> add >> report }

#[stage]
pub async fn ignore() -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[derive(Serialize, Deserialize, JsonSchema)]` on the type; the stages that require it report no error
