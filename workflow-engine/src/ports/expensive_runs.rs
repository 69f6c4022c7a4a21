//! A part of the search for the most expensive runs.

use chrono::{DateTime, Utc};

use crate::value::{Cost, RunId};

/// A question for runs that have cost at least so much, among the next runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpensiveRunsQuery {
    /// Only runs with smaller ids, which are older.
    pub after: Option<RunId>,
    /// The number of runs to read, the newest first.
    pub candidates: usize,
    /// The least cost of a run that is returned.
    pub at_least: Cost,
}

/// The answer to an [`ExpensiveRunsQuery`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpensiveRuns {
    /// The runs with their creation and cost, in any order.
    pub runs: Vec<(RunId, DateTime<Utc>, Cost)>,
    /// The oldest run that was read, and its creation.
    pub last: Option<(RunId, DateTime<Utc>)>,
    /// The number of runs that were read; fewer than requested only at the end.
    pub candidates: usize,
}
