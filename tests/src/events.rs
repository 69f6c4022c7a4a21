//! Waiting for events of a run.

use futures_util::StreamExt;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

/// Returns the names of all events of a run, once it is terminal.
pub async fn names<W: Workflow>(run: &RunHandle<W>) -> Vec<&'static str> {
    run.events().map(|event| event.expect("a readable store").kind.name()).collect().await
}

/// Waits for the first event that `is_match` accepts, and returns it.
pub async fn wait_for<W: Workflow>(run: &RunHandle<W>, is_match: impl Fn(&EventKind) -> bool) -> EventKind {
    let mut events = run.events();
    while let Some(event) = events.next().await {
        let kind = event.expect("a readable store").kind;
        if is_match(&kind) {
            return kind;
        }
    }
    panic!("the run ended without the event")
}

/// Waits until attempt `number` of a stage has started.
pub async fn wait_for_attempt<W: Workflow>(run: &RunHandle<W>, stage: &str, number: u32) {
    wait_for(
        run,
        |kind| matches!(kind, EventKind::StageStarted { stage_id, attempt, .. } if stage_id == stage && *attempt == number),
    )
    .await;
}
