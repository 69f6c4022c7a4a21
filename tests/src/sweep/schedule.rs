//! A schedule that ticks once.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use workflow_engine::prelude::*;
use workflow_engine::records::{Schedule, ScheduleRecord};
use workflow_engine::{Error, RunId};

use super::workflows::{FirstInput, short};

/// Returns the only tick of the schedule of a run. It has passed.
fn the_tick(number: u64) -> DateTime<Utc> {
    let seconds = i64::try_from(number).expect("a small number");
    DateTime::UNIX_EPOCH + TimeDelta::days(365 * 40) + TimeDelta::seconds(seconds)
}

fn id(number: u64) -> String {
    format!("sweep-{number}")
}

/// Returns the key of the run of the tick.
pub fn key(number: u64) -> String {
    let tick = the_tick(number).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    format!("schedule:{}:{tick}", id(number))
}

/// Writes a schedule that is due, unless it exists, and waits for its run.
///
/// # Errors
/// The first error of any call of the store.
pub async fn tick(engine: &Engine, number: u64, input: FirstInput) -> Result<RunId, Error> {
    let store = engine.kernel().store();
    // The tick is a hint; where another process makes it, so is its commit.
    let (mut moves, mut external) = (store.hints().watch_timers(), store.hints().watch_external());
    let tick = the_tick(number);
    let fields = json!({
        "id": id(number),
        "cron": tick.format("%-S %-M %-H %-d %-m * %Y").to_string(),
        "workflow_id": short::definition().id,
        "input": { "ledger": input.ledger, "number": input.number },
    });
    let schedule: Schedule = serde_json::from_value(fields).expect("the fields of a schedule");
    let mut record = ScheduleRecord::new(schedule, 1, engine.kernel().clock().now());
    (record.next_at, record.due_at) = (Some(tick), Some(tick));
    store.put_schedule(&record, None).await?;
    loop {
        moves.mark_unchanged();
        external.mark_unchanged();
        if let Some(run_id) = store.run_of_key(&key(number)).await? {
            return Ok(run_id);
        }
        tokio::select! {
            changed = moves.changed() => changed.expect("the store lives"),
            changed = external.changed() => changed.expect("the store lives"),
        }
    }
}
