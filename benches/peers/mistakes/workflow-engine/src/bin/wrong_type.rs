//! A step takes a different type than its predecessor returns.

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

// Nothing is reported.

#[stage]
async fn square(number: u32) -> StageResult<u32> {
    Ok(number * number)
}

workflow! { reading = load >> square //~ square
    }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
