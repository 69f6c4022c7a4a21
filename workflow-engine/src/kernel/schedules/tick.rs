//! Handles one tick: creates its run and moves the schedule in one commit.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::missed::tick_to_handle;
use super::spec::request_of;
use super::timing::{Timing, due_of};
use crate::error::{Error, shown};
use crate::kernel::Kernel;
use crate::kernel::commands::{CancelRun, Command, CreateRun, Created, ScheduleMove};
use crate::records::{Overlap, ScheduleRecord, ScheduleRefusal, ScheduleStart};
use crate::value::RunId;

/// The most runs that a schedule remembers as open.
const MAX_OPEN_RUNS: usize = 100;

/// The pause before a refused start is tried again: it doubles, from the first to the second.
const REFUSAL_PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3_600));

/// What has become of a schedule that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernel) enum TickOutcome {
    /// A run has started.
    Started,
    /// No run has started, and the schedule has moved: its ticks were missed, skipped or wait for a run, or their run
    /// existed.
    Moved,
    /// Its run was refused.
    Refused,
    /// Another process was first.
    Lost,
}

/// Handles the next tick of a schedule that is due at the store's instant `now`.
///
/// # Errors
/// Those of the store. An invalid request is kept with the schedule.
pub(in crate::kernel) async fn handle_tick(
    kernel: &Kernel,
    record: ScheduleRecord,
    now: DateTime<Utc>,
) -> Result<TickOutcome, Error> {
    let timing = match Timing::of(&record.schedule) {
        Ok(timing) => timing,
        Err(error) => return refuse(kernel, record, now, now, &error).await,
    };
    let Some(first) = record.next_at else {
        return write(kernel, ScheduleRecord { due_at: None, blocked_by: None, ..record }).await;
    };
    if due_of(&record.schedule, first) > now {
        // The clock has gone back since the schedule has moved. Ticks that come again start no second run: their keys are
        // taken.
        let next = timing.after(now).map_or(first, |next| next.min(first));
        return write(kernel, record.move_to(Some(next))).await;
    }
    let mut record = ScheduleRecord { state: without_ended_runs(kernel, &record).await?, ..record };
    let Some(tick) = tick_to_handle(&record, &timing, first, now) else {
        let schedule = &record.schedule.id;
        tracing::warn!(
            schedule,
            first = shown(first),
            "the ticks of a schedule were missed, and start no runs"
        );
        let next = timing.after(now);
        return write(kernel, record.move_to(next)).await;
    };
    match (record.schedule.overlap, record.state.open_runs.first()) {
        (Overlap::Skip, Some(_)) => {
            let mut skipped = record.move_to(timing.after(tick));
            skipped.state.skipped += 1;
            return write(kernel, skipped).await;
        }
        (Overlap::Queue, Some(&run_id)) => {
            return write(kernel, ScheduleRecord { due_at: None, blocked_by: Some(run_id), ..record }).await;
        }
        _ => {}
    }
    let request = request_of(&record.schedule, tick);
    if let Err(error) = request.check_only(kernel) {
        return refuse(kernel, record, tick, now, &error).await;
    }
    if record.schedule.overlap == Overlap::Replace {
        // The runs of the record that was read: a run that another process starts meanwhile is not among them.
        for run_id in std::mem::take(&mut record.state.open_runs) {
            let reason =
                format!("schedule `{}` replaces it by the run of {}", record.schedule.id, shown(tick));
            let cancelled = CancelRun { run_id, reason: Some(reason) }.execute(kernel).await;
            cancelled.map(drop).or_else(|error| if error.is_not_found() { Ok(()) } else { Err(error) })?;
        }
    }
    let moved = record.clone().move_to(timing.after(tick));
    match start_run(kernel, request, moved, tick).await {
        Ok(Created::New(_)) => Ok(TickOutcome::Started),
        Ok(Created::Existing(_)) => write(kernel, record.move_to(timing.after(tick))).await,
        Ok(Created::ScheduleChanged) => Ok(TickOutcome::Lost),
        Err(error) if !error.is_retryable() => refuse(kernel, record, tick, now, &error).await,
        Err(error) => Err(error),
    }
}

/// Creates a run for a schedule, and writes the schedule with it in one commit.
///
/// # Errors
/// As [`CreateRun`].
pub(in crate::kernel) async fn start_run(
    kernel: &Kernel,
    request: CreateRun,
    mut record: ScheduleRecord,
    scheduled_for: DateTime<Utc>,
) -> Result<Created, Error> {
    let run_id = RunId::generate();
    let expected = record.version;
    record.version += 1;
    record.state.last = Some(ScheduleStart { scheduled_for, run_id });
    record.state.open_runs.push(run_id);
    let surplus = record.state.open_runs.len().saturating_sub(MAX_OPEN_RUNS);
    record.state.open_runs.drain(..surplus);
    request.create_by_schedule(kernel, run_id, ScheduleMove { expected, record }).await
}

impl ScheduleRecord {
    /// Returns the schedule with another next tick, for which it waits.
    pub(in crate::kernel) fn move_to(self, next: Option<DateTime<Utc>>) -> Self {
        let due_at = next.map(|next| due_of(&self.schedule, next));
        let mut moved = Self { next_at: next, due_at, blocked_by: None, ..self };
        moved.state.refusal = None;
        moved
    }
}

/// Returns what the schedule has done, without its runs that have ended.
async fn without_ended_runs(
    kernel: &Kernel,
    record: &ScheduleRecord,
) -> Result<crate::records::ScheduleState, Error> {
    let mut state = record.state.clone();
    let needs_all = record.schedule.overlap != Overlap::Parallel || state.open_runs.len() >= MAX_OPEN_RUNS;
    if needs_all {
        let mut open = Vec::new();
        for run_id in state.open_runs {
            let run = kernel.store().run(run_id).await?;
            open.extend(run.filter(|run| !run.status.is_terminal()).map(|run| run.id));
        }
        state.open_runs = open;
    }
    Ok(state)
}

/// Keeps the tick, which is tried again after a pause, and the reason.
async fn refuse(
    kernel: &Kernel,
    record: ScheduleRecord,
    tick: DateTime<Utc>,
    now: DateTime<Utc>,
    error: &Error,
) -> Result<TickOutcome, Error> {
    let attempts = record.state.refusal.as_ref().map_or(0, |refusal| refusal.attempts).saturating_add(1);
    tracing::error!(
        schedule = record.schedule.id, tick = shown(tick), attempts, %error,
        "the run of a schedule cannot be created; it is tried again"
    );
    let factor = 2_u32.saturating_pow(attempts - 1);
    let pause = REFUSAL_PAUSE.0.saturating_mul(factor).min(REFUSAL_PAUSE.1);
    let due_at = Some(now + TimeDelta::from_std(pause).unwrap_or_default());
    let mut refused = ScheduleRecord { due_at, blocked_by: None, ..record };
    refused.state.refusal = Some(ScheduleRefusal {
        scheduled_for: tick,
        code: error.code().as_str().to_owned(),
        message: error.to_string(),
        attempts,
        at: now,
    });
    Ok(match write(kernel, refused).await? {
        TickOutcome::Moved => TickOutcome::Refused,
        outcome => outcome,
    })
}

/// Writes a schedule that has moved without a run.
async fn write(kernel: &Kernel, record: ScheduleRecord) -> Result<TickOutcome, Error> {
    let expected = record.version;
    let record = ScheduleRecord { version: expected + 1, ..record };
    let written = kernel.store().put_schedule(&record, Some(expected)).await?;
    Ok(if written { TickOutcome::Moved } else { TickOutcome::Lost })
}
