use workflow_engine::prelude::*;

#[stage(signal = bool, poll_every = "1h", give_up_after = "7d")]
async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

fn main() {}
// fix: no interval: `#[stage(signal = bool, give_up_after = "7d")]`
