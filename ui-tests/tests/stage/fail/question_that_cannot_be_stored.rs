use workflow_engine::prelude::*;

struct Question {
    text: String,
}

#[stage(signal = bool)]
async fn ask(text: String) -> StageResult<Question> {
    Ok(Question { text })
}

fn main() {}
// fix: the derives: `#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] struct Question`
