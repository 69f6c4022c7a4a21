//! A step depends on a step that is not in the workflow.

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage]
async fn count(text: String) -> StageResult<u32> {
    Ok(text.len() as u32)
}

// Nothing is reported.

#[stage]
async fn check(#[require(count)] needed: u32) -> StageResult<()> {
    drop(needed);
    Ok(())
}

workflow! { reading = load >> check //~ check
    }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
