#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage]
pub async fn count(text: String) -> StageResult<u32> {
    Ok(1)
}

pub async fn run() -> Result<(), workflow_engine::Error> {
    let engine = Engine::builder("memory:").register::<load>().build().await?;
    Ok(())
}

fn main() {}
// fix: a workflow, `workflow! { pub Loading = load }`, and `register::<Loading>()`
