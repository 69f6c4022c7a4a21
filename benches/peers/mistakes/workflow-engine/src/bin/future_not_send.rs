//! A step holds a value that is not `Send` across an `.await`.

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
async fn rank(text: String) -> StageResult<Vec<String>> { //~ rank
    let shared = std::rc::Rc::new(text);
    std::future::ready(()).await;
    Ok(vec![shared.to_string()])
}

#[stage]
async fn report(count: u32, ranked: Vec<String>) -> StageResult<String> {
    Ok(format!("{count} {ranked:?}"))
}

workflow! { reading = load >> [count, rank] >> report }

fn main() {
    println!("{}", reading::definition().to_mermaid());
}
