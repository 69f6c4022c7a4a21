//! A step depends on a step that runs later.

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
async fn check(text: String, #[require(count)] needed: u32) -> StageResult<String> {
    drop(needed);
    Ok(text)
}

workflow! { reading = load >> check >> count //~ check
    }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
