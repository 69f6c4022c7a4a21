//! The events and log lines of a run: live, and page by page.

use super::any_run::AnyRun;
use super::list::{Cursor, List, Page};
use super::{Events, Logs};
use crate::ports::LogFilter;
use crate::records::{Event, LogRecord};

impl AnyRun {
    /// The run's events as they are committed, from the first to the one that ends the run.
    #[must_use]
    pub fn events(&self) -> Events {
        self.events_after(0)
    }

    /// The run's events as they are committed, from the one after this sequence number to the one that ends the run. Pass
    /// the [`Event::sequence`] of the last event that you have seen to continue after an interruption: no event is missed,
    /// and none comes twice.
    ///
    /// ```
    /// use futures_util::TryStreamExt;
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
    /// let rest: Vec<_> = run.events_after(3).try_collect().await?;
    /// assert_eq!(rest[0].sequence, 4);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn events_after(&self, sequence: u64) -> Events {
        Events::new(self.engine().clone(), self.id(), sequence)
    }

    /// Lists the events that the run has now, oldest first.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; the errors of [`Engine::runs`](crate::Engine::runs).
    pub fn event_history(&self) -> List<Event> {
        const LIST: &str = "events";

        let run = self.clone();
        List::new(move |after, limit| {
            let run = run.clone();
            async move {
                let after = after.map(|cursor| cursor.item(LIST)).transpose()?.unwrap_or(0);
                let events = run.store().events(run.id(), after, limit + 1).await?;
                let events = run.unless_gone(events).await?;
                Ok(Page::of(events, limit, |event| Cursor::new(LIST, event.sequence)))
            }
        })
    }

    /// The run's log lines as they are committed, from the first on, until the run ends.
    #[must_use]
    pub fn logs(&self) -> Logs {
        self.logs_after(0)
    }

    /// The run's log lines as they are committed, from the one after this [`LogRecord::id`] on, until the run ends.
    #[must_use]
    pub fn logs_after(&self, id: u64) -> Logs {
        Logs::new(self.engine().clone(), self.id(), id)
    }

    /// Lists the log lines that the run has now and that match, oldest first or, with [`LogFilter::newest_first`], newest
    /// first.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::{LogFilter, LogLevel};
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
    /// let filter = LogFilter::new().stage("double").at_least(LogLevel::Warn).newest_first();
    /// for line in run.log_history(&filter).limit(20).await? {
    ///     println!("{} {}", line.at, line.message);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; the errors of [`Engine::runs`](crate::Engine::runs).
    pub fn log_history(&self, filter: &LogFilter) -> List<LogRecord> {
        const LIST: &str = "logs";

        let (run, filter) = (self.clone(), filter.clone());
        List::new(move |after, limit| {
            let (run, filter) = (run.clone(), filter.clone());
            async move {
                let after = after.map(|cursor| cursor.item(LIST)).transpose()?;
                let lines = run.store().list_logs(run.id(), &filter, after, limit + 1).await?;
                let lines = run.unless_gone(lines).await?;
                Ok(Page::of(lines, limit, |line| Cursor::new(LIST, line.id)))
            }
        })
    }
}
