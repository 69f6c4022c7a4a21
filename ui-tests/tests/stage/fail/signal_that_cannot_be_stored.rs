use workflow_engine::prelude::*;

struct Decision {
    approved: bool,
}

#[stage(signal = Decision)]
async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

fn main() {}
// fix: the derives: `#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] struct Decision`
