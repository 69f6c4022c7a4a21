//! Lists of runs, shared by the stores: where a filter finds its candidates, and how long it searches.
//!
//! A search reads *slices*: a number of candidates in the order of their ids, of which the store returns those that
//! match. The first slice is small, because a common filter matches soon; the later ones grow, because a rare one reads
//! many. After each slice the search stops if its time has passed, and the caller continues from there.

#![allow(clippy::disallowed_methods, reason = "it bounds how long the caller waits, in real time")]

use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::ports::{RunCount, RunFilter, RunPage, RunQuery};
use crate::records::{RunRecord, Status};
use crate::value::RunId;

/// The candidates of the first slice.
const FIRST_SLICE: usize = 256;

/// The most candidates of a slice. A store reads them in some milliseconds.
const MAX_SLICE: usize = 4_096;

/// The most unfinished runs that are sorted by age to list some of them. Where there are more, they are so common among
/// the newest runs that reading all runs finds them as well.
pub(super) const MAX_UNFINISHED: usize = 10_000;

/// The most runs of a tag that are counted to find the rarest tag of a filter.
pub(super) const MAX_TAGGED: usize = 1_000;

/// Where the candidates of a filter are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source<'f> {
    /// All runs.
    All,
    /// Runs that have not ended.
    Unfinished,
    /// Runs that have failed or were cancelled.
    Ended {
        /// Whether failed runs are candidates.
        failed: bool,
        /// Whether cancelled runs are candidates.
        cancelled: bool,
    },
    /// Runs that this run has started.
    Children {
        /// The parent.
        parent: RunId,
    },
    /// The runs of the filter's workflow.
    OfWorkflow,
    /// Runs with this tag.
    Tagged {
        /// The key.
        key: &'f str,
        /// The value.
        value: &'f str,
    },
}

/// A slice to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'f> {
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        allow(dead_code, reason = "the store in memory reads all runs")
    )]
    pub(super) source: Source<'f>,
    pub(super) filter: &'f RunFilter,
    /// Only candidates with smaller ids.
    pub(super) after: Option<RunId>,
    /// The number of candidates.
    pub(super) candidates: usize,
    /// The most matching runs to return.
    pub(super) limit: usize,
}

/// The content of a slice.
#[derive(Debug, Default)]
pub(super) struct SliceOutput {
    /// Matching runs, newest first.
    pub(super) runs: Vec<RunRecord>,
    /// The oldest candidate, and its creation.
    pub(super) last: Option<(RunId, DateTime<Utc>)>,
    /// The number of candidates; fewer than requested only at the end.
    pub(super) candidates: usize,
    /// The number of those that match.
    pub(super) matches: usize,
}

