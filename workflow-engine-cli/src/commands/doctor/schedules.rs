//! Checks the schedules: those that should start runs and do not.

use futures_util::TryStreamExt;
use workflow_engine::{Engine, Error, ScheduleInfo, ScheduleStatus};

use super::finding::Finding;

/// The most schedules that a finding names.
const NAMED: usize = 5;

/// Checks whether schedules start their runs.
pub async fn check(engine: &Engine) -> Result<Finding, Error> {
    let schedules: Vec<ScheduleInfo> = engine.schedules().list().stream().try_collect().await?;
    let is_stuck =
        |info: &&ScheduleInfo| matches!(info.status, ScheduleStatus::Overdue | ScheduleStatus::Refused);
    let stuck: Vec<&ScheduleInfo> = schedules.iter().filter(is_stuck).collect();
    if stuck.is_empty() {
        return Ok(Finding::ok("schedules", format!("{}", schedules.len())));
    }
    let named = stuck.iter().take(NAMED).map(|info| {
        format!("`{}`: {}", info.schedule.id, info.reason.as_deref().unwrap_or("it does not start its run"))
    });
    Ok(Finding::problem(
        "schedules",
        format!(
            "{} of {} start no runs: {}",
            stuck.len(),
            schedules.len(),
            named.collect::<Vec<_>>().join("; ")
        ),
        "correct what the reason names with `schedules put`, or start a worker of the program that has the workflow",
    ))
}
