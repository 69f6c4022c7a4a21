//! Schedules: what starts runs by a clock.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::records::ScheduleRecord;
use crate::value::RunId;

/// Keeps schedules, and finds those that are due. A tick is a decision with
/// [`Precondition::Schedule`](super::Precondition::Schedule) and [`Change::MoveSchedule`](super::Change::MoveSchedule):
/// it creates the run and moves the schedule in one transaction.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Returns a schedule.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read or written.
    async fn schedule(&self, id: &str) -> Result<Option<ScheduleRecord>, Error>;

    /// Returns schedules by id, in the order of their bytes, after this id, at most `limit`.
    async fn schedules(&self, after: Option<&str>, limit: usize) -> Result<Vec<ScheduleRecord>, Error>;

    /// Returns schedules of these workflows that are due, or whose blocking run has ended or is deleted, at most `limit`:
    /// those of the latter kind first, then the longest overdue. Any number of processes may receive the
    /// same ones: the first that moves a schedule wins.
    async fn due_schedules(&self, workflow_ids: &[String], limit: usize) -> Result<DueSchedules, Error>;

    /// Returns what the schedules of these workflows wait for.
    async fn schedule_waits(&self, workflow_ids: &[String]) -> Result<ScheduleWaits, Error>;

    /// Writes a schedule if the stored one has the version `expected`, or if there is none where that is `None`. The
    /// store sets its `written_at`. Returns whether it has written.
    async fn put_schedule(&self, record: &ScheduleRecord, expected: Option<u64>) -> Result<bool, Error>;

    /// Deletes a schedule. Returns whether there was one. Its runs stay.
    async fn delete_schedule(&self, id: &str) -> Result<bool, Error>;
}

/// Schedules that are due.
#[derive(Clone, Debug, PartialEq)]
pub struct DueSchedules {
    /// The store's instant of the read.
    pub now: DateTime<Utc>,
    /// The schedules.
    pub schedules: Vec<ScheduleRecord>,
}

/// What schedules wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleWaits {
    /// The earliest instant at which one is due. An instant in the past means: now.
    pub next_due: Option<DateTime<Utc>>,
    /// The runs that block some, by id, also those that have ended; at most 1,000.
    pub runs: Vec<RunId>,
}

impl ScheduleWaits {
    /// The most runs.
    pub const MAX_RUNS: usize = 1_000;
}
