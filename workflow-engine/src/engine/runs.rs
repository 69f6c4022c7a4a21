//! Lists of runs.

#![allow(clippy::disallowed_methods, reason = "it bounds how long the caller waits, in real time")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engine;
use super::any_run::AnyRun;
use super::list::{Cursor, List, Page};
use super::run_conditions::Conditions;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::{RunCount, RunFilter, RunPage, RunQuery};
use crate::records::RunRecord;
use crate::value::RunId;

/// How long a search reads runs before it returns what it has found.
const SEARCH_TIME: Duration = Duration::from_millis(40);

/// The name of the list in its cursors.
const LIST: &str = "runs";

impl AnyRun {
    /// Lists the runs that this run has started, newest first: those of [`StageContext::start`](crate::StageContext::start),
    /// and those of its steps that are workflows. Their [`RunRecord::parent`] names the stage.
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn children(&self) -> List<RunRecord> {
        self.engine().runs(&RunFilter::new().parent(self.id()))
    }
}

impl Engine {
    /// Lists the runs that match, newest first.
    ///
    /// Runs with a tag, unfinished runs, and failed or cancelled runs are found without reading others, and so is a page
    /// of all runs. For any other filter, the store reads the runs from the newest on for about 40 milliseconds. If it
    /// has not found enough by then, the page ends early, [`Page::searched_to`] tells how far the search came, and
    /// [`Page::next`] continues it.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::RunFilter;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).tag("customer", "acme").await?;
    /// run.output().await?;
    ///
    /// let filter = RunFilter::new().workflow::<Doubling>().status(Status::Completed).tag("customer", "acme");
    /// let page = engine.runs(&filter).limit(20).await?;
    /// assert_eq!(page.items[0].id, run.id());
    /// assert!(page.next.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `INVALID_REQUEST` for a cursor of another list, or a limit out of its range; an error of the store.
    pub fn runs(&self, filter: &RunFilter) -> List<RunRecord> {
        let (engine, filter) = (self.clone(), filter.clone());
        List::new(move |after, limit| {
            let (engine, filter) = (engine.clone(), filter.clone());
            async move {
                let after = after.map(|cursor| cursor.item(LIST)).transpose()?;
                let found = search(engine.kernel(), filter, after, limit, SEARCH_TIME).await;
                let RunPage { runs, next, searched_to } =
                    found.map_err(|error| engine.unless_store_closed(error))?;
                Ok(Page { items: runs, next: next.map(|last| Cursor::new(LIST, last)), searched_to })
            }
        })
    }

    /// Counts the runs that match, at most `cap`, in about 40 milliseconds at most: [`RunCount::is_exact`] tells whether
    /// these are all. Counting millions of runs exactly would read all of them.
    ///
    /// ```
    /// use workflow_engine::{Engine, RunFilter, Status};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").build().await?;
    /// let failed = engine.count_runs(&RunFilter::new().status(Status::Failed), 10_000).await?;
    /// assert_eq!(failed.to_string(), "0"); // `10000+` where there are more
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn count_runs(&self, filter: &RunFilter, cap: u64) -> Result<RunCount, Error> {
        let counted = count(self.kernel(), filter, cap).await;
        counted.map_err(|error| self.unless_store_closed(error))
    }
}

/// Lists runs, also by the conditions that a store does not know.
async fn search(
    kernel: &Arc<Kernel>,
    filter: RunFilter,
    after: Option<RunId>,
    limit: usize,
    time: Duration,
) -> Result<RunPage, Error> {
    let begin = Instant::now();
    if let Some(key) = &filter.idempotency_key {
        let runs = run_of_key(kernel, &filter, key, after).await?;
        return Ok(RunPage { runs, ..RunPage::default() });
    }
    let Some((conditions, mut query)) = prepare(filter, after, limit, time)? else {
        return Ok(RunPage::default());
    };
    if conditions.is_empty() {
        return kernel.store().list_runs(&query).await;
    }
    let mut matching = Vec::new();
    loop {
        let page = kernel.store().list_runs(&query).await?;
        for run in page.runs {
            let (id, created_at) = (run.id, run.created_at);
            if conditions.admit(kernel, &run).await? {
                matching.push(run);
            }
            if matching.len() == limit {
                return Ok(RunPage { runs: matching, next: Some(id), searched_to: None });
            }
            if begin.elapsed() >= time {
                return Ok(RunPage { runs: matching, next: Some(id), searched_to: Some(created_at) });
            }
        }
        if page.next.is_none() || page.searched_to.is_some() {
            return Ok(RunPage { runs: matching, next: page.next, searched_to: page.searched_to });
        }
        query.after = page.next;
    }
}

/// Splits a filter into what the engine and what the store checks; `None` if no run can match.
fn prepare(
    filter: RunFilter,
    after: Option<RunId>,
    limit: usize,
    time: Duration,
) -> Result<Option<(Conditions, RunQuery)>, Error> {
    let (mut after, mut from) = (after, None);
    if let Some(prefix) = &filter.id_prefix {
        let (first, last) = RunId::range_of_prefix(prefix)?;
        let beyond = last.next();
        after = after.into_iter().chain(beyond).min();
        from = Some(first);
    }
    let (conditions, filter) = Conditions::split(filter);
    let Some(filter) = filter else { return Ok(None) };
    Ok(Some((conditions, RunQuery { filter, after, from, limit, time })))
}

/// Returns the run of an idempotency key, if it matches the other conditions and follows `after`.
async fn run_of_key(
    kernel: &Arc<Kernel>,
    filter: &RunFilter,
    key: &str,
    after: Option<RunId>,
) -> Result<Vec<RunRecord>, Error> {
    let Some(run_id) = kernel.store().run_of_key(key).await? else { return Ok(Vec::new()) };
    if let Some(prefix) = &filter.id_prefix {
        let (first, last) = RunId::range_of_prefix(prefix)?;
        if !(first..=last).contains(&run_id) {
            return Ok(Vec::new());
        }
    }
    let Some(run) = kernel.store().run(run_id).await?.filter(|_| after.is_none_or(|after| run_id < after))
    else {
        return Ok(Vec::new());
    };
    let tags = kernel.store().tags(run_id).await?;
    let (conditions, filter) = Conditions::split(filter.clone());
    let matches = filter.is_some_and(|filter| filter.admits(&run, &tags));
    let matches = matches && conditions.admit(kernel, &run).await?;
    Ok(if matches { vec![run] } else { Vec::new() })
}

async fn count(kernel: &Arc<Kernel>, filter: &RunFilter, cap: u64) -> Result<RunCount, Error> {
    if filter.id_prefix.is_none() && filter.idempotency_key.is_none() {
        match Conditions::split(filter.clone()) {
            (_, None) => return Ok(RunCount::new(0, true)),
            (conditions, Some(filter)) if conditions.is_empty() => {
                return kernel.store().count_runs(&filter, cap, SEARCH_TIME).await;
            }
            _ => {}
        }
    }
    let limit = usize::try_from(cap).unwrap_or(usize::MAX).clamp(1, 10_000);
    let page = search(kernel, filter.clone(), None, limit, SEARCH_TIME).await?;
    Ok(RunCount::new((page.runs.len() as u64).min(cap), page.next.is_none()))
}
