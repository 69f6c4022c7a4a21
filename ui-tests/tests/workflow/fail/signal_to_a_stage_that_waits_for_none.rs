use workflow_engine::prelude::*;

#[stage]
async fn draft(text: String) -> StageResult<String> {
    Ok(text)
}

#[stage(signal = bool)]
async fn ask(draft: String) -> StageResult<String> {
    Ok(draft)
}

workflow! { Publishing = draft >> ask }

pub async fn send(run: &RunHandle<Publishing>) {
    let _ = run.signal::<draft>(String::new()).await;
}

fn main() {}
// fix: the stage that waits: `run.signal::<ask>(true)`
