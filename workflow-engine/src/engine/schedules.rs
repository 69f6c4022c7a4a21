//! Schedules: what starts runs by a clock.

use std::future::IntoFuture;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Engine;
use super::any_run::AnyRun;
use super::list::{Cursor, List, Page};
use crate::error::{Error, ErrorCode, shown};
use crate::kernel::{
    BackfillSchedule, BackfilledTick, DeleteSchedule, PauseSchedule, PutSchedule, PutScheduleOutput,
    ResumeSchedule, TriggerSchedule,
};
use crate::records::{Schedule, ScheduleRecord, ScheduleState};
use crate::value::RunId;

const LIST: &str = "schedules";

/// The number of ticks that [`ScheduleInfo::next`] shows.
const NEXT_TICKS: usize = 5;

/// A schedule that is due for longer than this has no process that takes it.
const OVERDUE: TimeDelta = TimeDelta::minutes(1);

/// The schedules of a store: [`Engine::schedules`].
#[derive(Clone, Debug)]
pub struct Schedules {
    engine: Engine,
}

/// A schedule, with what it does now and next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ScheduleInfo {
    /// The schedule.
    pub schedule: Schedule,
    /// What it does now.
    pub status: ScheduleStatus,
    /// Why it does not start runs, if it should and does not.
    pub reason: Option<String>,
    /// The next five ticks; none while it is paused. The first has passed if it is being handled, or cannot be.
    pub next: Vec<DateTime<Utc>>,
    /// The instant at which the run of the next tick starts: with its jitter, or after a pause if it was refused.
    pub due_at: Option<DateTime<Utc>>,
    /// The run for whose end the next tick waits.
    pub blocked_by: Option<RunId>,
    /// What it has done.
    pub state: ScheduleState,
}

/// What a schedule does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum ScheduleStatus {
    /// It waits for its next tick.
    Active,
    /// A person has paused it.
    Paused,
    /// Its next tick waits for the end of a run.
    Blocked,
    /// The run of its next tick was refused; it is tried again.
    Refused,
    /// It has been due for more than a minute: no process that has its workflow works.
    Overdue,
    /// No tick follows.
    Ended,
}

impl Engine {
    /// The schedules of the store: what starts runs by a clock.
    ///
    /// ```
    /// use workflow_engine::Schedule;
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn summarize(region: String, ctx: &StageContext) -> StageResult<String> {
    ///     Ok(format!("{region} until {:?}", ctx.scheduled_for()))
    /// }
    ///
    /// workflow! { Summary = summarize }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Summary>().build().await?;
    /// let input = SummarizeInput { region: "north".into() };
    /// let nightly = Schedule::cron("nightly", "30 2 * * *").zone("Europe/Berlin").start::<Summary>(input)?;
    /// engine.schedules().put(nightly).await?;
    ///
    /// let nightly = engine.schedules().get("nightly").await?;
    /// assert_eq!(nightly.next.len(), 5);
    /// let run = engine.schedules().trigger("nightly").await?;
    /// run.output().await?;
    /// # engine.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn schedules(&self) -> Schedules {
        Schedules { engine: self.clone() }
    }
}

impl Schedules {
    /// Creates a schedule, or changes the one with its id; see [`PutSchedule`]. A program that has its schedules in its code
    /// gives them to [`EngineBuilder::schedule`](crate::EngineBuilder::schedule).
    ///
    /// # Errors
    /// As [`PutSchedule`].
    pub async fn put(&self, schedule: Schedule) -> Result<PutScheduleOutput, Error> {
        self.engine.dispatch(PutSchedule { schedule }).await
    }

    /// Returns a schedule.
    ///
    /// # Errors
    /// `SCHEDULE_NOT_FOUND`.
    pub async fn get(&self, id: &str) -> Result<ScheduleInfo, Error> {
        let read = self.engine.store().schedule(id).await;
        let record = read.map_err(|error| self.engine.unless_store_closed(error))?;
        let record = record.ok_or_else(|| Error::schedule_not_found(id))?;
        Ok(self.info(record))
    }

    /// Lists the schedules by id.
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn list(&self) -> List<ScheduleInfo> {
        let schedules = self.clone();
        List::new(move |after: Option<Cursor>, limit| {
            let schedules = schedules.clone();
            async move {
                let after = after.map(|cursor| cursor.item::<String>(LIST)).transpose()?;
                let page = schedules.read(after, limit).await;
                page.map_err(|error| schedules.engine.unless_store_closed(error))
            }
        })
    }

    /// Deletes a schedule; see [`DeleteSchedule`]. Returns whether there was one.
    ///
    /// # Errors
    /// An error of the store.
    pub async fn delete(&self, id: &str) -> Result<bool, Error> {
        Ok(self.engine.dispatch(DeleteSchedule { id: id.to_owned() }).await?.deleted)
    }

    /// Pauses a schedule: it starts no runs by itself until it is resumed. Returns `false` if it was paused already.
    ///
    /// # Errors
    /// `SCHEDULE_NOT_FOUND`.
    pub async fn pause(&self, id: &str, reason: impl Into<Option<String>>) -> Result<bool, Error> {
        let command = PauseSchedule { id: id.to_owned(), reason: reason.into() };
        Ok(self.engine.dispatch(command).await?.paused)
    }

