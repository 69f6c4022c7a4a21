//! The workflows that the cases run. Their functions do not matter: the case decides how each attempt ends.

use std::time::Duration;

use workflow_engine::Schedule;
use workflow_engine::definition::{StageDefinition, WorkflowDefinition};
use workflow_engine::prelude::*;
use workflow_engine::records::{CatchUp, Overlap};

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

workflow! {
    inner = pick;
    #[workflow(deadline = "60s")]
    outer = begin >> inner >> end;
    guarded = begin >> [catch(inner), right] >> settle;
}

/// The number of the workflow that the schedules start.
pub const TICKING: usize = 0;

/// The time between two ticks.
pub const PERIOD_MS: u64 = 10_000;

/// A schedule, and what it does about ticks that cannot start a run at once.
pub struct Policy {
    pub id: &'static str,
    /// Whether a tick starts no run while an earlier one is open.
    pub skips: bool,
    /// How many of the ticks that were missed start a run.
    pub catches_up: u64,
}

/// The number of schedules.
pub const SCHEDULE_COUNT: usize = 2;

/// The schedules of each case, by id.
pub static SCHEDULES: [Policy; SCHEDULE_COUNT] = [
    Policy { id: "parallel", skips: false, catches_up: 2 },
    Policy { id: "skip", skips: true, catches_up: 1 },
];

impl Policy {
    /// Returns the schedule.
    pub fn schedule(&self) -> Schedule {
        let schedule = Schedule::every(self.id, Duration::from_millis(PERIOD_MS));
        let schedule = schedule.start::<chain>(BeginInput { number: 0 }).expect("the input fits");
        let overlap = if self.skips { Overlap::Skip } else { Overlap::Parallel };
        let at_most = u32::try_from(self.catches_up).expect("a few");
        let catch_up = if at_most == 1 { CatchUp::Latest } else { CatchUp::All { at_most } };
        schedule.overlap(overlap).catch_up(catch_up)
    }
}

/// Returns all workflows.
pub fn all() -> [&'static WorkflowDefinition; 12] {
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
        inner::definition(),
        outer::definition(),
        guarded::definition(),
    ]
}

/// The workflows of a case, by their number in [`all`].
pub type Theme = &'static [usize];

/// What a case may be about. With few workflows, the runs of a case meet the same moments, and rare states become
/// frequent: swarm testing (Groce and others, ISSTA 2012).
pub const THEMES: &[Theme] = &[
    &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    // Plain steps and checks.
    &[0, 1, 2, 3],
    // Choices and catches.
    &[4, 5, 6],
    // Signals and deadlines.
    &[7, 8],
    // Children.
    &[9, 10, 11],
];

/// Returns whether a stage starts a run, and waits for its end.
pub fn starts_child(stage: &StageDefinition) -> bool {
    stage.child_workflow_id().is_some()
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
