use workflow_engine::prelude::*;

#[check]
async fn done(question: &String) -> StageResult<Check<bool>> {
    Ok(Check::Ready(question.is_empty()))
}

#[stage(signal = bool, check = done)]
async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

fn main() {}
// fix: one of the two: `#[stage(signal = bool)]`