    /// Resumes a schedule from its next tick on. The ticks of the pause are not caught up; [`backfill`](Self::backfill) starts
    /// their runs. Returns `false` if it was not paused.
    ///
    /// # Errors
    /// `SCHEDULE_NOT_FOUND`.
    pub async fn resume(&self, id: &str) -> Result<bool, Error> {
        Ok(self.engine.dispatch(ResumeSchedule { id: id.to_owned() }).await?.resumed)
    }

    /// Starts a run of a schedule now, also while it is paused or an earlier run has not ended; `.await` starts it.
    ///
    /// # Errors
    /// `SCHEDULE_NOT_FOUND`; `WORKFLOW_NOT_FOUND` in a process that has not registered the workflow; the other errors of
    /// [`CreateRun`](crate::kernel::CreateRun).
    pub fn trigger(&self, id: impl Into<String>) -> Trigger {
        let command = TriggerSchedule { id: id.into(), idempotency_key: None };
        Trigger { engine: self.engine.clone(), command }
    }

    /// Starts a run for each tick between two instants that has none; `.await` starts them, and [`Backfill::preview`] shows
    /// the ticks. See [`BackfillSchedule`].
    ///
    /// # Errors
    /// As [`BackfillSchedule`].
    pub fn backfill(&self, id: impl Into<String>, from: DateTime<Utc>, to: DateTime<Utc>) -> Backfill {
        let command = BackfillSchedule { id: id.into(), from, to, dry_run: false };
        Backfill { engine: self.engine.clone(), command }
    }

    async fn read(&self, after: Option<String>, limit: usize) -> Result<Page<ScheduleInfo>, Error> {
        let mut records = self.engine.store().schedules(after.as_deref(), limit + 1).await?;
        let has_next = records.len() > limit;
        records.truncate(limit);
        let last = records.last().filter(|_| has_next);
        let next = last.map(|record| Cursor::new(LIST, &record.schedule.id));
        let items = records.into_iter().map(|record| self.info(record)).collect();
        Ok(Page { items, next, searched_to: None })
    }

    fn info(&self, record: ScheduleRecord) -> ScheduleInfo {
        let kernel = self.engine.kernel();
        let (status, reason) = status_of(&record, kernel.clock().now());
        // Without ticks where this process does not know the time zone: the status says what it can.
        let next = record.next_ticks(NEXT_TICKS).unwrap_or_default();
        let ScheduleRecord { schedule, due_at, blocked_by, state, .. } = record;
        ScheduleInfo { schedule, status, reason, next, due_at, blocked_by, state }
    }
}

fn status_of(record: &ScheduleRecord, now: DateTime<Utc>) -> (ScheduleStatus, Option<String>) {
    let ScheduleRecord { schedule, due_at, blocked_by, state, next_at, .. } = record;
    let overdue = due_at.filter(|due| now - *due > OVERDUE);
    match (&state.paused, &state.refusal, blocked_by, overdue) {
        (Some(pause), ..) => (ScheduleStatus::Paused, pause.reason.clone()),
        (_, Some(refusal), _, None) => {
            (ScheduleStatus::Refused, Some(format!("{}: {}", refusal.code, refusal.message)))
        }
        (_, _, Some(run_id), _) => {
            (ScheduleStatus::Blocked, Some(format!("run {run_id} of the schedule has not ended")))
        }
        (_, _, _, Some(due)) => {
            let workflow = &schedule.workflow_id;
            let message = format!(
                "{}: it is due since {}, and no process that has workflow `{workflow}` and the feature `schedules` takes it",
                ErrorCode::WorkflowNotFound.as_str(),
                shown(due)
            );
            (ScheduleStatus::Overdue, Some(message))
        }
        _ if next_at.is_none() => (ScheduleStatus::Ended, None),
        _ => (ScheduleStatus::Active, None),
    }
}

/// The start of a run of a schedule; `.await` starts it.
#[must_use = "a run starts when this is awaited"]
#[derive(Debug)]
pub struct Trigger {
    engine: Engine,
    command: TriggerSchedule,
}

impl Trigger {
    /// Sets the idempotency key: the same key starts one run.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.command.idempotency_key = Some(key.into());
        self
    }
}

impl IntoFuture for Trigger {
    type Output = Result<AnyRun, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let run_id = self.engine.dispatch(self.command).await?.run_id;
            Ok(AnyRun::new(self.engine, run_id))
        })
    }
}

/// The start of runs of ticks in the past; `.await` starts them.
#[must_use = "runs start when this is awaited"]
#[derive(Debug)]
pub struct Backfill {
    engine: Engine,
    command: BackfillSchedule,
}

impl Backfill {
    /// Returns the ticks, and which of them have a run, and starts nothing.
    ///
    /// # Errors
    /// As [`BackfillSchedule`].
    pub async fn preview(mut self) -> Result<Vec<BackfilledTick>, Error> {
        self.command.dry_run = true;
        self.await
    }
}

impl IntoFuture for Backfill {
    type Output = Result<Vec<BackfilledTick>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.engine.dispatch(self.command).await?.ticks) })
    }
}
