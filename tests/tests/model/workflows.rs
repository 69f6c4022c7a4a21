//! The workflows that the cases run. Their functions do not matter: the case decides how each attempt ends.

use workflow_engine::definition::{StageDefinition, WorkflowDefinition};
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

#[stage(retry(max_attempts = 2, max_crashes = 2, initial = "1s"))]
async fn pick(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage(retry(max_attempts = 2, initial = "1s"))]
async fn last(number: u64) -> StageResult<u64> {
    Ok(number)
}

#[stage(retry(max_attempts = 2, max_crashes = 2, initial = "1s"))]
async fn sum(one: Option<u64>, other: u64) -> StageResult<u64> {
    Ok(one.unwrap_or_default() + other)
}

workflow! {
    choosing = begin >> [
        match order {
            number if number % 3 == 0 => left,
            number if number % 3 == 1 => match pick { number if number % 2 == 0 => end, number => last },
            _ => (),
        },
        right,
    ] >> sum
}
workflow! { ending = match begin { number if number % 2 == 0 => left >> end, number => right } }

#[stage(retry(max_attempts = 2, max_crashes = 2, initial = "1s"))]
async fn settle(one: Result<u64, StageFailure>, other: u64) -> StageResult<u64> {
    Ok(one.unwrap_or_default() + other)
}

workflow! { catching = begin >> [catch([left, order] >> join), right] >> settle }

#[stage(signal = u64, give_up_after = "25s", retry(max_attempts = 2, max_crashes = 2, initial = "1s"))]
async fn approve(number: u64) -> StageResult<u64> {
    Ok(number)
}

workflow! { asking = begin >> [approve, left] >> join }
workflow! {
    #[workflow(deadline = "90s")]
    dated = begin >> [catch(approve), delay("5s") >> right] >> settle
}

/// Returns all workflows.
pub fn all() -> [&'static WorkflowDefinition; 9] {
    [
        chain::definition(),
        diamond::definition(),
        waiting::definition(),
        fork::definition(),
        choosing::definition(),
        ending::definition(),
        catching::definition(),
        asking::definition(),
        dated::definition(),
    ]
}

/// Returns whether a stage waits for a signal.
pub fn waits_for_signal(stage: &StageDefinition) -> bool {
    stage.wait.is_some_and(|wait| wait.is_signal())
}

/// Returns the arm that an output of the stage chooses, if it chooses.
pub fn arm_of(workflow: &WorkflowDefinition, stage: &str, output: u64) -> Option<usize> {
    match (workflow.id.as_str(), stage) {
        ("choosing", "order") => Some([0, 1, 2][(output % 3) as usize]),
        ("choosing", "pick") | ("ending", "begin") => Some((output % 2) as usize),
        _ => None,
    }
}
