use workflow_engine::prelude::*;

#[stage(signal = bool)]
async fn ask(draft: String) -> StageResult<String> {
    Ok(draft)
}

workflow! { Publishing = ask }

pub async fn send(run: &RunHandle<Publishing>) {
    let _ = run.signal::<ask>("yes").await;
}

fn main() {}
// fix: the payload that the stage declares: `run.signal::<ask>(true)`
