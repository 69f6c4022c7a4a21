//! Making a schedule of a workflow of the program.

use std::time::Duration;

use serde::Serialize;

use crate::error::Error;
use crate::language::Workflow;
use crate::records::{CatchUp, Overlap, Schedule};
use crate::value::exact;
use crate::value::{Cost, Json};

/// A cron pattern that has no workflow yet: [`CronSchedule::start`] gives it one.
#[derive(Clone, Debug)]
#[must_use = "a schedule needs a workflow"]
pub struct CronSchedule {
    id: String,
    pattern: String,
    zone: Option<String>,
}

/// A period that has no workflow yet: [`PeriodicSchedule::start`] gives it one.
#[derive(Clone, Debug)]
#[must_use = "a schedule needs a workflow"]
pub struct PeriodicSchedule {
    id: String,
    period: Duration,
}

impl Schedule {
    /// Begins a schedule that ticks at the instants of a cron pattern: minute, hour, day of the month, month and day of the
    /// week, such as `30 2 * * *`; with six fields, seconds come first, and a seventh is a year. Without
    /// [`CronSchedule::zone`] its clock is UTC.
    ///
    /// ```
    /// use workflow_engine::Schedule;
    /// use workflow_engine::records::{CatchUp, Overlap};
    /// # use workflow_engine::prelude::*;
    /// # #[stage]
    /// # async fn count(limit: u32) -> StageResult<u32> { Ok(limit) }
    /// # workflow! { Counting = count }
    ///
    /// let nightly = Schedule::cron("nightly", "30 2 * * *")
    ///     .zone("Europe/Berlin")
    ///     .start::<Counting>(CountInput { limit: 7 })?
    ///     .overlap(Overlap::Queue)
    ///     .catch_up(CatchUp::All { at_most: 3 });
    /// # let _ = nightly;
    /// # Ok::<(), workflow_engine::Error>(())
    /// ```
    pub fn cron(id: impl Into<String>, pattern: impl Into<String>) -> CronSchedule {
        CronSchedule { id: id.into(), pattern: pattern.into(), zone: None }
    }

    /// Begins a schedule that ticks once in each period, of 1 s to 366 days: at its multiples since 1970 in UTC, so a period of
    /// an hour ticks at full hours.
    pub fn every(id: impl Into<String>, period: Duration) -> PeriodicSchedule {
        PeriodicSchedule { id: id.into(), period }
    }

    /// Sets the configuration of each run. Without it each stage has its defaults.
    ///
    /// # Errors
    /// `INVALID_SCHEDULE` for a value that JSON cannot hold.
    pub fn config(mut self, config: impl Serialize) -> Result<Self, Error> {
        let json = exact::encode(&config);
        self.config = Some(json.map_err(|fault| Error::invalid_schedule(&self.id, fault))?);
        Ok(self)
    }

    /// Sets the program's own data of each run: a value that serializes as an object.
    ///
    /// # Errors
    /// `INVALID_SCHEDULE` for a value that JSON cannot hold.
    pub fn metadata(mut self, metadata: impl Serialize) -> Result<Self, Error> {
        let json = exact::encode(&metadata);
        self.metadata = Some(json.map_err(|fault| Error::invalid_schedule(&self.id, fault))?);
        Ok(self)
    }

    /// Tags each run.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Sets the priority of each run.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets the highest cost of the calls of models of each run.
    #[must_use]
    pub fn budget(mut self, budget: Cost) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the longest time of each run.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }

    /// Sets what a tick does while an earlier run has not ended. Default [`Overlap::Skip`].
    #[must_use]
    pub fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// Sets what happens to ticks that no process was there for. Default [`CatchUp::Latest`].
    #[must_use]
    pub fn catch_up(mut self, catch_up: CatchUp) -> Self {
        self.catch_up = catch_up;
        self
    }

    /// Starts each run up to this long after its tick, at most a day: a time that the id and the tick decide, so that many
    /// schedules of one pattern do not start together.
    #[must_use]
    pub fn jitter(mut self, longest: Duration) -> Self {
        self.jitter = longest;
        self
    }
}

impl CronSchedule {
    /// Sets the time zone on whose clocks the pattern is read, such as `Europe/Berlin`. When the clocks go forward, a pattern
    /// with a fixed hour ticks at the end of the missing hour; when they go back, it ticks once.
    pub fn zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(zone.into());
        self
    }

    /// Starts runs of this workflow with this input.
    ///
    /// # Errors
    /// `INVALID_INPUT` for an input that cannot be stored.
    #[allow(clippy::needless_pass_by_value, reason = "an input is passed on as with `Engine::start`")]
    pub fn start<W: Workflow>(self, input: W::Input) -> Result<Schedule, Error> {
        schedule::<W>(self.id, Some(self.pattern), self.zone, None, &input)
    }
}

impl PeriodicSchedule {
    /// Starts runs of this workflow with this input.
    ///
    /// # Errors
    /// `INVALID_INPUT` for an input that cannot be stored.
    #[allow(clippy::needless_pass_by_value, reason = "an input is passed on as with `Engine::start`")]
    pub fn start<W: Workflow>(self, input: W::Input) -> Result<Schedule, Error> {
        schedule::<W>(self.id, None, None, Some(self.period), &input)
    }
}

fn schedule<W: Workflow>(
    id: String,
    cron: Option<String>,
    zone: Option<String>,
    every: Option<Duration>,
    input: &W::Input,
) -> Result<Schedule, Error> {
    let workflow_id = &W::definition().id;
    let input = Json::store(input).map_err(|fault| Error::invalid_input(workflow_id, fault))?;
    Ok(Schedule::new(id, cron, zone, every, workflow_id.clone(), input))
}
