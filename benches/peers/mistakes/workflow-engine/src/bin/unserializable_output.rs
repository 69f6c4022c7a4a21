//! A step returns a value that cannot be stored.

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

struct Handle(u32);

#[stage]
async fn open(path: String) -> StageResult<Handle> { //~ Handle
    Ok(Handle(path.len() as u32))
}

workflow! { reading = load >> open }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
