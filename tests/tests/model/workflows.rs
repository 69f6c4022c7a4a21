//! The workflows that the cases run. Their functions do not matter: the case decides how each attempt ends.

use workflow_engine::definition::WorkflowDefinition;
use workflow_engine::prelude::*;

#[stage(retry(max_attempts = 2, max_crashes = 2, initial = "1s"))]
async fn begin(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage(retry(max_attempts = 1, max_crashes = 3, initial = "2s"))]
async fn left(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage(retry(max_attempts = 2, max_crashes = 1))]
async fn right(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage(retry(max_attempts = 2, max_crashes = 2, initial = "1s"))]
async fn join(one: u64, other: u64) -> StageResult<u64> {
    Ok(one + other)
}

#[stage(retry(max_attempts = 2, initial = "1s"))]
async fn end(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage(check = arrived, poll_every = "10s", give_up_after = "25s", retry(max_attempts = 2, max_crashes = 2, initial = "1s"))]
async fn order(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[check]
async fn arrived(ticket: &u64) -> StageResult<Check<u64>> {
    Ok(Check::Ready(*ticket))
}

workflow! { chain = begin >> left >> end }
workflow! { diamond = begin >> [left, right] >> join }
workflow! { waiting = begin >> [order, left] >> join }
workflow! { fork = begin >> [left, order] }

/// Returns all workflows.
pub fn all() -> [&'static WorkflowDefinition; 4] {
    [chain::definition(), diamond::definition(), waiting::definition(), fork::definition()]
}
