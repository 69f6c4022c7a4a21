//! The instants that a run has to keep.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The start and the deadline of a run. All are `None` for a run that starts at once and has no deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RunTimes {
    /// The instant before which the run is not started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// The time between the creation of the run and `due_at`, where the caller has given a time and not an instant;
    /// milliseconds in JSON.
    #[serde(
        rename = "due_after_ms",
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::value::maybe_milliseconds"
    )]
    #[schemars(with = "Option<u64>")]
    pub due_after: Option<Duration>,
    /// The instant at which the run fails, unless it has ended. The Unix epoch for a child that a worker is about to
    /// cancel, because its parent waits for it no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<DateTime<Utc>>,
    /// The longest time of the run: from its creation, or from `due_at`, or from its rerun; milliseconds in JSON.
    #[serde(
        rename = "deadline_ms",
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::value::maybe_milliseconds"
    )]
    #[schemars(with = "Option<u64>")]
    pub deadline: Option<Duration>,
}

/// When a run that is created starts, if not at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStart {
    /// At this instant.
    At(DateTime<Utc>),
    /// This long after its creation.
    After(Duration),
}
