//! Stages that wait for signals: every kind of payload and parameter, and the shape of the declaration.

use workflow_engine::language::SignalStage;
use workflow_engine::prelude::*;

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Decision {
    approved: bool,
}

/// Asks.
#[stage(signal = Decision, give_up_after = "7d")]
pub async fn ask(draft: String, #[config(default = 3)] copies: u32, ctx: &StageContext) -> StageResult<(String, u32)> {
    let _ = ctx.attempt();
    Ok((draft, copies))
}

#[stage(signal = Option<Vec<u32>>, give_up_after = config.patience)]
pub async fn numbers(#[config(default = "2h".to_owned())] patience: String) -> StageResult<()> {
    let _ = patience;
    Ok(())
}

#[stage(signal = std::collections::BTreeMap<String, bool>)]
pub async fn answers() -> Result<(), std::num::ParseIntError> {
    Ok(())
}

#[stage]
pub async fn end() -> StageResult<bool> {
    Ok(true)
}

workflow! { pub Asking = match ask { Self { approved: true } => numbers >> answers >> end, _ => end_early } }

#[stage]
pub async fn end_early() -> StageResult<bool> {
    Ok(false)
}

fn wait<S: SignalStage>() -> workflow_engine::definition::WaitDefinition {
    S::DECLARATION.wait.expect("it waits")
}

pub fn main() {
    assert!(wait::<ask>().is_signal() && wait::<numbers>().is_signal() && wait::<answers>().is_signal());
    assert_eq!(wait::<ask>().give_up_after, std::time::Duration::from_secs(7 * 86_400));
    assert_eq!(wait::<answers>().give_up_after, std::time::Duration::from_secs(86_400));
    let stages = &Asking::definition().stages;
    let schema = stages[0].signal_schema().expect("it waits").to_value();
    assert_eq!(schema["properties"]["approved"]["type"], "boolean");
    assert!(stages[3].signal_schema().is_none());
}
