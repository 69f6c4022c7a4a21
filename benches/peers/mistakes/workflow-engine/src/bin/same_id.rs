//! Two steps have the same id.

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage]
async fn count(text: String) -> StageResult<u32> {
    Ok(text.len() as u32)
}

#[stage(id = "count")]
async fn rank(text: String) -> StageResult<Vec<String>> {
    Ok(vec![text])
}

#[stage]
async fn report(count: u32, ranked: Vec<String>) -> StageResult<String> {
    Ok(format!("{count} {ranked:?}"))
}

workflow! { reading = load >> [count, rank] >> report //~ rank
    }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
