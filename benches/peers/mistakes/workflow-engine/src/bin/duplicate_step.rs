//! A step is written twice.

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage]
async fn count(text: String) -> StageResult<u32> {
    Ok(text.len() as u32)
}

#[stage]
async fn rank(text: String) -> StageResult<Vec<String>> {
    Ok(vec![text])
}

// Nothing is reported.

workflow! { reading = load >> [count, rank, rank] //~ rank
    }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
