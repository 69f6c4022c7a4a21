//! The runs whose calls of models have cost the most.

#![allow(clippy::disallowed_methods, reason = "it bounds how long the caller waits, in real time")]

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::Engine;
use super::list::Page;
use crate::error::Error;
use crate::ports::ExpensiveRunsQuery;
use crate::records::RunRecord;
use crate::value::{Cost, RunId};

/// How long the search lasts.
const SEARCH_TIME: Duration = Duration::from_millis(200);

/// The runs that one statement reads.
const CANDIDATES: usize = 4_096;

/// The most runs that are returned.
const MAX: usize = 200;

impl Engine {
    /// Returns the runs whose calls of models have cost the most, the most expensive first: at most `limit`, 1 to 200, of
    /// those that were created since an instant. Runs without a cost are left out.
    ///
    /// No index has the costs of runs, so the store reads runs from the newest on for about 200 milliseconds. If it has not
    /// reached the instant by then, `searched_to` of the page says how far it came.
    ///
    /// ```
    /// use workflow_engine::Engine;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").build().await?;
    /// let page = engine.most_expensive_runs(None, 20).await?;
    /// assert!(page.items.is_empty() && page.searched_to.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn most_expensive_runs(
        &self,
        since: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Page<RunRecord>, Error> {
        let page = self.find_expensive(since, limit.clamp(1, MAX)).await;
        page.map_err(|error| self.unless_store_closed(error))
    }

    async fn find_expensive(
        &self,
        since: Option<DateTime<Utc>>,
        limit: usize,
    ) -> Result<Page<RunRecord>, Error> {
        let begin = Instant::now();
        let is_older = |created_at| since.is_some_and(|since| created_at < since);
        let mut found: Vec<(Cost, RunId)> = Vec::new();
        let (mut after, mut searched_to) = (None, None);
        loop {
            let least = found.get(limit - 1).map_or(Cost::from_picodollars(1), |(cost, _)| *cost);
            let query = ExpensiveRunsQuery { after, candidates: CANDIDATES, at_least: least };
            let slice = self.store().expensive_runs(&query).await?;
            let recent = slice.runs.into_iter().filter(|(_, created_at, _)| !is_older(*created_at));
            found.extend(recent.map(|(id, _, cost)| (cost, id)));
            found.sort_unstable_by(|a, b| b.cmp(a));
            found.truncate(limit);
            let Some((last, created_at)) = slice.last.filter(|_| slice.candidates == CANDIDATES) else {
                break;
            };
            if is_older(created_at) {
                break;
            }
            if begin.elapsed() >= SEARCH_TIME {
                searched_to = Some(created_at);
                break;
            }
            after = Some(last);
        }
        let mut items = Vec::with_capacity(found.len());
        for (_, run_id) in found {
            // It may have been deleted meanwhile.
            items.extend(self.store().run(run_id).await?);
        }
        Ok(Page { items, next: None, searched_to })
    }
}