/// The reads of a store that a search needs.
#[async_trait]
pub(super) trait ReadSlices: Sync {
    /// Reads a slice.
    async fn slice(&self, slice: Slice<'_>) -> Result<SliceOutput, Error>;

    /// Counts unfinished runs, at most `limit`.
    async fn count_unfinished(&self, limit: usize) -> Result<usize, Error>;

    /// Returns whether the store has the optional index `by-workflow`. It is added and dropped while processes run.
    async fn has_workflow_index(&self) -> Result<bool, Error>;

    /// Counts runs with a tag, at most `limit`.
    async fn count_tagged(&self, key: &str, value: &str, limit: usize) -> Result<usize, Error>;
}

/// Lists runs.
pub(super) async fn list(store: &impl ReadSlices, query: &RunQuery) -> Result<RunPage, Error> {
    let begin = Instant::now();
    let RunQuery { filter, limit, time, .. } = query;
    let mut after = query.after;
    let mut slice = Slice {
        source: source(store, filter).await?,
        filter,
        after,
        // Without a condition every candidate matches, and one more shows whether there is another page.
        candidates: if *filter == RunFilter::default() { limit + 1 } else { FIRST_SLICE.max(limit + 1) },
        limit: *limit,
    };
    let mut runs = Vec::new();
    loop {
        slice.limit = limit - runs.len();
        let output = store.slice(slice).await?;
        runs.extend(output.runs);
        if let Some(from) = query.from
            && (runs.last().is_some_and(|run: &RunRecord| run.id < from)
                || output.matches <= slice.limit && output.last.is_some_and(|(last, _)| last < from))
        {
            runs.retain(|run| run.id >= from);
            return Ok(RunPage { runs, next: None, searched_to: None });
        }
        if output.matches > slice.limit {
            let next = runs.last().map(|run: &RunRecord| run.id);
            return Ok(RunPage { runs, next, searched_to: None });
        }
        let Some((last, created_at)) = output.last.filter(|_| output.candidates >= slice.candidates) else {
            return Ok(RunPage { runs, next: None, searched_to: None });
        };
        after = Some(last);
        if runs.len() == *limit {
            return Ok(RunPage { runs, next: after, searched_to: None });
        }
        if begin.elapsed() >= *time {
            return Ok(RunPage { runs, next: after, searched_to: Some(created_at) });
        }
        slice.after = after;
        slice.candidates = (slice.candidates * 4).min(MAX_SLICE.max(limit + 1));
    }
}

/// Counts runs.
pub(super) async fn count(
    store: &impl ReadSlices,
    filter: &RunFilter,
    cap: u64,
    time: Duration,
) -> Result<RunCount, Error> {
    let begin = Instant::now();
    let source = source(store, filter).await?;
    let mut slice = Slice { source, filter, after: None, candidates: FIRST_SLICE, limit: 0 };
    let mut count = 0;
    loop {
        let output = store.slice(slice).await?;
        count += output.matches as u64;
        if count > cap {
            return Ok(RunCount::new(cap, false));
        }
        let Some((last, _)) = output.last.filter(|_| output.candidates >= slice.candidates) else {
            return Ok(RunCount::new(count, true));
        };
        if begin.elapsed() >= time {
            return Ok(RunCount::new(count, false));
        }
        slice.after = Some(last);
        slice.candidates = (slice.candidates * 4).min(MAX_SLICE);
    }
}

/// Returns the narrowest source of a filter.
async fn source<'f>(store: &impl ReadSlices, filter: &'f RunFilter) -> Result<Source<'f>, Error> {
    if let Some(parent) = filter.parent {
        return Ok(Source::Children { parent });
    }
    let mut tags = filter.tags.iter();
    if let Some(first) = tags.next() {
        let mut rarest = first;
        if filter.tags.len() > 1 {
            let mut fewest = store.count_tagged(first.0, first.1, MAX_TAGGED).await?;
            for (key, value) in tags {
                let count = store.count_tagged(key, value, MAX_TAGGED).await?;
                if count < fewest {
                    (rarest, fewest) = ((key, value), count);
                }
            }
        }
        return Ok(Source::Tagged { key: rarest.0, value: rarest.1 });
    }
    let statuses = &filter.statuses;
    let are_among =
        |among: [Status; 2]| !statuses.is_empty() && statuses.iter().all(|status| among.contains(status));
    // Only a failed run has an error.
    if are_among([Status::Failed, Status::Cancelled]) || (statuses.is_empty() && filter.error_code.is_some())
    {
        let failed = statuses.is_empty() || statuses.contains(&Status::Failed);
        return Ok(Source::Ended { failed, cancelled: statuses.contains(&Status::Cancelled) });
    }
    if are_among([Status::Pending, Status::Running])
        && store.count_unfinished(MAX_UNFINISHED + 1).await? <= MAX_UNFINISHED
    {
        return Ok(Source::Unfinished);
    }
    if filter.workflow_id.is_some() && store.has_workflow_index().await? {
        return Ok(Source::OfWorkflow);
    }
    Ok(Source::All)
}
