//! A workflow has no steps.

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

// Nothing is reported.

workflow! { reading = //~ =
    }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
