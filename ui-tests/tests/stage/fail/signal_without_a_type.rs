use workflow_engine::prelude::*;

#[stage(signal)]
async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

fn main() {}
// fix: the payload's type: `#[stage(signal = Decision)]`
